"""Requested syncs: their place before all others, and how long they keep it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from gitrepos.models import Link, Remote
from gitrepos.polling import claims
from gitrepos.polling.claims import Claim
from gitrepos.polling.gate import Gate
from tests.support import hooks
from tests.support.hooks import SECRET
from tests.support.repo import Repo, policy
from tests.support.syncing import edit, link, request, run_due

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.smoke]

Ask = Callable[[APIClient, dict[str, Any]], None]


@pytest.fixture
def synced(admin: APIClient, repo: Repo) -> dict[str, Any]:
    """A link that nobody asks for."""
    repo.commit({"bot/policy-config.yaml": policy()})
    row = link(admin, repo.url, webhook_secret=SECRET)
    run_due()
    return row


def _deliver(admin: APIClient, row: dict[str, Any]) -> None:
    body = hooks.push()
    assert hooks.post(admin, row, body, hooks.github(body)).status_code == 202


def _edit(admin: APIClient, row: dict[str, Any]) -> None:
    edit(admin, row, prune=True)


def _others(count: int) -> None:
    """Remotes that somebody asked for just now."""
    now = timezone.now()
    rows = [
        Remote(url=f"https://h{n}/r", host=f"h{n}", next_poll_at=now, asked=True)
        for n in range(count)
    ]
    Remote.objects.bulk_create(rows)
    Link.objects.bulk_create(
        [Link(remote=row, url=row.url, created_at=now, updated_at=now) for row in rows]
    )


def _next(monkeypatch: pytest.MonkeyPatch) -> UUID:
    """The remote that is claimed before all others."""
    monkeypatch.setattr(claims, "BATCH_SIZE", 1)
    batch = claims.due(timezone.now())
    assert batch is not None
    return batch.remote_ids[0]


@pytest.mark.parametrize("ask", [request, _deliver, _edit])
def test_who_asks_again_keeps_the_place(
    admin: APIClient, synced: dict[str, Any], ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind everybody who asked meanwhile, the impatient would never have a turn."""
    ask(admin, synced)
    _others(2)
    ask(admin, synced)

    assert _next(monkeypatch) == Link.objects.get(pk=synced["id"]).remote_id


def _unasked(batch: Claim) -> None:
    """As when its host had no place for it."""
    claims.release(batch.id, batch.remote_ids)


def _killed(_batch: Claim) -> None:
    """As when a worker was killed, and the lease of its claim ran out."""
    Remote.objects.update(lease_until=timezone.now())


@pytest.mark.parametrize("end", [_unasked, _killed])
def test_a_poll_that_brought_nothing_keeps_the_place(
    admin: APIClient,
    synced: dict[str, Any],
    end: Callable[[Claim], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever asked still waits, and so not behind the backlog."""
    request(admin, synced)
    batch = claims.due(timezone.now())
    assert batch is not None
    end(batch)
    _others(2)
    Remote.objects.exclude(links=synced["id"]).update(
        next_poll_at=timezone.now() - timedelta(hours=1), asked=False
    )

    assert _next(monkeypatch) == Link.objects.get(pk=synced["id"]).remote_id


def test_an_answer_ends_it(admin: APIClient, synced: dict[str, Any]) -> None:
    """Of a sync, of a quiet poll and of a failure alike: the next poll comes by its turn."""
    request(admin, synced)
    asked = Remote.objects.get().asked
    run_due()

    assert (asked, Remote.objects.get().asked) == (True, False)


def test_who_asks_during_a_poll_goes_first_after_it(
    admin: APIClient, synced: dict[str, Any]
) -> None:
    """That poll may have asked the forge too early."""
    Remote.objects.update(next_poll_at=timezone.now())
    batch = claims.due(timezone.now())
    assert batch is not None
    request(admin, synced)
    claims.settle(batch.id, batch.remote_ids)

    row = Remote.objects.get()
    assert row.asked
    assert row.next_poll_at is not None and row.next_poll_at <= timezone.now()


def test_hosts_that_never_answer_leave_room_for_another(
    admin: APIClient, synced: dict[str, Any]
) -> None:
    """However many of their remotes are due, and were asked for before."""
    past = timezone.now() - timedelta(hours=1)
    rows = [
        Remote(url=f"https://h{n % 3}/{n}", host=f"h{n % 3}", next_poll_at=past, asked=True)
        for n in range(2100)
    ]
    Remote.objects.bulk_create(rows)
    gate = Gate()
    while claims.due(timezone.now(), gate) is not None:
        pass
    request(admin, synced)

    batch = claims.due(timezone.now(), gate)

    assert batch is not None
    assert batch.remote_ids == (Link.objects.get(pk=synced["id"]).remote_id,)
