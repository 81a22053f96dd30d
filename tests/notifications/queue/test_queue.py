"""What waits: made of events once, in order, bounded, and sent again by hand."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Q
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from configurations.models import Configuration
from events.models import Event
from gitrepos.models import Link, LinkedFile
from notifications.models import Endpoint, Notification
from notifications.queue import order, retention, taking
from notifications.sender import Sender
from notifications.sending.outcomes import GIVEN_UP_AFTER
from tests.notifications.conftest import LINK_A, LINK_B, Clock, tell
from tests.support.api import created, error
from tests.support.receiver import OK, Receiver
from tests.support.repo import policy

pytestmark = pytest.mark.django_db

Make = Callable[..., Any]


def heard(**where: Any) -> list[str]:
    rows = Notification.objects.filter(**where).order_by("number")
    return [row.told["message"] for row in rows]


@pytest.mark.django_db(transaction=True)
def test_an_event_of_a_transaction_that_ends_later_is_not_missed(make: Make, clock: Clock) -> None:
    """Though its number is lower than one that was taken meanwhile."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    make("https://hooks.example/")
    recorded, may_end = threading.Event(), threading.Event()

    def late() -> None:
        try:
            with transaction.atomic():
                tell("first", link=LINK_A)
                recorded.set()
                may_end.wait(30)
        finally:
            connection.close()

    thread = threading.Thread(target=late)
    thread.start()
    assert recorded.wait(30)
    tell("second", link=LINK_B)
    assert taking.take(clock()) == 1
    assert heard() == ["second"]
    may_end.set()
    thread.join()
    assert taking.take(clock()) == 1
    assert sorted(heard()) == ["first", "second"]
    assert taking.take(clock()) == 0


def test_what_is_undone_is_made_again(make: Make, clock: Clock) -> None:
    """Notifications and the mark that they were made are of one transaction."""
    make("https://hooks.example/")
    tell("x")
    with transaction.atomic():
        taking.take(clock())
        transaction.set_rollback(True)
    assert heard() == []
    taking.take(clock())
    assert heard() == ["x"]


def test_labels_choose_by_what_an_event_is_about(
    make: Make, clock: Clock, admin: APIClient
) -> None:
    """A configuration's own labels, or those of what a link feeds."""
    for name, team in (("bot", "a"), ("other", "b")):
        body = {"id": name, "content": policy(name), "labels": {"team": team}}
        created(admin.post("/v1/configurations", body, format="json"))
    body = {"url": "https://forge.example/one.git", "suspended": True}
    link = created(admin.post("/v1/git-repos", body, format="json"))["id"]
    LinkedFile.objects.create(
        link=Link.objects.get(pk=link), path="p", configuration="bot", blob="", outcome="synced",
        updated_at=clock(),
    )  # fmt: skip
    assert Configuration.objects.count() == 2
    make("https://hooks.example/", labels={"team": "a"})
    make("https://hooks.example/", "of one", git_repos=[link])
    tell("of bot", configuration="bot")
    tell("of other", configuration="other")
    tell("of the link", link=link)
    tell("of nothing")
    taking.take(clock())

    assert heard(endpoint__name="on call") == ["of bot", "of the link"]
    assert heard(endpoint__name="of one") == ["of the link"]
    row = Notification.objects.filter(endpoint__name="of one").get()
    assert row.told["repository"] == "https://forge.example/one.git"


