"""Events on their way to receivers, by real sockets."""

import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from rest_framework.test import APIClient
from standardwebhooks import Webhook

from events.models import Event
from gitrepos.forge import eventloop
from notifications.models import Endpoint, Notification
from notifications.queue import claims, retention
from notifications.sender import Sender
from notifications.sending import calls
from tests.notifications.conftest import LINK_A, LINK_B, Clock, only, tell
from tests.support import receiver as lies
from tests.support.api import together
from tests.support.receiver import OK, Answer, Received, Receiver

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

Make = Callable[..., Any]


def rows(**where: Any) -> list[Notification]:
    return list(Notification.objects.filter(**where).order_by("number"))


def test_an_event_arrives_signed(make: Make, receiver: Receiver, sender: Sender) -> None:
    """Another implementation of Standard Webhooks takes it."""
    made = make(receiver.url)
    tell("The server cannot be reached.", link=LINK_A, code="unreachable")

    sender.run()

    [one] = receiver.received
    verified = Webhook(made["secret"]).verify(one.body, one.headers)
    [event], [row] = Event.objects.all(), rows()
    assert verified["type"] == "failed"
    assert verified["data"]["id"] == event.pk
    assert verified["data"]["git_repo"] == LINK_A
    assert verified["data"]["details"] == {"code": "unreachable"}
    assert (row.status, row.attempts, row.log[0]["status"]) == ("delivered", 1, 200)
    assert one.id == str(row.id)
    sender.run()
    assert len(receiver.received) == 1


def test_what_was_taken_is_delivered_whatever_wait_is_asked_for(
    make: Make, receiver: Receiver, sender: Sender
) -> None:
    """A date of no calendar beside a 200 is no failure, and nothing is sent twice for it."""
    make(receiver.url)
    receiver.answer = lambda _: (200, {"Retry-After": f"Sat, 31 Jan {'9' * 20} 12:01:00 GMT"}, b"")
    tell("x", link=LINK_A)
    sender.run()

    assert [(row.status, row.attempts, row.log[0]["status"]) for row in rows()] == [
        ("delivered", 1, 200)
    ]


def test_what_was_before_an_endpoint_is_not_sent(
    make: Make, receiver: Receiver, sender: Sender
) -> None:
    """Nor what nobody was to hear of."""
    tell("old")
    sender.run()
    tell("older than the endpoint, though not looked at yet")
    make(receiver.url)
    sender.run()

    assert receiver.received == []
    assert not Event.objects.filter(notified=False).exists()


def test_a_subject_is_in_order_and_holds_up_itself_alone(
    make: Make, receiver: Receiver, sender: Sender, clock: Clock
) -> None:
    """What is about a link or a configuration waits for what was earlier about either."""
    make(receiver.url)
    refused = {"a1"}
    receiver.answer = lambda one: (500, {}, b"") if one.data["message"] in refused else OK
    tell("a1", link=LINK_A, configuration="bot")
    tell("a2", configuration="bot")
    tell("b1", link=LINK_B)
    tell("a3", link=LINK_A)
    tell("b2", link=LINK_B)
    tell("nobody")
    sender.run()

    assert sorted(receiver.messages) == ["a1", "b1", "b2", "nobody"]
    assert receiver.messages.index("b1") < receiver.messages.index("b2")
    first = receiver.messages.index("a1")
    assert [row.told["message"] for row in rows(status="waiting")] == ["a1", "a2", "a3"]
    refused.clear()
    clock.pass_(seconds=7)
    sender.run()
    # The two that waited for it are about different subjects.
    assert receiver.messages[4] == "a1"
    assert sorted(receiver.messages[5:]) == ["a2", "a3"]
    assert receiver.received[first].id == receiver.received[4].id
    assert rows(status="waiting") == []


def test_a_receiver_that_was_away_gets_all_in_order(
    make: Make, sender: Sender, clock: Clock
) -> None:
    """An hour of nobody there costs few calls, an event tells of it, and another of its end."""
    with Receiver() as gone:
        url, port = gone.url, gone.port
    make(url)
    with Receiver() as others:
        make(others.url, "others", kinds=["endpoint_failing", "endpoint_recovered"])
        for number in range(20):
            tell(f"{number % 10}: {number}", configuration=f"c-{number % 10}")
        for _ in range(60):
            sender.run()
            clock.pass_(minutes=1)
        endpoint = Endpoint.objects.get(name="on call")
        assert claims.is_silent(endpoint)
        attempts = sum(row.attempts for row in rows(endpoint=endpoint))
        assert 10 < attempts < 30
        with Receiver(port) as back:
            clock.pass_(minutes=20)
            sender.run()
            for one in range(10):
                mine = [text for text in back.messages if text.startswith(f"{one}:")]
                assert mine == [f"{one}: {one}", f"{one}: {one + 10}"]
            assert len(back.received) == 20
        sender.run()
        told = [one.data["kind"] for one in others.received]
        assert told == ["endpoint_failing", "endpoint_recovered"]
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.silent, endpoint.failing_since) == (0, 0, None)


