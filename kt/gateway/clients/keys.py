"""Who may use the gateway: static keys, compared in constant time."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from hashlib import sha256


def digest(key: str) -> bytes:
    """A key as it is kept."""
    return sha256(key.encode()).digest()


def digests(text: str) -> frozenset[bytes]:
    """The keys of a file or a variable: one a line or comma-separated; `#` begins a comment."""
    lines = (line.partition("#")[0] for line in text.replace(",", "\n").splitlines())
    return frozenset(digest(line.strip()) for line in lines if line.strip())


def presented(headers: Mapping[str, str]) -> str:
    """The key that a client sends, as the SDKs do; "" without one."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    return headers.get("x-api-key") or headers.get("api-key") or ""


def known(key: str, accepted: Iterable[bytes]) -> bool:
    """Whether a key is one of those accepted; takes as long whichever it is."""
    given = digest(key)
    found = False
    for one in accepted:
        found |= hmac.compare_digest(given, one)
    return found
