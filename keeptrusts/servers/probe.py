"""Checks of a server that may not answer, with a time limit for callers."""

import threading
import time
from collections.abc import Callable, Mapping

# Problems by name of a check; empty text for none.
Findings = Mapping[str, str]

LOOK_SECONDS = 0.7
_KEPT_SECONDS = 5.0


class Look:
    """One check. Until it ends, its findings are those of a server that does not answer."""

    def __init__(self, silent: Findings) -> None:
        self.began_at = time.monotonic()
        self.findings = silent
        self.ended = threading.Event()

    @property
    def age_seconds(self) -> float:
        """Seconds since the check began."""
        return time.monotonic() - self.began_at

    def answer(self) -> Findings:
        """Wait until the check ends or its time is over, and return its findings."""
        self.ended.wait(max(0.0, LOOK_SECONDS - self.age_seconds))
        return self.findings


class Probe:
    """Runs checks in a thread of their own, one at a time for all callers.

    The first caller waits for the check. Others get the one before meanwhile, unless that is old
    or the present one's time is over.
    """

    def __init__(self, look: Callable[[], Findings], *, silent: Findings) -> None:
        self._look = look
        self._silent = silent
        self._lock = threading.Lock()
        self._present: Look | None = None
        self._last: Look | None = None

    def begin(self) -> Look:
        """Begin a check, or share one."""
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