def test_what_waits_is_bounded(make: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a dead endpoint the oldest are given up, and deleted beyond the bound of the log."""
    monkeypatch.setattr(taking, "MOST_WAITING", 10)
    monkeypatch.setattr(retention, "MOST_KEPT", 5)
    make("https://hooks.example/")
    for number in range(30):
        tell(f"{number}", configuration=f"c-{number % 3}")
        taking.take(clock())
    assert heard(status="waiting") == [str(number) for number in range(20, 30)]
    firsts = Notification.objects.filter(next_attempt_at__isnull=False).order_by("number")
    assert [row.told["message"] for row in firsts] == ["20", "21", "22"]
    assert retention.sweep(clock()) == (0, 15)
    assert heard(status="gave_up") == ["15", "16", "17", "18", "19"]


def test_one_is_sent_again_by_hand(
    make: Make, receiver: Receiver, sender: Sender, admin: APIClient
) -> None:
    """Under its id, delivered or not."""
    make(receiver.url)
    tell("x", link=LINK_A)
    sender.run()
    [row] = Notification.objects.all()
    answer = admin.post(f"/v1/notifications/{row.id}/replay", {}, format="json")
    assert answer.json()["data"]["status"] == "waiting"
    sender.run()
    assert [one.id for one in receiver.received] == [str(row.id)] * 2
    row.refresh_from_db()
    assert (row.status, row.attempts, len(row.log)) == ("delivered", 1, 2)


def test_all_that_was_given_up_is_sent_again_in_order(
    make: Make, receiver: Receiver, sender: Sender, admin: APIClient, clock: Clock
) -> None:
    """Before what came later and waits, and none from before the time."""
    made = make(receiver.url)
    path = f"/v1/notification-endpoints/{made['id']}"
    receiver.answer = lambda _: (500, {}, b"")
    for number in range(3):
        tell(f"{number}", link=LINK_A)
        sender.run()
    clock.pass_(days=3, minutes=6)
    retention.sweep(clock())
    assert heard(status="gave_up") == ["0", "1", "2"]
    tell("3", link=LINK_A)
    sender.run()
    since = Notification.objects.get(told__message="1").created_at
    receiver.answer = lambda _: OK
    receiver.received.clear()
    answer = admin.post(f"{path}/replay", {"since": since.isoformat()}, format="json")
    assert answer.json()["data"] == {"count": 2}
    clock.pass_(minutes=1)
    sender.run()
    assert receiver.messages == ["1", "2", "3"]
    assert heard(status="gave_up") == ["0"]


def test_a_test_is_sent_once_at_once(
    make: Make, receiver: Receiver, sender: Sender, admin: APIClient, clock: Clock
) -> None:
    """Also at an endpoint that rests, whose failure it does not count as."""
    made = make(receiver.url)
    path = f"/v1/notification-endpoints/{made['id']}"
    receiver.answer = lambda _: (500, {}, b"")
    for number in range(6):
        tell(f"{number}", configuration=f"c-{number}")
    sender.run()
    assert Endpoint.objects.get().rests_until is not None
    for answer, status in (((500, {}, b"no"), "gave_up"), (OK, "delivered")):
        receiver.answer = lambda _, answer=answer: answer
        sent = admin.post(f"{path}/test", {}, format="json")
        assert sent.status_code == 202
        sender.run()
        row = admin.get(f"/v1/notifications/{sent.json()['data']['id']}").json()["data"]
        assert (row["status"], row["kind"], row["attempts"]) == (status, "test", 1)
    assert Endpoint.objects.get().failures == 0
    sender.run()
    assert heard(status="waiting") == []


def test_nothing_is_sent_again_to_a_disabled_endpoint(make: Make, admin: APIClient) -> None:
    """Which is said."""
    made = make("https://hooks.example/", enabled=False)
    path = f"/v1/notification-endpoints/{made['id']}"
    for where, body in (("test", {}), ("replay", {"since": "2026-01-31T12:00:00Z"})):
        answer = admin.post(f"{path}/{where}", body, format="json")
        assert error(answer)["code"] == "endpoint_disabled"


_ABOUT = st.tuples(st.sampled_from(["", "a", "b"]), st.sampled_from(["", "c", "d"]))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(abouts=st.lists(_ABOUT, max_size=12), fates=st.lists(st.integers(0, 11), max_size=12))
def test_each_waits_for_the_earlier_ones_of_its_subjects(
    clock: Clock, abouts: list[tuple[str, str]], fates: list[int]
) -> None:
    """However they are made and settled: those without one before them can be sent, no others."""
    with transaction.atomic():
        endpoint = Endpoint.objects.create(name="e", form="mail", created_at=clock())
        made = [
            Notification(
                endpoint=endpoint, kind="failed", git_repo=link, configuration=configuration,
                told={}, give_up_at=clock() + GIVEN_UP_AFTER, created_at=clock(),
            )
            for link, configuration in abouts
        ]  # fmt: skip
        half = len(made) // 2
        taking.put(endpoint, made[:half], clock())
        taking.put(endpoint, made[half:], clock())
        check(endpoint)
        for fate in fates:
            rows = list(order.waiting(endpoint.pk).filter(next_attempt_at__isnull=False))
            if not rows:
                break
            row = rows[fate % len(rows)]
            row.status, row.next_attempt_at = "delivered", None
            row.save()
            order.follow([row], clock())
            check(endpoint)
        assert order.mend(endpoint.pk, clock()) == 0
        transaction.set_rollback(True)


def check(endpoint: Endpoint) -> None:
    seen: set[tuple[str, str]] = set()
    for row in order.waiting(endpoint.pk).order_by("number"):
        own = order.subjects(row)
        assert (row.next_attempt_at is None) == bool(own & seen)
        seen |= own


def test_nobody_reads_what_is_done(make: Make, receiver: Receiver, sender: Sender) -> None:
    """Where nothing waits, a look is two questions."""
    make(receiver.url)
    tell("x")
    sender.run()
    assert not Event.objects.filter(Q(notified=False)).exists()
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        sender.run()
    assert len(queries) == 2
