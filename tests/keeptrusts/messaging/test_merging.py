"""Calls that are made as few."""

import time

from keeptrusts.messaging.merging import Merged
from tests.support.stack import wait_for

_SECONDS = 0.2


def test_a_call_is_made_at_once() -> None:
    """Nobody waits for others that may not come."""
    made: list[int] = []
    Merged(lambda: made.append(1), seconds=60)()

    assert made == [1]


def test_calls_that_follow_one_another_are_made_as_few() -> None:
    """The last one is made behind all of them."""
    made: list[float] = []
    merged = Merged(lambda: made.append(time.monotonic()), seconds=_SECONDS)
    for _ in range(50):
        merged()
    asked_at = time.monotonic()
    wait_for(lambda: len(made) == 2)

    assert made[1] >= asked_at
    time.sleep(3 * _SECONDS)
    assert len(made) == 2


def test_a_call_after_a_while_is_made_at_once_again() -> None:
    """As the first one."""
    made: list[int] = []
    merged = Merged(lambda: made.append(1), seconds=_SECONDS)
    merged()
    time.sleep(2 * _SECONDS)
    merged()

    assert len(made) == 2


def test_one_that_fails_is_made_again() -> None:
    """A broker that was away for one message is there for the next."""
    made: list[int] = []

    def act() -> None:
        made.append(1)
        if len(made) == 1:
            raise OSError("away")

    merged = Merged(act, seconds=_SECONDS)
    try:
        merged()
    except OSError:
        merged()
    wait_for(lambda: len(made) == 2)
