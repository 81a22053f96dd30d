"""Bounds on what an answer may take: bytes, and time, however slowly it comes."""

from __future__ import annotations

import time
from http.client import IncompleteRead
from typing import Protocol

_LONGEST_SECONDS = 300
_PIECE_BYTES = 1 << 16


class Body(Protocol):
    """What gives the bytes of an answer as they come.

    `length` is how many are to come yet; None where the answer does not say.
    """

    length: int | None

    def read1(self, n: int, /) -> bytes:
        """At most `n` bytes; none at the end."""


def read_within(body: Body, *, most: int) -> bytes | None:
    """The whole body; None when it is larger, or comes more slowly than anybody waits for.

    Raises:
        IncompleteRead: it ends before its end.
    """
    until = time.monotonic() + _LONGEST_SECONDS
    pieces, size = [], 0
    while piece := body.read1(_PIECE_BYTES):
        pieces.append(piece)
        size += len(piece)
        if size > most or time.monotonic() > until:
            return None
    if body.length:  # `read` sees to that by itself, and has no bound.
        raise IncompleteRead(b"", body.length)
    return b"".join(pieces)
