"""Notification endpoints by the API: what is asked, what is never shown."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from rest_framework.test import APIClient
from standardwebhooks import Webhook

from keeptrusts import sealing
from notifications.api import doctor
from notifications.endpoints import registry
from notifications.models import Endpoint, Notification
from notifications.sender import Sender
from tests.notifications.conftest import LINK_A, Clock, tell
from tests.support.api import error, refusal
from tests.support.receiver import Receiver

pytestmark = pytest.mark.django_db

PATH = "/v1/notification-endpoints"
Make = Callable[..., Any]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "n"}, "url"),
        ({"name": "n", "url": "nonsense"}, "url"),
        ({"name": "n", "url": "file:///etc/passwd"}, "url"),
        ({"name": "n", "url": "https://h/", "form": "pager"}, "form"),
        ({"name": "n", "url": "https://h/", "recipients": ["a@b.example"]}, "recipients"),
        ({"name": "n", "form": "mail", "recipients": ["a@b.example", "..a@b.c"]}, "recipients.1"),
        ({"name": "n", "form": "mail", "recipients": ["a@b.example", "a.@b.c"]}, "recipients.1"),
        ({"name": "n", "form": "mail", "recipients": ["a@-b.c"]}, "recipients.0"),
        ({"name": "n", "form": "mail", "recipients": ["a" * 65 + "@b.c"]}, "recipients.0"),
        ({"name": "n", "url": "https://h/", "kinds": ["none"]}, "kinds.0"),
        ({"name": "n", "url": "https://h/", "git_repos": ["x"]}, "git_repos.0"),
        ({"name": "n", "url": "https://h/", "git_repos": [1]}, "git_repos.0"),
        ({"name": "n", "url": "https://h/", "labels": {"a": 1}}, "labels.a"),
        ({"name": "n", "url": "https://h/", "labels": {"a\0": "b"}}, "labels"),
        ({"name": "n", "url": "https://h/", "labels": {"a" * 101: "b"}}, "labels"),
        ({"name": "n\x1b", "url": "https://h/"}, "name"),
        ({"name": "n", "url": "https://h/", "secret": "mine"}, "secret"),
    ],
)
def test_what_cannot_be_used_is_refused(body: Any, field: str, admin: APIClient) -> None:
    """By the field that is wrong."""
    assert refusal(admin.post(PATH, body, format="json")) == (400, [field])


def test_a_name_is_taken_once_and_there_are_so_many(
    make: Make, admin: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By names people and programs know them."""
    make("https://h.example/")
    body = {"name": "on call", "url": "https://h.example/"}
    assert error(admin.post(PATH, body, format="json"))["code"] == "name_taken"
    other = make("https://h.example/", "other")
    answer = admin.patch(f"{PATH}/{other['id']}", {"name": "on call"}, format="json")
    assert error(answer)["code"] == "name_taken"
    monkeypatch.setattr(registry, "MOST_ENDPOINTS", 2)
    answer = admin.post(PATH, {**body, "name": "third"}, format="json")
    assert error(answer)["code"] == "too_many_endpoints"


def test_urls_and_secrets_are_sealed_and_shown_no_more(
    make: Make, admin: APIClient, receiver: Receiver, sender: Sender, caplog: Any
) -> None:
    """In no answer, no row, no log; where it is sent, host and port are told."""
    caplog.set_level(logging.DEBUG)
    made = make(f"{receiver.url}?token=s3cret-of-a-url")
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    [row] = admin.get(PATH).json()["data"]
    assert row == made == admin.get(f"{PATH}/{made['id']}").json()["data"]
    assert row["place"] == f"127.0.0.1:{receiver.port}"
    tell("x", link=LINK_A)
    receiver.answer = lambda _: (500, {}, b"no")
    sender.run()
    assert receiver.received[0].path == "/hook?token=s3cret-of-a-url"
    stored = f"{list(Endpoint.objects.values())}{list(Notification.objects.values())}{caplog.text}"
    assert "s3cret" not in stored
    assert secret not in stored
    assert secret.removeprefix("whsec_") not in stored


def test_a_secret_rotates(make: Make, admin: APIClient, receiver: Receiver, sender: Sender) -> None:
    """Until the overlap ends both sign; without one the old one is void at once."""
    old = made = make(receiver.url)
    path = f"{PATH}/{made['id']}/rotate-secret"
    answer = admin.post(path, {"overlap_seconds": 600}, format="json")
    new = answer.json()["data"]
    assert answer["Cache-Control"] == "no-store"
    assert new["previous_until"] is not None
    tell("x", link=LINK_A)
    sender.run()
    [one] = receiver.received
    for secret in (old["secret"], new["secret"]):
        Webhook(secret).verify(one.body, one.headers)
    Endpoint.objects.update(previous_until=timezone.now() - timedelta(seconds=1))
    tell("y", link=LINK_A)
    sender.run()
    assert len(receiver.received[1].headers["webhook-signature"].split()) == 1
    answer = admin.post(path, {"overlap_seconds": 0}, format="json")
    assert answer.json()["data"]["previous_until"] is None
    chat = make("https://hooks.slack.example/", "chat", form="slack")
    assert "secret" not in chat
    answer = admin.post(f"{PATH}/{chat['id']}/rotate-secret", {}, format="json")
    assert error(answer)["code"] == "unsigned_form"


