"""Beat, the scheduler: while the clock is set, and as one of several."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import redis

from keeptrusts.celery import app
from keeptrusts.processes import beat
from keeptrusts.processes.beat import Scheduler
from keeptrusts.redis_client import client

EACH_SECOND = {"tick"}


@pytest.fixture(autouse=True)
def _free() -> None:
    """Nobody holds the lease."""
    client().delete("keeptrusts:beat")


class Sent(Scheduler):
    """Remembers what it would send; no broker takes part."""

    def apply_entry(self, entry, producer=None):  # type: ignore[no-untyped-def]
        """One message."""
        self.sent.append(entry.name)

    @property
    def producer(self) -> None:  # type: ignore[override]
        """None is needed."""


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """The schedule of the product."""
    made = Sent(app)
    made.sent = []  # type: ignore[attr-defined]
    return made


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the time of day that many seconds ahead of what it is."""
    ahead, real = [0.0], time.time
    monkeypatch.setattr(time, "time", lambda: real() + ahead[0])
    monkeypatch.setattr(app, "now", lambda: datetime.now(UTC) + timedelta(seconds=ahead[0]))
    return lambda seconds: ahead.__setitem__(0, seconds)


def _run(scheduler: Sent, seconds: float) -> list[str]:
    del scheduler.sent[:]  # type: ignore[attr-defined]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(max(0.0, min(scheduler.tick(), 0.1)))
    return list(scheduler.sent)  # type: ignore[attr-defined]


@pytest.mark.parametrize("seconds", [-86_400.0, -30.0, 86_400.0])
def test_a_clock_that_is_set_stops_no_tick(
    scheduler: Sent, set_clock: Callable[[float], None], seconds: float
) -> None:
    """Back or forth: the next one comes a second later, and none of the rarer ones at once."""
    _run(scheduler, 1.5)
    set_clock(seconds)

    sent = _run(scheduler, 2.3)

    assert set(sent) <= EACH_SECOND
    assert sent.count("tick") in (1, 2)


def test_a_second_has_one_tick_and_one_waking(scheduler: Sent) -> None:
    """The first comes at once; rarer ones come when they are due, in the same waking."""
    wakings, pause = 1, scheduler.tick()
    rarer = scheduler.schedule.keys() - {"tick"}
    scheduler._due_at |= dict.fromkeys(rarer, scheduler._due_at["tick"] + 1)
    while wakings < 3:
        time.sleep(pause)
        wakings, pause = wakings + 1, scheduler.tick()

    counted = Counter(scheduler.sent)  # type: ignore[attr-defined]
    assert counted.pop("tick") == wakings
    assert counted == dict.fromkeys(rarer, 1)


def test_what_was_missed_is_not_made_up_for(
    scheduler: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was frozen for a minute sends one tick, and not sixty."""
    scheduler.tick()
    later = time.monotonic() + 60
    monkeypatch.setattr(time, "monotonic", lambda: later)
    del scheduler.sent[:]  # type: ignore[attr-defined]

    for _ in range(5):
        scheduler.tick()

    assert scheduler.sent.count("tick") <= 2  # type: ignore[attr-defined]


@pytest.fixture
def second() -> Sent:
    """That of another machine."""
    made = Sent(app)
    made.sent = []  # type: ignore[attr-defined]
    return made


def _sends(scheduler: Sent) -> bool:
    return bool(_run(scheduler, 1.3))


def test_of_two_one_sends(scheduler: Sent, second: Sent) -> None:
    """The other stands by, and goes on at once when that one ends."""
    assert _sends(scheduler)
    assert not _sends(second)
    scheduler.close()

    assert _sends(second)
    assert not _sends(scheduler)


def test_after_one_that_was_killed_another_goes_on(
    scheduler: Sent, second: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once its lease has ended; and none of the rarer ones comes at once."""
    monkeypatch.setattr(beat, "_LEASE_SECONDS", 0.4)
    monkeypatch.setattr(beat, "_KEPT_SECONDS", 0.1)
    assert _sends(scheduler)
    assert not second._lease.take()

    time.sleep(0.5)

    assert set(_run(second, 2.3)) == EACH_SECOND


def test_a_lease_that_was_taken_is_not_given_back(scheduler: Sent, second: Sent) -> None:
    """By who does not hold it."""
    assert scheduler._lease.take()

    second.close()

    assert not second._lease.take()


def test_a_holder_asks_redis_seldom(scheduler: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the lease for longer than it goes without asking."""
    assert scheduler._lease.take()
    with monkeypatch.context() as away:
        away.setattr(beat, "client", lambda: pytest.fail("it asked"))
        assert scheduler._lease.take()

    assert beat._KEPT_SECONDS + beat._PAUSE_SECONDS < beat._LEASE_SECONDS
    scheduler._lease.give_back()
    assert scheduler._lease.take()


def test_without_redis_nothing_is_sent(
    scheduler: Sent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Beat goes on, and says so once."""

    def gone() -> None:
        raise redis.ConnectionError("gone")

    monkeypatch.setattr(beat, "client", gone)

    assert not _sends(scheduler)
    scheduler.close()
    monkeypatch.undo()
    assert _sends(scheduler)


def test_each_tick_is_told(scheduler: Sent, second: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also by one that stands by: it lives."""
    told: list[None] = []
    monkeypatch.setattr(Scheduler, "on_tick", staticmethod(lambda: told.append(None)))
    assert scheduler._lease.take()

    second.tick()

    assert told
