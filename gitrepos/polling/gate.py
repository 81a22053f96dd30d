"""The gate: how many remotes one process may poll at a time, in all, per host and per minute."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from uuid import UUID

from django.conf import settings

# More than are polled at the same moment, so that the next follow at once; and few enough that
# the last of them is still polled within its lease when every answer takes seconds.
MAX_WAITING = 1000
_WAITING_PER_PLACE = 16


class Gate:
    """The remotes whose answer is awaited, and when each host may be called again."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, str] = {}
        self._free_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def room(self) -> int:
        """The number of free places."""
        return MAX_WAITING - len(self._waiting)

    def shut(self) -> list[str]:
        """The hosts without a free place, or whose budget of calls is spent for now."""
        with self._lock:
            now = time.monotonic()
            self._free_at = {host: at for host, at in self._free_at.items() if at > now - 60}
            places = min(_places(), self.room())
            full = [h for h, n in Counter(self._waiting.values()).items() if n >= places]
            return full + [host for host in self._free_at if not self._is_free(host, now)]

    @contextlib.contextmanager
    def entering(self, remotes: Iterable[tuple[str, UUID]]) -> Iterator[list[UUID]]:
        """The ids of the remotes, given by host and id, that get a place; kept until `leave`.

        An exception in the block gives the places up.
        """
        entered = self._enter(remotes)
        try:
            yield entered
        except BaseException:
            self.leave(entered)
            raise

    def leave(self, remote_ids: Iterable[UUID]) -> None:
        """Give up the places of remotes; one without a place is ignored."""
        with self._lock:
            for remote_id in remote_ids:
                self._waiting.pop(remote_id, None)

    def _enter(self, remotes: Iterable[tuple[str, UUID]]) -> list[UUID]:
        with self._lock:
            now, taken = time.monotonic(), Counter(self._waiting.values())
            entered = []
            for host, remote_id in remotes:
                # No host takes more places than it leaves: few slow ones would shut the others out.
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
        """Count a call: a minute's calls are spread over it, a second's may come at once."""
        if per_minute := settings.ENV.git_host_calls_per_minute:
            gap = 60 / per_minute
            at_once = max(1.0, gap) - gap
            self._free_at[host] = max(self._free_at.get(host, 0.0), now - at_once) + gap


def _places() -> int:
    return int(settings.ENV.git_host_concurrency) * _WAITING_PER_PLACE
