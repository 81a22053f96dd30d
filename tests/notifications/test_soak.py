"""Many events for a dead endpoint: bounded work, bounded rows, and all of it afterwards."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from events.models import Event
from notifications.models import Endpoint, Notification
from notifications.queue import retention, taking
from notifications.sender import Sender
from tests.notifications.conftest import Clock
from tests.support.receiver import Receiver

pytestmark = [pytest.mark.django_db, pytest.mark.soak]

EVENTS, SUBJECTS = 10_000, 2_000


def record(first: int, count: int) -> None:
    """Events as their writer makes them, at once."""
    now = timezone.now()
    Event.objects.bulk_create(
        Event(kind="failed" if number % 10 else "held", message=str(number),
              configuration=f"c-{number % SUBJECTS}", created_at=now)
        for number in range(first, first + count)
    )  # fmt: skip


def test_ten_thousand_events_for_a_dead_endpoint(
    make: Callable[..., Any], sender: Sender, clock: Clock
) -> None:
    """A day of it, with another endpoint that hears all at once; then it comes back."""
    with Receiver() as gone:
        url, port = gone.url, gone.port
    make(url, "dead")
    with Receiver() as well:
        make(well.url, "well", kinds=["held"])
        record(0, EVENTS)
        began = time.monotonic()
        sender.run()
        took = time.monotonic() - began
        assert len(well.received) == EVENTS // 10
        print(f"to one that is well, beside the dead one: {len(well.received) / took:.0f}/s")
    Endpoint.objects.filter(name="well").delete()
    dead = Endpoint.objects.get(name="dead")
    looks = []
    for minute in range(24 * 60):
        began = time.monotonic()
        sender.run()
        looks.append(time.monotonic() - began)
        clock.pass_(minutes=1)
        if minute % 60 == 0:
            retention.sweep(clock())
    attempts = sum(row.attempts for row in dead.notifications.all())
    looks.sort()
    print(f"in a day {attempts} calls; a look took {looks[len(looks) // 2] * 1000:.1f} ms")
    assert attempts < 150
    record(EVENTS, EVENTS)
    sender.run()
    retention.sweep(clock())
    waiting = dead.notifications.filter(status="waiting").count()
    assert waiting == taking.MOST_WAITING
    assert dead.notifications.count() <= taking.MOST_WAITING + retention.MOST_KEPT
    with Receiver(port) as back:
        clock.pass_(minutes=20)
        began = time.monotonic()
        sender.run()
        took = time.monotonic() - began
        print(f"back: {len(back.received) / took:.0f}/s")
        assert len({one.id for one in back.received}) == len(back.received) == waiting
        for subject in range(SUBJECTS):
            numbers = [int(text) for text in back.messages if int(text) % SUBJECTS == subject]
            assert numbers == sorted(numbers)
    assert not Notification.objects.filter(status="waiting").exists()
