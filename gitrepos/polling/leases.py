"""Renewal of the leases of claims that this process works on, and their return after a failure.

A lease is short, so that the remotes of a dead worker are soon another's; while the worker lives,
a thread renews it. The same thread gives back what could not be given back at once, because the
database failed.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from uuid import UUID

import structlog
from django.db import connection

from gitrepos.polling import claims
from keeptrusts.servers import failures

log = structlog.get_logger(__name__)

# So often that a lease outlasts an outage of twenty seconds, whenever that begins.
_RENEWAL_SECONDS = 5.0
_LOOK_SECONDS = 1.0


@dataclass(slots=True, eq=False)
class _Duty:
    """Something to do at `due_at` and again, at the latest at `ends_at` (both monotonic).

    The clock is the one that nobody sets, so that a process that was frozen renews nothing.
    """

    act: Callable[[], object]
    due_at: float
    ends_at: float
    is_once: bool


class Leases:
    """The claims that this process works on, and those that it still has to give back."""

    def __init__(self) -> None:
        self._begin()
        # A child has none of its parent's threads, and holds none of its claims.
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._duties: list[_Duty] = []
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def held(
        self, claim_id: UUID, remote_ids: Collection[UUID], *, most_seconds: float
    ) -> Iterator[None]:
        """Renew the leases of a claim's remotes until the end of the block.

        After `most_seconds` they are left to end, since then the worker hangs.
        """
        now = time.monotonic()
        duty = _Duty(
            lambda: claims.extend(claim_id, remote_ids),
            due_at=now + _RENEWAL_SECONDS,
            ends_at=now + most_seconds,
            is_once=False,
        )
        self._add(duty)
        try:
            yield
        finally:
            self._remove(duty)

    def give_back(self, act: Callable[[], object]) -> None:
        """Call `act`, which gives a claim back: now, or as soon as the database lets it.

        Raises:
            Exception: it failed by a bug.
        """
        try:
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()  # It may be what failed.
            act()
        except Exception as exc:
            if failures.of(exc) is None:
                raise
            log.warning("claim not given back yet", error=str(exc))
            now = time.monotonic()
            # After a lease it is free without this.
            self._add(_Duty(act, now, now + claims.LEASE_SECONDS, is_once=True))

    def _add(self, duty: _Duty) -> None:
        with self._changed:
            self._duties.append(duty)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="leases", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _remove(self, duty: _Duty) -> None:
        with self._changed:
            if duty in self._duties:
                self._duties.remove(duty)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait(_LOOK_SECONDS if self._duties else None)
                now = time.monotonic()
                self._duties = [duty for duty in self._duties if now < duty.ends_at]
                due = [duty for duty in self._duties if duty.due_at <= now]
            for duty in due:
                self._do(duty)

    def _do(self, duty: _Duty) -> None:
        try:
            duty.act()
        except Exception as exc:  # noqa: BLE001
            # The outermost caller of this thread, which must go on for the other claims.
            log.warning("lease neither renewed nor given back", error=str(exc))
            if failures.of(exc) is None:
                self._remove(duty)
        else:
            duty.due_at = time.monotonic() + _RENEWAL_SECONDS
            if duty.is_once:
                self._remove(duty)
        finally:
            connection.close()  # It is needed seldom.
