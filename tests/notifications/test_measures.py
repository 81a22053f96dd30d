"""Metrics of notifications: what was tried, what waits, which endpoints fail."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from notifications import measures
from notifications.models import Endpoint, Notification
from notifications.queue import retention, taking
from notifications.sender import Sender
from tests.notifications.conftest import LINK_A, LINK_B, Clock, tell
from tests.support.pages import samples
from tests.support.receiver import Receiver

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., Any]
ATTEMPTS = "keeptrusts_notification_attempts_total"
GIVEN_UP = ("keeptrusts_notifications_given_up_total",)


def test_attempts_are_counted_by_form_and_outcome(
    make: Make, receiver: Receiver, sender: Sender, admin: APIClient
) -> None:
    """Those that arrive, and those that are refused."""
    before = samples(admin)
    make(receiver.url)
    tell("x", link=LINK_A)
    sender.run()
    receiver.answer = lambda _: (500, {}, b"")
    tell("y", link=LINK_A)
    tell("z", link=LINK_B)
    sender.run()

    after = samples(admin)
    counted = {key: after[key] - before.get(key, 0) for key in after if key[0] == ATTEMPTS}
    assert counted[ATTEMPTS, "webhook", "delivered"] == 1
    assert counted[ATTEMPTS, "webhook", "not_accepted"] == 2


def test_what_waits_is_told_by_the_state_of_its_endpoint(
    make: Make, clock: Clock, admin: APIClient
) -> None:
    """How many, since when, and the endpoints by state; of one that fails its name."""
    now = timezone.now()
    states: dict[str, dict[str, Any]] = {
        measures.REACHED: {},
        measures.FAILING: {"failing_since": now - timedelta(seconds=900), "told_at": now},
        measures.DISABLED: {"enabled": False},
        measures.GONE: {"enabled": False, "gone": True},
    }
    for number, (state, columns) in enumerate(states.items()):
        made = make("https://hooks.example/", state)
        for event in range(number):
            tell(f"{event}", configuration=f"{state}-{event}")
            taking.take(clock())
        Endpoint.objects.filter(pk=made["id"]).update(**columns)
        rows = Notification.objects.filter(endpoint=made["id"])
        rows.update(created_at=now - timedelta(seconds=100 * number))

    page = samples(admin)

    waiting, since = "keeptrusts_notifications_waiting", "keeptrusts_notifications_wait_for_seconds"
    # An endpoint that is there already hears of those of the later ones.
    assert {key[1]: number for key, number in page.items() if key[0] == waiting} == {
        "reached": 6, "failing": 6, "disabled": 2, "gone": 3,
    }  # fmt: skip
    for number, state in enumerate(states):
        assert page["keeptrusts_notification_endpoints", state] == 1
        assert 100 * number <= page[since, state] < 100 * number + 30
    failing = "keeptrusts_notification_endpoint_failing_seconds"
    [(named, seconds)] = [(key[1], page[key]) for key in page if key[0] == failing]
    assert (named, 900 <= seconds < 930) == ("failing", True)


def test_nothing_that_waits_is_a_zero(admin: APIClient) -> None:
    """No gap, for which an alert would not end; a counter begins before its first count."""
    page = samples(admin)

    for state in measures.STATES:
        for name in ("endpoints", "s_waiting", "s_wait_for_seconds"):
            name = f"keeptrusts_notification{'_' if name == 'endpoints' else ''}{name}"
            assert page[name, state] == 0
    assert GIVEN_UP in page


def _refused_for_ever(make: Make, sender: Sender, clock: Clock, _: pytest.MonkeyPatch) -> None:
    with Receiver() as receiver:
        receiver.answer = lambda _: (500, {}, b"")
        make(receiver.url)
        tell("x")
        sender.run()
        clock.pass_(days=4)
        sender.run()


def _of_an_endpoint_at_rest(
    make: Make, _sender: Sender, clock: Clock, _: pytest.MonkeyPatch
) -> None:
    make("https://hooks.example/")
    tell("x")
    taking.take(clock())
    clock.pass_(days=4)
    retention.sweep(clock())


def _beyond_the_bound(
    make: Make, _sender: Sender, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "MOST_WAITING", 2)
    make("https://hooks.example/")
    for number in range(3):
        tell(f"{number}")
    taking.take(clock())


@pytest.mark.parametrize("way", [_refused_for_ever, _of_an_endpoint_at_rest, _beyond_the_bound])
def test_what_is_given_up_is_counted(
    way: Callable[..., None], make: Make, sender: Sender, clock: Clock, admin: APIClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """By whichever way it is; a table, since each has a writer of its own."""
    before = samples(admin)[GIVEN_UP]

    way(make, sender, clock, monkeypatch)

    assert Notification.objects.filter(status="gave_up").count() == 1
    assert samples(admin)[GIVEN_UP] == before + 1


def test_a_test_that_nobody_took_is_no_loss(make: Make, clock: Clock, admin: APIClient) -> None:
    """Whoever asked for it sees what came of it."""
    made, before = make("https://hooks.example/"), samples(admin)[GIVEN_UP]
    path = f"/v1/notification-endpoints/{made['id']}/test"
    assert admin.post(path, {}, format="json").status_code == 202
    clock.pass_(days=4)

    assert retention.sweep(clock()) == (1, 0)
    assert samples(admin)[GIVEN_UP] == before
