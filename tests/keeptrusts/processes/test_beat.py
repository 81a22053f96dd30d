"""Beat, the scheduler, while the clock is set."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from keeptrusts.celery import app
from keeptrusts.processes.beat import Scheduler


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

    sent = _run(scheduler, 2.5)

    assert [sent.count(name) in (1, 2) for name in ("tick", "seal")] == [True, True]
    assert set(sent) == {"tick", "seal"}
