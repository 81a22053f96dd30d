"""Client certificates and their keys, read strictly before they are stored. Pure."""

from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

_MAX_CHAIN = 10
_MIN_RSA_BITS, _MAX_RSA_BITS = 2048, 16_384
_Public = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey


class KeyMismatchError(ValueError):
    """The key cannot be used, or is another certificate's; the message ends a sentence."""


def read(chain: str, key: str) -> tuple[str, str]:
    """A chain in PEM, the client's certificate first, and its private key, as they are stored.

    Raises:
        KeyMismatchError: it is the key that is wrong.
        ValueError: the chain cannot be used; the message ends a sentence.
    """
    certificates = _certificates(chain)
    public = certificates[0].public_key()
    # Before the key is read: what it takes to read one grows with its size.
    if not isinstance(public, _Public) or not _is_strong(public):
        raise ValueError(
            f"must be for a key of ECDSA, Ed25519, or RSA of {_MIN_RSA_BITS} to"
            f" {_MAX_RSA_BITS} bits"
        )
    stored = _key(key, public)
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates), stored


def ends_at(chain: str) -> datetime:
    """The time until which the first certificate of a stored chain is valid."""
    return x509.load_pem_x509_certificates(chain.encode())[0].not_valid_after_utc


def _certificates(chain: str) -> list[x509.Certificate]:
    try:
        certificates = x509.load_pem_x509_certificates(chain.encode())
    except ValueError as exc:
        raise ValueError("has no certificate in PEM that can be read") from exc
    if len(certificates) > _MAX_CHAIN:
        raise ValueError(f"may have {_MAX_CHAIN} certificates at most")
    return certificates


def _is_strong(public: _Public) -> bool:
    if isinstance(public, rsa.RSAPublicKey):
        return _MIN_RSA_BITS <= public.key_size <= _MAX_RSA_BITS
    return True


def _key(text: str, public: _Public) -> str:
    try:
        # Factors that are no primes do no harm here: the public half is compared. Testing them
        # takes seconds for a large key.
        key = load_pem_private_key(text.encode(), None, unsafe_skip_rsa_key_validation=True)
    except TypeError as exc:
        raise KeyMismatchError(
            "is protected by a passphrase; take it off (`openssl pkey -in FILE`)"
        ) from exc
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise KeyMismatchError("has no private key in PEM that can be read") from exc
    if _spelt(key.public_key()) != _spelt(public):
        raise KeyMismatchError("is not the key of the first certificate")
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _spelt(public: object) -> bytes:
    spell = getattr(public, "public_bytes", None)
    return spell(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) if spell else b""
