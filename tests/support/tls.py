"""A certificate authority for one test, and a server certificate that it signed."""

import ipaddress
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)


class Authority:
    """A certificate authority. `ca_file` is its certificate, `server` a context for loopback.

    The server's certificate is for `names` as well. With `wants_clients` it talks to nobody without
    a certificate from `client`.
    """

    def __init__(
        self, folder: Path, *names: str, days: int = 1, wants_clients: bool = False
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        key, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Keeptrusts tests")])
        own = _signed(name, name, key.public_key(), key, is_ca=True, days=1)
        signed = _signed(
            name, x509.Name([]), leaf.public_key(), key, is_ca=False, days=days, names=names
        )
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(own.public_bytes(Encoding.PEM))
        chain = folder / "server.pem"
        chain.write_bytes(
            leaf.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + signed.public_bytes(Encoding.PEM)
        )
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(chain)
        if wants_clients:
            self.server.verify_mode = ssl.CERT_REQUIRED
            self.server.load_verify_locations(self.ca_file)
        self._name, self._key = name, key

    def client(
        self, *, days: int = 1, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None
    ) -> tuple[str, str]:
        """A client's certificate and key, in PEM."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A client")])
        signed = _signed(self._name, subject, key.public_key(), self._key, is_ca=False, days=days)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return signed.public_bytes(Encoding.PEM).decode(), private.decode()


def _signed(
    issuer: x509.Name,
    subject: x509.Name,
    public: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    key: ec.EllipticCurvePrivateKey,
    *,
    is_ca: bool,
    days: int,
    names: Sequence[str] = (),
) -> x509.Certificate:
    """Sign a certificate, valid from a week ago until `days` from now."""
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=7))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([address, *map(x509.DNSName, names)]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
