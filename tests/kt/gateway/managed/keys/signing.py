"""Lists of client keys as a control plane signs them."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kt.gateway.managed.keys.proof import KEYS, KeptKeys, verify_keys
from kt.gateway.managed.statement import KeyLink, Signed
from tests.kt.gateway.signing import GATEWAY, pin, raw


def key_list(*names: str, demanded: bool = True) -> bytes:
    """A list in which the key of NAME is `NAME-key`."""
    entries = [
        {"name": name, "sha256": [sha256(f"{name}-key".encode()).hexdigest()]} for name in names
    ]
    return json.dumps({"demanded": demanded, "keys": entries}).encode()


def signed_keys(
    key: Ed25519PrivateKey,
    content: bytes,
    seq: int = 7,
    *,
    gateway: str = GATEWAY,
    label: bytes = KEYS,
    chain: tuple[KeyLink, ...] = (),
    **more: Any,
) -> Signed:
    """A statement about a list, signed."""
    fields = {"content_hash": sha256(content).hexdigest(), "gateway": gateway, "keys_seq": seq}
    text = json.dumps({**fields, **more}, separators=(",", ":"), sort_keys=True).encode()
    return Signed(text, key.sign(label + text), raw(key), chain)


def kept_keys(key: Ed25519PrivateKey, content: bytes, seq: int = 7) -> KeptKeys:
    """A list that was verified."""
    one = signed_keys(key, content, seq)
    return KeptKeys(one, verify_keys(one, pin=pin(key), gateway=GATEWAY), content)
