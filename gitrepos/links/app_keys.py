"""Readers of the private keys of GitHub Apps. Pure."""

import base64
import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

_MIN_BITS, _MAX_BITS = 2048, 16_384


def read(text: str) -> tuple[str, str]:
    """A private key in PEM as it is stored, and its fingerprint as GitHub shows it.

    Raises:
        ValueError: the key cannot be used; the message ends a sentence and repeats nothing of it.
    """
    try:
        key = load_pem_private_key(text.encode(), None)
    except TypeError as exc:
        raise ValueError("is protected by a passphrase; send it as GitHub made it") from exc
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise ValueError(
            "has no private key in PEM that can be read; send the file that GitHub made, from"
            " BEGIN to END"
        ) from exc
    if not isinstance(key, RSAPrivateKey) or not _MIN_BITS <= key.key_size <= _MAX_BITS:
        raise ValueError(f"must be RSA of {_MIN_BITS} to {_MAX_BITS} bits, as GitHub makes it")
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    digest = base64.b64encode(hashlib.sha256(public).digest()).decode()
    return private.decode(), f"SHA256:{digest}"
