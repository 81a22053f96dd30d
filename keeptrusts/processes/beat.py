"""Beat's scheduler: in memory, and robust against changes of the system clock."""

import time
from typing import Any

from celery import beat

_STEP_SECONDS = 1.0


class Scheduler(beat.Scheduler):
    """A scheduler that goes on when the clock goes back, where Celery's own would wait."""

    def __init__(self, *args: Any, **named: Any) -> None:
        self._offset = _offset()
        super().__init__(*args, **named)

    def tick(self, *args: Any, **named: Any) -> float:
        """Send what is due. All intervals begin anew after the clock was set."""
        before, self._offset = self._offset, _offset()
        if abs(self._offset - before) > _STEP_SECONDS:
            for entry in self.schedule.values():
                entry.last_run_at = entry.default_now()
            self._heap = None
        delay: float = super().tick(*args, **named)
        return delay


def _offset() -> float:
    """The seconds between the system clock and the monotonic clock."""
    return time.time() - time.monotonic()
