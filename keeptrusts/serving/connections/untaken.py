"""Parts of bodies that came before the application takes them, bounded together.

An application may first wait: for a place, or as long as failed authentications ask for. A piece is
up to 256 KiB of each connection meanwhile, which is no body yet that anybody else counts.
"""

from typing import Protocol

_MOST_BYTES = 16 << 20


class Holder(Protocol):
    """A connection that has a part of a body."""

    def untaken_bytes(self) -> int:
        """How much of it the application has not taken."""

    def end(self) -> None:
        """Close it at once; `forget` follows."""


class UntakenBodies:
    """The parts of one event loop. Where they are too much, the ones that began first make room.

    They are looked at once an eighth of the bound came since the last time, and not for each piece.
    """

    def __init__(self, *, most_bytes: int = _MOST_BYTES) -> None:
        self._most, self._step = most_bytes, most_bytes // 8
        self._came = 0
        self._holders: dict[Holder, None] = {}

    def count(self, one: Holder, size: int) -> None:
        """Count what came on a connection."""
        self._holders[one] = None
        self._came += size
        if self._came > self._step:
            self._look()

    def forget(self, one: Holder) -> None:
        """Forget a connection that is lost."""
        self._holders.pop(one, None)

    def _look(self) -> None:
        """Forget those of which everything was taken, which nobody tells, and make room."""
        self._came = 0
        sizes = {one: size for one in self._holders if (size := one.untaken_bytes())}
        self._holders = dict.fromkeys(sizes)
        over = sum(sizes.values()) - self._most
        for one, size in sizes.items():
            if over <= 0:
                return
            over -= size
            one.end()
