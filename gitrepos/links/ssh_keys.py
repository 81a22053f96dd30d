"""Private keys that somebody sends, read and brought into one form. Pure."""

import base64

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)
from cryptography.hazmat.primitives.serialization.ssh import SSHPrivateKeyTypes

from gitrepos.forge.git import known_hosts

_BEGIN = "-----BEGIN OPENSSH PRIVATE KEY-----"
_MIN_RSA_BITS = 2048
# A hundred take about a second; a file may ask for four thousand million.
_MAX_ROUNDS = 200
_MAGIC = b"openssh-key-v1\0"


def read(text: str, *, passphrase: str = "") -> tuple[str, str]:
    """A private key without its passphrase, and its public key as one line.

    Raises: `ValueError`; what it says ends a sentence and repeats nothing of the key.
    """
    if not text.strip().startswith(_BEGIN):
        raise ValueError(f"must begin with {_BEGIN}; `ssh-keygen -p -f FILE` makes it so")
    key = _loaded(text.strip().encode() + b"\n", passphrase)
    if not _is_strong(key):
        raise ValueError(f"must be Ed25519, ECDSA, or RSA of {_MIN_RSA_BITS} bits or more")
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return private.decode(), public.decode()


def fingerprint(public_key: str) -> str:
    """Of a public key as one line, as ssh and forges show it."""
    return known_hosts.fingerprint(base64.b64decode(public_key.split()[1]))


def _is_strong(key: SSHPrivateKeyTypes) -> bool:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.key_size >= _MIN_RSA_BITS
    return isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey)


def _loaded(pem: bytes, passphrase: str) -> SSHPrivateKeyTypes:
    if passphrase and _rounds(pem) > _MAX_ROUNDS:
        raise ValueError(f"is protected by over {_MAX_ROUNDS} rounds; fewer are safe enough here")
    try:
        return load_ssh_private_key(pem, passphrase.encode() or None)
    except TypeError as exc:
        wrong = "has no passphrase; send none" if passphrase else "needs its passphrase"
        raise ValueError(wrong) from exc
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise ValueError("cannot be read, or not with this passphrase") from exc


def _rounds(pem: bytes) -> int:
    """How often the passphrase is to be hashed. Source: OpenSSH's PROTOCOL.key."""
    try:
        raw = base64.b64decode(b"".join(pem.splitlines()[1:-1]), validate=True)
    except ValueError:
        return 0  # Nothing that will be hashed.
    rest = raw.removeprefix(_MAGIC)
    for _ in ("cipher", "kdf"):
        rest = rest[4 + int.from_bytes(rest[:4], "big") :]
    options = rest[4 : 4 + int.from_bytes(rest[:4], "big")]
    return int.from_bytes(options[-4:], "big")
