"""Calls that follow one another, made as few: a message serves all that was written before it."""

import threading
from collections.abc import Callable


class Merged:
    """Calls a function at once, and for all calls of the `seconds` after that once at their end.

    Whoever calls does not wait for the second one, which is made by a thread of its own.
    """

    def __init__(self, act: Callable[[], object], *, seconds: float) -> None:
        self._act, self._seconds = act, seconds
        self._lock = threading.Lock()
        self._is_resting = self._is_asked = False

    def __call__(self) -> None:
        """Call it now or soon."""
        with self._lock:
            if self._is_resting:
                self._is_asked = True
                return
            self._is_resting = True
        self._rest()
        self._act()

    def _rest(self) -> None:
        timer = threading.Timer(self._seconds, self._end)
        timer.daemon = True
        timer.start()

    def _end(self) -> None:
        with self._lock:
            self._is_resting, self._is_asked = self._is_asked, False
            if not self._is_resting:
                return
        self._rest()
        self._act()
