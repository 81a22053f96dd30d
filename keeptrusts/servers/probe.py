"""Looks at a server that may be silent, for those who may not wait."""

import threading
import time
from collections.abc import Callable, Mapping

# What is wrong by the name of a check; nothing where its words are empty.
Findings = Mapping[str, str]

LOOK_SECONDS = 0.7
_KEPT_SECONDS = 5.0


class Look:
    """One look. Until it ends, its findings are those of a `silent` server."""

    def __init__(self, silent: Findings) -> None:
        self.began_at = time.monotonic()
        self.findings = silent
        self.ended = threading.Event()

    @property
    def age_seconds(self) -> float:
        """How long ago it began."""
        return time.monotonic() - self.began_at

    def answer(self) -> Findings:
        """What it found by the end of its time."""
        self.ended.wait(max(0.0, LOOK_SECONDS - self.age_seconds))
        return self.findings


class Probe:
    """Looks in a thread of its own, one at a time, however many ask.

    One waits for it. Who asks meanwhile gets the look before, unless that is old or the time of
    this one is over.
    """

    def __init__(self, look: Callable[[], Findings], *, silent: Findings) -> None:
        self._look = look
        self._silent = silent
        self._lock = threading.Lock()
        self._present: Look | None = None
        self._last: Look | None = None

    def begin(self) -> Look:
        """Look now, or take part in a look."""
        with self._lock:
            last, present = self._last, self._present
            if present is None or present.ended.is_set():
                self._last, self._present = present, Look(self._silent)
                threading.Thread(target=self._run, args=(self._present,), daemon=True).start()
                return self._present
            kept = last and last.age_seconds < _KEPT_SECONDS and present.age_seconds < LOOK_SECONDS
            return last if last and kept else present

    def _run(self, look: Look) -> None:
        try:
            look.findings = self._look()
        finally:
            look.ended.set()
