"""Private keys of Apps: what is taken, and as what it is kept."""

import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from gitrepos.links import app_keys
from tests.support.forgeapi import app_key, pem


def spelt(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> str:
    """A key in PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_a_key_is_kept_with_its_fingerprint() -> None:
    """In one form, whichever it came in; as GitHub's documentation computes it."""
    stored, fingerprint = app_keys.read(pem(app_key()))

    assert app_keys.read(stored) == (stored, fingerprint) == app_keys.read(f"\n{stored}\n")
    by_openssl = subprocess.run(
        "openssl rsa -pubout -outform DER | openssl sha256 -binary | openssl base64",
        shell=True, input=stored.encode(), capture_output=True, check=True,
    )  # fmt: skip
    assert fingerprint == f"SHA256:{by_openssl.stdout.decode().strip()}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "can be read"),
        ("-----BEGIN RSA PRIVATE KEY-----\nx\n-----END RSA PRIVATE KEY-----", "can be read"),
        (spelt(ec.generate_private_key(ec.SECP256R1())), "must be RSA"),
        (spelt(ed25519.Ed25519PrivateKey.generate()), "must be RSA"),
        (spelt(rsa.generate_private_key(65537, 1024)), "must be RSA of 2048"),
    ],
)
def test_another_text_is_refused(text: str, why: str) -> None:
    """Without a word of it."""
    with pytest.raises(ValueError, match=why) as failed:
        app_keys.read(text)

    assert not text or text not in str(failed.value)


def test_a_key_with_a_passphrase_is_refused() -> None:
    """GitHub makes none."""
    locked = app_key().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")
    )

    with pytest.raises(ValueError, match="passphrase"):
        app_keys.read(locked.decode())
