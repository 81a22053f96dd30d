"""Bounds on what an answer may take: bytes, and time, however slowly it comes."""

from __future__ import annotations

import time
from typing import Protocol

_LONGEST_SECONDS = 300
_PIECE_BYTES = 1 << 16


class Body(Protocol):
    """What gives the bytes of an answer as they come."""

    def read1(self, n: int, /) -> bytes:
        """At most `n` bytes; none at the end."""


def read_within(body: Body, *, most: int) -> bytes | None:
    """The whole body; None when it is larger, or comes more slowly than anybody waits for."""
    until = time.monotonic() + _LONGEST_SECONDS
    pieces, size = [], 0
    while piece := body.read1(_PIECE_BYTES):
        pieces.append(piece)
        size += len(piece)
        if size > most or time.monotonic() > until:
            return None
    return b"".join(pieces)
