"""Due tasks of all packages, which one statement tells."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from configurations.models import Configuration
from events import log
from events.models import Event
from evidence import sealer
from evidence.models import Entry
from gitrepos import tasks
from gitrepos.models import Host, Pause, Remote
from gitrepos.polling import claims
from keeptrusts.celery import app
from keeptrusts.processes import due
from notifications.models import Endpoint, Notification

pytestmark = pytest.mark.django_db

POLL, SYNC, PINS, SEAL, SEND = (
    "gitrepos.tick", "gitrepos.sync_remote", "gitrepos.expire_pins", "evidence.seal",
    "notifications.send",
)  # fmt: skip


def remote(**columns: object) -> Remote:
    """One that is polled now and then."""
    return Remote.objects.create(url=f"https://a/{uuid4()}", host="a", **columns)


def notification(now: datetime, **columns: object) -> None:
    """One that waits at an endpoint."""
    endpoint = Endpoint.objects.create(name="on call", form="webhook", created_at=now)
    given = {"kind": "failed", "told": {}, "give_up_at": now, "created_at": now, **columns}
    Notification.objects.create(endpoint=endpoint, **given)


def pinned(now: datetime) -> None:
    """A pin that ends."""
    Configuration.objects.create(
        id="bot", name="Bot", version=1, created_at=now, updated_at=now, pin_expires_at=now
    )


MAKE: dict[str, Callable[[datetime], object]] = {
    POLL: lambda now: remote(next_poll_at=now),
    SYNC: lambda now: remote(waits_since=now - timedelta(seconds=2)),
    PINS: pinned,
    SEND: lambda now: notification(now, next_attempt_at=now),
}


@pytest.mark.smoke
@pytest.mark.parametrize("name", MAKE)
def test_each_is_due_from_its_time_on(name: str) -> None:
    """And the others are not."""
    now = timezone.now()
    MAKE[name](now)

    assert due.at(now - timedelta(milliseconds=1)) == frozenset()
    assert due.at(now) == {name}
    assert due.at(now + timedelta(minutes=1)) == {name}


def test_what_waits_for_a_writer_is_due_at_once() -> None:
    """Entries of evidence, and events that nobody was notified of."""
    log.record(Event.Kind.FAILED, "it failed")
    assert due.at(timezone.now()) == {SEND}
    Event.objects.update(notified=True)
    Entry.objects.create(kind="k", subject="s", leaf=b"{}", at=timezone.now())

    assert due.at(timezone.now()) == {SEAL}


@pytest.mark.parametrize(
    "columns",
    [
        {"lease_until": 30, "next_poll_at": -1},
        {"limited_until": 30, "next_poll_at": -1},
        {"waits_since": -1},
        {"waits_since": -9, "claim_id": uuid4()},
    ],
    ids=["leased", "limited", "told of", "at work"],
)
def test_what_has_somebody_at_it_is_not_due(columns: dict[str, object]) -> None:
    """Or what waits for its forge; `columns` has seconds from now on."""
    now = timezone.now()
    remote(
        **{
            name: now + timedelta(seconds=value) if isinstance(value, int) else value
            for name, value in columns.items()
        }
    )

    assert due.at(now) == frozenset()


@pytest.mark.parametrize("seed", range(20))
def test_whatever_a_claim_would_find_is_due(seed: int) -> None:
    """With hosts that rest and credentials that are paused; and nothing else is due."""
    chance, now = random.Random(seed), timezone.now()

    def near() -> datetime:
        return now + timedelta(seconds=chance.uniform(-70, 20))

    for number in range(chance.randrange(4)):
        Remote.objects.create(
            url=f"https://a/{number}", host=chance.choice("ab"), next_poll_at=near(),
            credential_digest=chance.choice(["", "1"]), asked=chance.random() < 0.3,
            lease_until=chance.choice([None, near()]),
        )  # fmt: skip
    if chance.random() < 0.5:
        Host.objects.create(pk="a", cooling_until=chance.choice([None, near()]))
    if chance.random() < 0.5:
        Pause.objects.create(host="b", credential_digest="1", until=near())
    before = list(Remote.objects.order_by("pk").values())
    is_due = POLL in due.at(now)
    is_overdue = Host.objects.filter(cooling_until__lte=now - timedelta(seconds=58)).exists()

    claim = claims.due(now)

    did = claim is not None or before != list(Remote.objects.order_by("pk").values())
    assert is_due or not did
    assert did or not is_due or is_overdue


def test_each_name_is_a_task_of_a_queue() -> None:
    """A message for another would be read by nobody."""
    app.loader.import_default_modules()

    assert settings.DUE.keys() <= app.tasks.keys()
    assert settings.DUE.keys() <= app.conf.task_routes.keys()


@pytest.mark.smoke
def test_an_idle_tick_asks_one_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    """It writes nothing, so that on SQLite it waits for no writer and keeps none waiting."""
    monkeypatch.setattr(sealer, "_has_begun", True)
    due.at(timezone.now())  # The statement is made once.

    with CaptureQueriesContext(connection) as queries:
        tasks.tick()

    assert [one["sql"].partition(" ")[0] for one in queries] == ["SELECT"]


def test_a_tick_tells_each_task_that_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of other packages by a message, twice a second at most; polls are its own."""
    told: list[str] = []
    monkeypatch.setattr(tasks, "_told_at", {})
    monkeypatch.setattr(sealer, "_has_begun", True)
    monkeypatch.setattr(tasks, "_tell", lambda task, expires: told.append(task.name))
    monkeypatch.setattr(tasks, "_poll_due", lambda: told.append(POLL))
    now = timezone.now()
    for make in MAKE.values():
        make(now)
    Entry.objects.create(kind="k", subject="s", leaf=b"{}", at=now)

    tasks.tick()

    assert sorted(told) == sorted(settings.DUE)
    tasks.tick()
    assert told[len(settings.DUE) :] == [POLL]
    monkeypatch.setattr(tasks, "_REST_SECONDS", 0.0)
    tasks.tick()
    assert sorted(told[len(settings.DUE) + 1 :]) == sorted(settings.DUE)
