"""Blocks that were just given, for clients that send a blocked call again all the same.

Only blocks are kept, never an allow: a call that was let through is judged each time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from kt.policy.decision import Decision

SECONDS = 60.0
_MOST = 1000
# Headers that differ between two tries of one call, and that no policy looks at.
_PASSING = frozenset(
    {
        "accept-encoding",
        "baggage",
        "connection",
        "content-length",
        "expect",
        "host",
        "http2-settings",
    }
    | {"idempotency-key", "keep-alive", "sentry-trace", "te", "traceparent", "tracestate"}
    | {"transfer-encoding", "upgrade", "x-request-id"}
)
_PASSING_PREFIXES = ("x-stainless-", "x-datadog-", "x-b3-")


@dataclass(frozen=True, slots=True)
class RememberedBlock:
    """A decision that stopped a call, and whether its `input` or its `output` did."""

    decision: Decision
    phase: str


class Blocks:
    """The last blocks by the key of their call, each for a minute and at most a thousand."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[bytes, tuple[float, RememberedBlock]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._blocks)

    def keep(self, key: bytes, block: RememberedBlock, now: float) -> None:
        """Remember a block, which makes it none of those that are forgotten first."""
        self._blocks[key] = (now + SECONDS, block)
        self._blocks.move_to_end(key)
        if len(self._blocks) > _MOST:
            self._blocks.popitem(last=False)

    def find(self, key: bytes, now: float) -> RememberedBlock | None:
        """The block of a call, while it is remembered."""
        self._forget(now)
        found = self._blocks.get(key)
        return found[1] if found else None

    def _forget(self, now: float) -> None:
        while self._blocks:
            until, _ = next(iter(self._blocks.values()))
            if now < until:
                return
            self._blocks.popitem(last=False)


def call_key(
    client: str, content_hash: str, path: str, headers: Mapping[str, str], data: bytes
) -> bytes:
    """The key of a call: who makes it, under which configuration, and all that is judged of it."""
    kept = sorted((name, text) for name, text in headers.items() if not _is_passing(name))
    told = "\n".join([client, content_hash, path, *(f"{name}: {text}" for name, text in kept)])
    return sha256(sha256(told.encode("utf-8", "replace")).digest() + data).digest()


def _is_passing(name: str) -> bool:
    return name in _PASSING or name.startswith(_PASSING_PREFIXES)
