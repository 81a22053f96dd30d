"""Static keys of clients, compared in constant time."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from hashlib import sha256


def digest(key: str) -> bytes:
    """The SHA-256 of a key, which is all that is kept of it."""
    return sha256(key.encode()).digest()


def digests(text: str) -> frozenset[bytes]:
    """The digests of keys, one a line or comma-separated; `#` begins a comment."""
    lines = (line.partition("#")[0] for line in text.replace(",", "\n").splitlines())
    return frozenset(digest(line.strip()) for line in lines if line.strip())


def presented(headers: Mapping[str, str]) -> str:
    """The key in a request's headers, as SDKs send it; "" without one."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    return headers.get("x-api-key") or headers.get("api-key") or ""


def known(key: str, accepted: Iterable[bytes]) -> bool:
    """True when a key is accepted, in a time that does not depend on the key."""
    given = digest(key)
    is_accepted = False
    for one in accepted:
        is_accepted |= hmac.compare_digest(given, one)
    return is_accepted
