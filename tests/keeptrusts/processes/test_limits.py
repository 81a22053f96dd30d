"""Limits of work in threads: given up once, and the end of a process whose thread stays."""

import threading
import time

from keeptrusts.processes.limits import GRACE_SECONDS, TimeLimits
from tests.support.stack import wait_for


def test_work_that_lasts_too_long_is_given_up_by_another_thread() -> None:
    """Once; and whoever does it sees that nobody waits for the outcome."""
    given_up: list[str] = []
    limits = TimeLimits(end=lambda: given_up.append("process"))

    with limits.within(0, lambda: given_up.append(threading.current_thread().name)) as limit:
        wait_for(lambda: given_up)
        time.sleep(0.01)

    assert limit.is_over
    assert given_up == ["limits"]


def test_work_within_its_limit_is_left_alone() -> None:
    """Also when others of the process are over theirs."""
    given_up: list[str] = []
    limits = TimeLimits(end=lambda: given_up.append("process"))
    with (
        limits.within(60, lambda: given_up.append("short")) as short,
        limits.within(7200, lambda: given_up.append("long")) as long,
    ):
        limits.look([short, long], time.monotonic() + 61)
        limits.look([short, long], time.monotonic() + 61)

    assert given_up == ["short"]
    assert (short.is_over, long.is_over) == (True, False)


def test_a_thread_that_stays_ends_its_process() -> None:
    """After the time that its steps have to end; and a failure to give up changes nothing."""
    given_up: list[str] = []
    limits = TimeLimits(end=lambda: given_up.append("process"))
    with limits.within(60, lambda: 1 / 0) as limit:
        limits.look([limit], limit.at + GRACE_SECONDS - 1)
        assert given_up == []
        limits.look([limit], limit.at + GRACE_SECONDS)

    assert given_up == ["process"]
