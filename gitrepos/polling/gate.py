"""What one process may ask of forges at a time: places, in all and at each host, and a budget."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from uuid import UUID

from django.conf import settings

# More than may be asked at the same moment, so that the next follow at once; and few enough that
# the last of them is still asked within its lease when every answer takes seconds.
MAX_WAITING = 1000
_WAITING_PER_PLACE = 16


class Gate:
    """The remotes that are waited for, and when each host may be called again."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, str] = {}
        self._free_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def room(self) -> int:
        """How many more may be waited for."""
        return MAX_WAITING - len(self._waiting)

    def shut(self) -> list[str]:
        """Hosts that have no place left, or whose budget is spent for now."""
        with self._lock:
            now = time.monotonic()
            self._free_at = {host: at for host, at in self._free_at.items() if at > now - 60}
            places = min(_places(), self.room())
            full = [h for h, n in Counter(self._waiting.values()).items() if n >= places]
            return full + [host for host in self._free_at if not self._is_free(host, now)]

    @contextlib.contextmanager
    def entering(self, found: Iterable[tuple[str, UUID]]) -> Iterator[list[UUID]]:
        """Those of these remotes, by host and id, that have a place now; kept until `leave`."""
        entered = self._enter(found)
        try:
            yield entered
        except BaseException:
            self.leave(entered)
            raise

    def leave(self, remote_ids: Iterable[UUID]) -> None:
        """Give up the places of remotes that answered, or will not be asked; others are fine."""
        with self._lock:
            for remote_id in remote_ids:
                self._waiting.pop(remote_id, None)

    def _enter(self, found: Iterable[tuple[str, UUID]]) -> list[UUID]:
        with self._lock:
            now, taken = time.monotonic(), Counter(self._waiting.values())
            entered = []
            for host, remote_id in found:
                # No host holds more than it leaves free: few slow ones would keep all others out.
                places = min(_places(), self.room())
                if taken[host] < places and self._is_free(host, now):
                    taken[host] += 1
                    self._waiting[remote_id] = host
                    self._spend(host, now)
                    entered.append(remote_id)
            return entered

    def _is_free(self, host: str, now: float) -> bool:
        return self._free_at.get(host, 0.0) <= now

    def _spend(self, host: str, now: float) -> None:
        """The calls of a minute are spread over it; what a second holds may come at once."""
        if per_minute := settings.ENV.git_host_calls_per_minute:
            gap = 60 / per_minute
            at_once = max(1.0, gap) - gap
            self._free_at[host] = max(self._free_at.get(host, 0.0), now - at_once) + gap


def _places() -> int:
    return int(settings.ENV.git_host_concurrency) * _WAITING_PER_PLACE
