"""A process that gets no messages works without them."""

import time

import pytest
from django.db import OperationalError

from keeptrusts.messaging import standby
from keeptrusts.messaging.standby import Standby
from tests.support.stack import wait_for


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standby, "_LOOK_SECONDS", 0.02)
    monkeypatch.setattr(standby, "_QUIET_SECONDS", 0.2)


def test_it_works_while_no_message_comes_and_only_then() -> None:
    """Each function by itself: one that waits does not hold up the other."""
    calls: list[str] = []
    alone = Standby(lambda: calls.append("a"), lambda: time.sleep(3600))
    alone.start()
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

    assert (before, len(calls)) == ([], count)


@pytest.mark.parametrize("exc", [OperationalError("gone"), ZeroDivisionError()], ids=repr)
def test_what_fails_is_tried_again(exc: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """A bug is told as one."""
    calls: list[int] = []

    def act() -> None:
        calls.append(1)
        raise exc

    Standby(act).start()
    wait_for(lambda: len(calls) > 2, seconds=5)

    assert ("crashed" in caplog.text) == isinstance(exc, ZeroDivisionError)
