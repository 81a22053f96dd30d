"""Turns of an event loop: how much is read of all connections in one, and who waits for another.

A turn may come late, and what a thousand clients sent meanwhile would all be read before the first
of them is dealt with. Past a bound, those in the middle of a request wait, in a row that goes on
from turn to turn: nobody else pays for how many they are. Whoever begins a request is read at once.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

# What is read in a turn before those in the middle of a request wait, and before all do.
_MOST_BYTES = 1 << 20
_MOST_BYTES_OF_ALL = 8 << 20
# Those that waited, of whom a turn goes on to read: more than it will have read of them.
_RELEASED_A_TURN = 32


class Holdable(Protocol):
    """A connection whose reading can be held up."""

    def is_lost(self) -> bool:
        """Whether it is closed, or will be at once."""

    def hold(self) -> None:
        """Read nothing more of it."""

    def release(self) -> None:
        """Read it again."""


class ReadTurns:
    """The turns of one event loop. `idle` gives those that are read and not in the middle."""

    def __init__(
        self, *, most_bytes: int = _MOST_BYTES, most_bytes_of_all: int = _MOST_BYTES_OF_ALL,
        released: int = _RELEASED_A_TURN,
    ) -> None:  # fmt: skip
        self._most, self._most_of_all, self._released = most_bytes, most_bytes_of_all, released
        self._bytes = 0
        self._is_over_soon = False
        # In the middle of a request: those that are read, those that wait, and of the first those
        # that waited and had no turn yet.
        self._busy: dict[Holdable, None] = {}
        self._row: deque[Holdable] = deque()
        self._unread: dict[Holdable, None] = {}
        self._stopped: list[Holdable] = []

    def count(self, one: Holdable, size: int, idle: Callable[[], Iterable[Holdable]]) -> None:
        """Count what was read of a connection; `settle` follows."""
        self.forget(one)
        self._bytes += size
        self._come_to_an_end()
        if self._bytes > self._most:
            self._hold_busy()
        if self._bytes > self._most_of_all and not self._stopped:
            self._stopped = [other for other in idle() if other is not one]
            for other in self._stopped:
                other.hold()

    def settle(self, one: Holdable, *, is_busy: bool) -> None:
        """Note whether a connection that was read is in the middle of a request now."""
        if is_busy and self._bytes > self._most:
            one.hold()
            self._row.append(one)
        elif is_busy:
            self._busy[one] = None

    def forget(self, one: Holdable) -> None:
        """Forget a connection that is lost."""
        self._busy.pop(one, None)
        self._unread.pop(one, None)

    def _hold_busy(self) -> None:
        for one in self._busy:
            one.hold()
        # Who waited and was not read is the next again.
        self._row.extendleft(reversed(self._unread))
        self._row.extend(one for one in self._busy if one not in self._unread)
        self._busy.clear()
        self._unread.clear()

    def _come_to_an_end(self) -> None:
        if not self._is_over_soon:
            self._is_over_soon = True
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        """Begin another turn; whoever waited for what was read has it by now."""
        self._bytes, self._is_over_soon = 0, False
        self._unread.clear()
        stopped, self._stopped = self._stopped, []
        for one in stopped:
            one.release()
        for _ in range(min(self._released, len(self._row))):
            one = self._row.popleft()
            if not one.is_lost():
                one.release()
                self._busy[one] = self._unread[one] = None
        if self._row:
            self._come_to_an_end()
