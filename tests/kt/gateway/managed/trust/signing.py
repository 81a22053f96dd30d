"""Confirmations as a control plane signs them."""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kt.gateway.managed.statement import KeyLink, Signed
from kt.gateway.managed.trust.confirmation import CONFIRMATION
from tests.kt.gateway.signing import GATEWAY, raw


def confirmed(
    key: Ed25519PrivateKey,
    issued_at: float,
    *,
    publish_seq: int = 7,
    keys_seq: int = 0,
    chain: tuple[KeyLink, ...] = (),
    label: bytes = CONFIRMATION,
    **more: Any,
) -> Signed:
    """What is newest, signed."""
    fields = {
        "gateway": GATEWAY, "issued_at": int(issued_at), "keys_seq": keys_seq,
        "publish_seq": publish_seq, **more,
    }  # fmt: skip
    text = json.dumps(fields, separators=(",", ":"), sort_keys=True).encode()
    return Signed(text, key.sign(label + text), raw(key), chain)
