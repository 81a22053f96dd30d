"""Beat's scheduler: in memory, by a clock that nobody sets, one of several.

Each machine may have a beat. The one that holds the lease in Redis sends, and the others stand by;
one that ends gives it back, and from one that was killed it goes on within five seconds. It spares
work, and nothing stands on it: what is sent twice is claimed once.
"""

import secrets
import time
from collections.abc import Callable
from typing import Any, cast

import redis
import structlog
from celery import beat

from keeptrusts.redis_client import client

log = structlog.get_logger(__name__)

_LEASE = "keeptrusts:beat"
_LEASE_SECONDS = 5.0
# A holder need not ask again so soon: nobody else can have it.
_KEPT_SECONDS = 2.0
_PAUSE_SECONDS = 1.0
_TAKE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
_GIVE_BACK = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


class Scheduler(beat.Scheduler):
    """A scheduler of intervals, which wakes once for all that is due.

    Celery's own goes by the time of day: it waits when that goes back. And it wakes several times
    for each message.

    `on_tick` is called at each tick, also by one that stands by. `run`, where it is set, is handed
    the name of each task that is due, for which no message is sent then.
    """

    on_tick: Callable[[], None] = staticmethod(lambda: None)
    run: Callable[[str], None] | None = None

    def __init__(self, *args: Any, **named: Any) -> None:
        self._due_at: dict[str, float] = {}
        self._lease = Lease()
        super().__init__(*args, **named)

    def tick(self, *_args: Any, **_named: Any) -> float:
        """Send what is due, if no other beat does; returns the seconds until the next tick.

        At first, and after another beat has sent, that is what comes with each tick; all other
        intervals begin anew.
        """
        self.on_tick()
        if not self._lease.take():
            self._due_at.clear()
            return _PAUSE_SECONDS
        now = time.monotonic()
        for name, entry in list(self.schedule.items()):
            seconds = cast(Any, entry.schedule).run_every.total_seconds()
            due_at = self._due_at.setdefault(
                name, now if seconds <= self.max_interval else now + seconds
            )
            if due_at <= now:
                # What was missed is not made up for.
                self._due_at[name] = max(due_at + seconds, now)
                self.apply_entry(entry, producer=None if self.run else self.producer)
        return max(0.0, min(self._due_at.values()) - time.monotonic())

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Send an entry's message, or have its task run."""
        if self.run is None:
            super().apply_entry(entry, producer=producer)
        else:
            self.run(entry.task)

    def close(self) -> None:
        self._lease.give_back()
        super().close()


class Lease:
    """The right to send, which one beat has at a time."""

    def __init__(self) -> None:
        self._holder = secrets.token_hex(8)
        self._is_told = False
        self._kept_until = 0.0

    def take(self) -> bool:
        """Take it, or keep it; False where another holds it, or nobody can tell."""
        asked_at = time.monotonic()
        if asked_at < self._kept_until:
            return True
        try:
            arguments = self._holder, int(1000 * _LEASE_SECONDS)
            is_taken = bool(client().eval(_TAKE, 1, _LEASE, *arguments) == 1)
        except redis.RedisError as exc:
            if not self._is_told:  # Once, and not each second.
                log.warning("nothing is sent: no Redis", error=str(exc))
            self._is_told = True
            return False
        self._is_told = False
        self._kept_until = asked_at + _KEPT_SECONDS if is_taken else 0.0
        return is_taken

    def give_back(self) -> None:
        """Give it back, if this beat holds it; a lease that cannot be given back ends by itself."""
        self._kept_until = 0.0
        try:
            client().eval(_GIVE_BACK, 1, _LEASE, self._holder)
        except redis.RedisError as exc:
            log.warning("another beat begins once the lease ends", error=str(exc))
