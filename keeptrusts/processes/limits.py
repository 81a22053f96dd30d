"""Time limits of work in threads, which nobody can end from outside.

What each step waits for has a deadline of its own. Work that lasts too long all the same is given
up: whoever waits for it is told so, and it has no right any more to write. Where its thread then
does not come to an end, the process ends, and is started again by its parent.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import structlog

log = structlog.get_logger(__name__)

# For steps that end by deadlines of their own, the longest of which begins just before the limit.
GRACE_SECONDS = 150.0
_LOOK_SECONDS = 1.0
_STATUS = 70  # EX_SOFTWARE


@dataclass(slots=True, eq=False)
class TimeLimit:
    """Work that is given up at the moment `at` (monotonic); `is_over` once it was."""

    give_up: Callable[[], object]
    at: float
    is_over: bool = False


class TimeLimits:
    """The work of a process that has limits; `end` ends the process.

    The clock is the one that nobody sets.
    """

    def __init__(self, end: Callable[[], object] = lambda: os._exit(_STATUS)) -> None:
        self._end = end
        self._changed = threading.Condition()
        self._running: list[TimeLimit] = []
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def within(self, seconds: float, give_up: Callable[[], object]) -> Iterator[TimeLimit]:
        """Have `give_up` called, by another thread, if the block lasts for longer."""
        limit = TimeLimit(give_up, time.monotonic() + seconds)
        with self._changed:
            self._running.append(limit)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="limits", daemon=True)
                self._thread.start()
            self._changed.notify()
        try:
            yield limit
        finally:
            with self._changed:
                self._running.remove(limit)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait(_LOOK_SECONDS if self._running else None)
                running = list(self._running)
            self.look(running, time.monotonic())

    def look(self, running: list[TimeLimit], now: float) -> None:
        """Give up what is over its limit, and end the process where that did not help."""
        for limit in running:
            if limit.at <= now and not limit.is_over:
                limit.is_over = True
                self._give_up(limit)
        if any(limit.at + GRACE_SECONDS <= now for limit in running):
            log.critical("a thread does not end; its process does")
            self._end()

    def _give_up(self, limit: TimeLimit) -> None:
        try:
            limit.give_up()
        except Exception:
            # The outermost caller of this thread, which must go on for the others.
            log.exception("could not be given up")
