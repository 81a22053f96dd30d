"""A process that gets no messages works without them."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import OperationalError

from keeptrusts.messaging import standby
from keeptrusts.messaging.standby import Standby
from tests.support.stack import wait_for

Started = Callable[..., Standby]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[Started]:
    """Start one that ends with the test."""
    monkeypatch.setattr(standby, "_LOOK_SECONDS", 0.02)
    monkeypatch.setattr(standby, "_QUIET_SECONDS", 0.2)
    before = set(threading.enumerate())
    running: list[Standby] = []

    def start(*acts: Callable[[], None]) -> Standby:
        running.append(Standby(*acts))
        running[-1].start()
        return running[-1]

    yield start
    for one in running:
        one.stop()
    wait_for(lambda: set(threading.enumerate()) <= before)


def test_it_works_while_no_message_comes_and_only_then(started: Started) -> None:
    """Each function by itself: one that waits does not hold up the other."""
    calls: list[str] = []
    done = threading.Event()

    def wait() -> None:
        done.wait()

    alone = started(lambda: calls.append("a"), wait)
    for _ in range(10):
        alone.heard()
        time.sleep(0.03)
    before = list(calls)

    wait_for(lambda: len(calls) > 2, seconds=5)
    alone.heard()
    time.sleep(0.05)
    count = len(calls)
    alone.heard()
    time.sleep(0.1)
    done.set()

    assert (before, len(calls)) == ([], count)


@pytest.mark.parametrize("exc", [OperationalError("gone"), ZeroDivisionError()], ids=repr)
def test_what_fails_is_tried_again(
    started: Started, exc: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug is told as one."""
    calls: list[int] = []

    def act() -> None:
        calls.append(1)
        raise exc

    started(act)
    wait_for(lambda: len(calls) > 2, seconds=5)

    assert ("crashed" in caplog.text) == isinstance(exc, ZeroDivisionError)
