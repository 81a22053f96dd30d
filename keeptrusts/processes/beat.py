"""Beat's schedule: in memory, and not held up by a clock that is set."""

import time
from typing import Any

from celery import beat

_STEP_SECONDS = 1.0


class Scheduler(beat.Scheduler):
    """Celery's compares times of day: set back by an hour, it would send nothing for an hour."""

    def __init__(self, *args: Any, **named: Any) -> None:
        self._offset = _offset()
        super().__init__(*args, **named)

    def tick(self, *args: Any, **named: Any) -> float:
        """Send what is due; every interval begins anew when the clock was set meanwhile."""
        before, self._offset = self._offset, _offset()
        if abs(self._offset - before) > _STEP_SECONDS:
            for entry in self.schedule.values():
                entry.last_run_at = entry.default_now()
            self._heap = None
        delay: float = super().tick(*args, **named)
        return delay


def _offset() -> float:
    """What the time of day is ahead of the clock that nobody sets."""
    return time.time() - time.monotonic()