def test_what_is_sealed_is_sealed_anew(
    make: Make, receiver: Receiver, sender: Sender, settings: Any
) -> None:
    """With the other secrets, under the first key; a row's secret opens in no other row."""
    made, other = make(receiver.url), make("https://h.example/", "other")
    keys = ("another-key-of-thirty-two-characters", *django_settings.ENV.secret_keys)
    settings.ENV = replace(settings.ENV, secret_keys=keys)
    done = sealing.reseal_all()
    assert (done.sealed >= 4, done.lost) == (True, [])
    settings.ENV = replace(settings.ENV, secret_keys=keys[:1])
    tell("x", link=LINK_A)
    Endpoint.objects.filter(pk=other["id"]).update(url=Endpoint.objects.get(pk=made["id"]).url)
    sender.run()
    [one] = receiver.received
    Webhook(made["secret"]).verify(one.body, one.headers)
    [moved] = Notification.objects.filter(endpoint=other["id"])
    assert moved.log[0]["error"] == "unusable"


@pytest.mark.parametrize(
    "url",
    ["http://10.1.2.3/", "http://169.254.169.254/latest", "http://[::1]/", "http://0x7f.2/x",
     "http://[::ffff:10.0.0.1]/"],
)  # fmt: skip
def test_private_addresses_are_not_called(
    url: str, make: Make, sender: Sender, settings: Any
) -> None:
    """In whatever form they are written, unless the operator allows them."""
    settings.ENV = replace(settings.ENV, git_allowed_networks=())
    make(url)
    tell("x", link=LINK_A)
    sender.run()
    [row] = Notification.objects.all()
    assert row.log[0]["error"] == "host_not_allowed"
    assert row.log[0]["seconds"] < 5


def test_another_url_or_enabling_begins_anew(
    make: Make, admin: APIClient, receiver: Receiver, sender: Sender
) -> None:
    """What failed before says nothing of it."""
    receiver.answer = lambda _: (500, {}, b"")
    made = make(receiver.url)
    for number in range(6):
        tell(f"{number}", configuration=f"c-{number}")
    sender.run()
    path = f"{PATH}/{made['id']}"
    row = admin.get(path).json()["data"]
    assert row["failures"] >= 5
    assert row["rests_until"] is not None
    etag = admin.get(path)["ETag"]
    answer = admin.patch(path, {"url": receiver.url}, format="json", headers={"If-Match": etag})
    row = answer.json()["data"]
    assert (row["failures"], row["failing_since"], row["rests_until"]) == (0, None, None)


def test_lists_of_what_was_sent(
    make: Make, admin: APIClient, receiver: Receiver, sender: Sender
) -> None:
    """By endpoint and status."""
    made, other = make(receiver.url), make("https://h.example/", "other", kinds=["held"])
    tell("x", link=LINK_A)
    sender.run()
    ask = "/v1/notifications"
    [row] = admin.get(ask, {"endpoint": made["id"], "status": "delivered"}).json()["data"]
    assert (row["git_repo"], row["endpoint"]) == (LINK_A, made["id"])
    assert admin.get(ask, {"endpoint": other["id"]}).json()["data"] == []
    assert admin.get(ask, {"status": "waiting"}).json()["data"] == []


def test_the_doctor_tells_what_is_not_reached(
    make: Make, receiver: Receiver, sender: Sender, clock: Clock
) -> None:
    """And of what was lost; nothing where there is no endpoint."""
    assert list(doctor.findings()) == []
    make(receiver.url)
    assert [one.level for one in doctor.findings()] == ["ok"]
    receiver.answer = lambda _: (500, {}, b"")
    for number in range(6):
        tell(f"{number}", configuration=f"c-{number}")
    sender.run()
    Notification.objects.update(created_at=timezone.now() - timedelta(hours=2))
    words = [one.message for one in doctor.findings()]
    assert any("not reached since" in one for one in words)
    assert any(one.startswith("6 wait") for one in words)
    Notification.objects.update(status="gave_up", settled_at=timezone.now())
    Endpoint.objects.update(gone=True, form="mail")
    words = [one.message for one in doctor.findings()]
    assert any("answered 410" in one for one in words)
    assert any("is for mail" in one for one in words)
    assert any("6 to on call were given up" in one for one in words)
