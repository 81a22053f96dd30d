"""Turns at judges: one question of a caller at a time, callers in turn, few that wait."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from keeptrusts.judge.errors import CrowdedError


class Turns:
    """Places for `places` questions at a time, each of another caller.

    Whoever has `share` questions, or comes when there are `most` of all callers, is sent away; so
    is who waits for longer than `wait_seconds`.
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
            raise CrowdedError(own=False)
        ticket = object()
        self._waiting.setdefault(caller, deque()).append(ticket)
        try:
            if not self._changed.wait_for(lambda: self._next() is ticket, self._wait_seconds):
                raise CrowdedError(own=caller in self._asking)
        finally:
            self._waiting[caller].remove(ticket)
            if not self._waiting[caller]:
                del self._waiting[caller]

    def _next(self) -> object:
        """The question whose turn it is; None while there is no place, or nobody for it."""
        if len(self._asking) >= self._places:
            return None
        callers = (caller for caller in self._waiting if caller not in self._asking)
        return next((self._waiting[caller][0] for caller in callers), None)
