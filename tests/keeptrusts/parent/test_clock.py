"""Beat within a poller: what is due there, with messages and without."""

import dataclasses
import threading
from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from keeptrusts.celery import app
from keeptrusts.parent.clock import Clock
from keeptrusts.redis_client import client
from tests.support.stack import wait_for


@pytest.fixture
def held() -> Iterator[tuple[list[str], threading.Event]]:
    """A task that notes where it runs, and goes on until the event."""
    ran, over = list[str](), threading.Event()

    @app.task(name="tests.due")
    def due() -> None:
        ran.append(threading.current_thread().name)
        over.wait(60)

    yield ran, over
    over.set()
    app.tasks.pop("tests.due")


def test_what_is_due_runs_in_a_thread_unless_all_are_busy(
    held: tuple[list[str], threading.Event],
) -> None:
    """It is due again a second later; what waited for a thread would be old by then."""
    ran, over = held
    clock = Clock(2, on_tick=lambda: None)
    for _ in range(4):
        clock.run("tests.due")
    wait_for(lambda: len(ran) == 2)
    over.set()
    while len(ran) == 2:  # A thread is free once what it ran has ended.
        clock.run("tests.due")

    assert {name.partition("_")[0] for name in ran} == {"due"}


def test_a_tick_that_is_under_way_at_the_end_is_no_crash(
    held: tuple[list[str], threading.Event],
) -> None:
    """A crash would end the poller at once, with what it has in flight."""
    ran, over = held
    over.set()
    clock = Clock(1, on_tick=lambda: None)
    clock._stop()
    clock.run("tests.due")
    wait_for(lambda: ran)


@pytest.mark.parametrize(("redis_url", "sends"), [("", False), ("redis://elsewhere", True)])
def test_messages_are_sent_where_others_may_hear_them(
    settings: Settings, redis_url: str, sends: bool
) -> None:
    """A broker of this machine's own has no other poller; and each tick is noted."""
    settings.ENV = dataclasses.replace(settings.ENV, redis_url=redis_url)
    ticks: list[bool] = []
    client().delete("keeptrusts:beat")
    scheduler = Clock(1, on_tick=lambda: ticks.append(True)).scheduler

    assert (scheduler.run is None) == sends
    assert not ticks
    scheduler.tick()
    scheduler._lease.give_back()
    assert ticks == [True]