@pytest.mark.parametrize(
    ("lie", "error", "status"),
    [
        (lies.resets, "unreachable", None),
        (lies.half_a_head, "unreachable", None),
        (lies.no_http, "bad_answer", None),
        (lies.hangs, "timeout", None),
        (lies.drips, "timeout", None),
        (lies.half_a_body, "", 200),
        (lies.endless, "", 200),
    ],
)
def test_a_receiver_that_lies(
    lie: Any, error: str, status: int | None, make: Make, receiver: Receiver, sender: Sender,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """What said that it took it has it; all else is sent again, and nothing is read for ever."""
    monkeypatch.setattr(calls, "CALL_SECONDS", 0.6)
    receiver.behave = lie
    make(receiver.url)
    tell("x", link=LINK_A)
    began = time.monotonic()
    sender.run()

    [row] = rows()
    assert (row.log[0]["error"], row.log[0]["status"]) == (error, status), row.log
    assert row.status == ("waiting" if error else "delivered")
    assert len(row.log[0]["answer"]) <= 200
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    "answer",
    [
        (302, {"Location": "http://169.254.169.254/latest"}, b""),
        (307, {"Location": "http://127.0.0.1:1/"}, b""),
        (404, {}, b"<h1>\x1b[2J\xe2\x80\xae no</h1>" + b"x" * 9000),
        (503, {"Retry-After": "600"}, b"later"),
    ],
)
def test_an_answer_that_is_no_success(
    answer: Any, make: Make, receiver: Receiver, sender: Sender, clock: Clock
) -> None:
    """No redirect is followed, what is kept of an answer is short and printable."""
    receiver.answer = lambda _: answer
    make(receiver.url)
    tell("x", link=LINK_A)
    sender.run()

    [row] = rows()
    last = row.log[0]
    assert (last["error"], last["status"]) == ("not_accepted", answer[0])
    assert last["answer"].isprintable()
    assert len(last["answer"]) <= 200
    wait = (row.next_attempt_at - clock()).total_seconds()
    assert 590 < wait <= 600 if "Retry-After" in answer[1] else 0 < wait < 7
    assert len(receiver.received) == 1


