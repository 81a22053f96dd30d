"""Turns at judges: one question of a caller at a time, callers in turn, few that wait."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from keeptrusts.judge.errors import CrowdedError


class Turns:
    """Places for `places` questions at a time, each of another caller.

    Whoever has `share` questions is sent away, and who waits for longer than `wait_seconds`. When
    there are `most` of all callers, the last question of the caller with most makes room.
    """

    def __init__(self, *, places: int, share: int, most: int, wait_seconds: float) -> None:
        self._places, self._share, self._most = places, share, most
        self._wait_seconds = wait_seconds
        self._changed = threading.Condition()
        self._asking: set[str] = set()
        # By caller, in the order of turns.
        self._waiting: dict[str, deque[object]] = {}

    @contextmanager
    def turn(self, caller: str) -> Iterator[None]:
        """Wait for a place, and hold it.

        Raises:
            CrowdedError: too many questions wait, or this one did for too long.
        """
        with self._changed:
            self._wait(caller)
            self._asking.add(caller)
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._asking.remove(caller)
                # Its other questions go behind all who wait.
                if tickets := self._waiting.pop(caller, None):
                    self._waiting[caller] = tickets
                self._changed.notify_all()

    def _wait(self, caller: str) -> None:
        if len(self._waiting.get(caller, ())) + (caller in self._asking) >= self._share:
            raise CrowdedError(own=True)
        if sum(map(len, self._waiting.values())) + len(self._asking) >= self._most:
            self._make_room(caller)
        ticket = object()
        self._waiting.setdefault(caller, deque()).append(ticket)
        try:
            over = self._changed.wait_for(lambda: self._is_over(caller, ticket), self._wait_seconds)
            if not over:
                raise CrowdedError(own=caller in self._asking)
            if ticket not in self._waiting.get(caller, ()):
                raise CrowdedError(own=True)  # It made room for another caller.
        finally:
            self._forget(caller, ticket)

    def _is_over(self, caller: str, ticket: object) -> bool:
        """Whether the wait of a question is over, by its turn or because it made room."""
        return self._next() is ticket or ticket not in self._waiting.get(caller, ())

    def _make_room(self, caller: str) -> None:
        """Send the last question of the caller with most away, unless that is `caller` itself."""
        most = max(self._waiting, key=lambda name: len(self._waiting[name]), default=caller)
        if len(self._waiting.get(most, ())) <= len(self._waiting.get(caller, ())) + 1:
            raise CrowdedError(own=False)
        self._forget(most, self._waiting[most][-1])
        self._changed.notify_all()

    def _forget(self, caller: str, ticket: object) -> None:
        tickets = self._waiting.get(caller)
        if tickets is not None and ticket in tickets:
            tickets.remove(ticket)
            if not tickets:
                del self._waiting[caller]

    def _next(self) -> object:
        """The question whose turn it is; None while there is no place, or nobody for it."""
        if len(self._asking) >= self._places:
            return None
        callers = (caller for caller in self._waiting if caller not in self._asking)
        return next((self._waiting[caller][0] for caller in callers), None)
