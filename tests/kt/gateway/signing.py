"""Statements as a control plane signs them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kt.gateway.managed.statement import ROTATION, STATEMENT, KeyLink, Signed, fingerprint

GATEWAY = "edge-1"


def new_key() -> Ed25519PrivateKey:
    """A signing key."""
    return Ed25519PrivateKey.generate()


def raw(key: Ed25519PrivateKey) -> bytes:
    """Its public half, 32 bytes."""
    return key.public_key().public_bytes_raw()


def pin(key: Ed25519PrivateKey) -> str:
    """Its fingerprint."""
    return fingerprint(raw(key))


def fields(content: bytes, **more: Any) -> dict[str, Any]:
    """What a statement says about a policy."""
    return {
        "commit": "c0ffee",
        "configuration": "support-bot",
        "content_hash": hashlib.sha256(content).hexdigest(),
        "gateway": GATEWAY,
        "publish_seq": 7,
        "version": 3,
        **more,
    }


def signed(
    key: Ed25519PrivateKey, content: bytes, *, chain: tuple[KeyLink, ...] = (), **more: Any
) -> Signed:
    """A statement about a policy, signed."""
    text = json.dumps(fields(content, **more), separators=(",", ":"), sort_keys=True).encode()
    return Signed(text, key.sign(STATEMENT + text), raw(key), chain)


def vouched(older: Ed25519PrivateKey, newer: Ed25519PrivateKey) -> KeyLink:
    """The older key's word for the newer."""
    return KeyLink(raw(newer), raw(older), older.sign(ROTATION + raw(newer)))