def test_who_hangs_holds_up_nobody_else(
    make: Make, receiver: Receiver, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that is for others is there while nine calls hang, and not one was given up."""
    monkeypatch.setattr(calls, "CALL_SECONDS", 300.0)
    all_there, hanging = threading.Event(), []

    def counted(_: Received) -> Answer:
        if len(receiver.received) == 30:
            all_there.set()
        return OK

    def hangs(_: socket.socket) -> None:
        hanging.append(all_there.wait(200))

    receiver.answer = counted
    with Receiver() as slow:
        slow.behave = hangs
        for number in range(3):
            make(slow.url, f"slow {number}")
        make(receiver.url)
        for number in range(30):
            tell(f"{number}", configuration=f"c-{number % 3}")
        sender.run()

    assert hanging == [True] * 9
    assert len(receiver.received) == 30
    assert {row.status for row in rows(endpoint__name="on call")} == {"delivered"}


def test_what_is_gone_is_disabled_and_told(
    make: Make, receiver: Receiver, sender: Sender, admin: APIClient
) -> None:
    """By an event that others hear, and only a person enables it again."""
    receiver.answer = lambda _: (410, {}, b"")
    made = make(receiver.url)
    with Receiver() as others:
        make(others.url, "others", kinds=["endpoint_disabled"])
        tell("x", link=LINK_A)
        sender.run()
        [told] = others.received
    assert told.data["details"]["name"] == "on call"
    path = f"/v1/notification-endpoints/{made['id']}"
    row = admin.get(path).json()["data"]
    assert (row["enabled"], row["gone"]) == (False, True)
    tell("y", link=LINK_A)
    sender.run()
    assert len(receiver.received) == 1
    assert admin.patch(path, {"enabled": True}, format="json").json()["data"]["gone"] is False


def test_it_is_tried_for_three_days(
    make: Make, receiver: Receiver, sender: Sender, clock: Clock
) -> None:
    """Then given up, and what waited for it is sent."""
    receiver.answer = lambda one: OK if one.data["message"] == "next" else (500, {}, b"")
    make(receiver.url)
    tell("poison", link=LINK_A)
    tell("next", link=LINK_A)
    for _ in range(5):
        sender.run()
        clock.pass_(minutes=3)
    clock.pass_(days=2, hours=23, minutes=20)
    sender.run()
    assert len(rows(status="waiting")) == 2
    clock.pass_(minutes=30)
    sender.run()

    poison, following = rows()
    assert (poison.status, following.status) == ("gave_up", "delivered")
    assert (poison.attempts, len(poison.log)) == (7, 5)


def test_a_killed_sender_sends_again_under_the_same_id(
    make: Make, receiver: Receiver, sender: Sender, clock: Clock
) -> None:
    """Between sending and noting: the claim ends with its lease, and what it notes then is void."""
    make(receiver.url)
    tell("x", link=LINK_A)
    killed = Sender(clock)
    killed._note = lambda _: killed._calls.clear()  # type: ignore[method-assign]
    killed.run()
    first = claims.Claim(rows()[0].claim, rows()[0], only())  # type: ignore[arg-type]
    sender.run()
    assert len(receiver.received) == 1
    clock.pass_(seconds=61)
    sender.run()

    assert [one.id for one in receiver.received] == [str(rows()[0].id)] * 2
    assert [row.attempts for row in rows()] == [1]
    late = calls.Attempt(clock(), 0.1, "timeout")
    assert claims.note([(first, late)], clock()) == [first]
    assert rows()[0].status == "delivered"


def test_a_clock_that_was_set_back_holds_up_nothing(
    make: Make, receiver: Receiver, sender: Sender, clock: Clock
) -> None:
    """Waits, rests and leases of the time that was are over."""
    receiver.answer = lambda _: (500, {}, b"")
    make(receiver.url)
    clock.pass_(days=1)
    for number in range(6):
        tell(f"{number}", configuration=f"c-{number}")
    sender.run()
    Notification.objects.filter(told__message="0").update(claim=uuid4(), lease_until=clock())
    clock.pass_(days=-1)
    receiver.answer = lambda _: OK
    sender.run()
    assert len(rows(status="waiting")) == 6
    claims.wake_late(clock())
    sender.run()
    assert rows(status="waiting") == []


def test_an_endpoint_of_a_clock_that_was_set_back_hears_at_once(
    make: Make, receiver: Receiver, sender: Sender
) -> None:
    """And not only of what happens after the time at which it seems to be made."""
    make(receiver.url)
    Endpoint.objects.update(created_at=timezone.now() + timedelta(days=1))
    tell("x")
    sender.run()

    assert receiver.messages == ["x"]


def test_a_crash_of_a_form_is_shown(
    make: Make, receiver: Receiver, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing else waits for it."""
    make(receiver.url)
    tell("x", link=LINK_A)
    tell("y", link=LINK_B)
    monkeypatch.setattr(calls, "_beginning", lambda _: 1 / 0)
    sender.run()

    assert [row.log[0]["error"] for row in rows()] == ["internal", "internal"]


def test_what_is_not_sent_is_given_up_in_time(
    make: Make, receiver: Receiver, sender: Sender, clock: Clock, admin: APIClient
) -> None:
    """At an endpoint that somebody disabled too; old rows are deleted."""
    receiver.answer = lambda _: (500, {}, b"")
    made = make(receiver.url)
    tell("x", link=LINK_A)
    tell("y", link=LINK_A)
    sender.run()
    admin.patch(f"/v1/notification-endpoints/{made['id']}", {"enabled": False}, format="json")
    clock.pass_(days=3, minutes=10)
    assert retention.sweep(clock()) == (2, 0)
    assert [row.status for row in rows()] == ["gave_up", "gave_up"]
    clock.pass_(days=91)
    assert retention.sweep(clock()) == (0, 2)


@pytest.mark.django_db(transaction=True)
def test_two_senders_share_the_work(make: Make, receiver: Receiver, clock: Clock) -> None:
    """Of two processes: each event is sent once, those of a subject in order."""
    make(receiver.url)
    senders = [Sender(clock), Sender(clock)]
    for number in range(40):
        tell(f"{number % 4}: {number}", configuration=f"c-{number % 4}")

    def send(at: int) -> None:
        while rows(status="waiting") or Event.objects.filter(notified=False).exists():
            senders[at].run()

    together(2, send)
    assert len({one.id for one in receiver.received}) == len(receiver.received) == 40
    for subject in range(4):
        mine = [text for text in receiver.messages if text.startswith(f"{subject}:")]
        assert mine == [f"{subject}: {number}" for number in range(subject, 40, 4)]
    eventloop.close()
