"""The fence: nothing old is applied, whatever happens during a fetch."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from gitrepos.links import links
from gitrepos.models import Link, LinkedFile, Remote, SyncRun
from gitrepos.polling import claims
from gitrepos.polling.claims import Fence
from gitrepos.polling.waiting import Found
from gitrepos.sync import poll as polling
from gitrepos.sync import steps
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.stack import wait_for
from tests.support.syncing import (
    content,
    edit,
    hashes,
    link,
    make,
    outcomes,
    poll,
    request,
    run_due,
    shown,
    sync,
    unlink,
)

pytestmark = pytest.mark.django_db(transaction=True)

BOT = "bot/policy-config.yaml"
Step = Callable[[APIClient, dict[str, Any]], object]


def _suspended(admin: APIClient, row: dict[str, Any]) -> None:
    edit(admin, row, suspended=True)


def _edited(admin: APIClient, row: dict[str, Any]) -> None:
    edit(admin, row, auto_create_configuration=False)


def _deleted(admin: APIClient, row: dict[str, Any]) -> None:
    unlink(admin, row)


def _claimed(_admin: APIClient, _row: dict[str, Any]) -> None:
    Remote.objects.update(claim_id=uuid4(), lease_until=timezone.now() + timedelta(seconds=60))


def _expired(_admin: APIClient, _row: dict[str, Any]) -> None:
    Remote.objects.update(lease_until=timezone.now())


STEPS = [_suspended, _edited, _deleted, _claimed, _expired]


@pytest.mark.parametrize("step", STEPS)
def test_nothing_is_applied_of_what_was_overtaken(
    admin: APIClient,
    repo: Repo,
    meanwhile: Callable[[Callable[[], object]], None],
    step: Step,
) -> None:
    """By an edit, a suspension, a deletion, another claim, or the end of the lease.

    No failure is shown either: it belongs to a link that is no longer so.
    """
    repo.commit({BOT: policy()})
    rows = [link(admin, repo.url, path=path) for path in ("", "nowhere/")]
    meanwhile(lambda: [step(admin, row) for row in rows])

    run_due()

    assert hashes() == {}
    assert (LinkedFile.objects.count(), SyncRun.objects.count()) == (0, 0)
    assert set(Link.objects.values_list("last_commit", "observed_generation")) <= {("", 0)}
    assert set(Link.objects.values_list("error_code", flat=True)) <= {""}


def test_an_edit_in_flight_is_followed_at_once(
    admin: APIClient, repo: Repo, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    """The remote does not wait for the end of a lease that nobody needs any more."""
    repo.commit({BOT: policy("Bot"), "eu/other/policy-config.yaml": policy("Other")})
    row = link(admin, repo.url)
    meanwhile(lambda: edit(admin, row, path="eu/"))
    run_due()
    before = hashes()

    run_due()

    assert (before, list(hashes())) == ({}, ["other"])
    assert shown(admin, row)["status"] == "synced"


def test_a_suspension_in_flight_is_the_end_of_polling(
    admin: APIClient, repo: Repo, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    """The attempt that was overtaken does not make the remote due again."""
    repo.commit({BOT: policy()})
    row = link(admin, repo.url)
    meanwhile(lambda: edit(admin, row, suspended=True))

    run_due()

    found = Remote.objects.get()
    assert (found.next_poll_at, found.claim_id, found.lease_until) == (None, None, None)


def test_an_edit_of_one_link_leaves_the_others_of_its_remote(
    admin: APIClient, repo: Repo, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    """They are applied as they were fetched."""
    repo.commit({"a/one/policy-config.yaml": policy(), "b/two/policy-config.yaml": policy()})
    rows = [link(admin, repo.url, path=path) for path in ("a", "b")]
    meanwhile(lambda: edit(admin, rows[0], suspended=True))

    run_due()

    assert list(hashes()) == ["two"]
    assert shown(admin, rows[1])["status"] == "synced"


def test_a_failure_of_the_check_passes_over_an_edited_link(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """It is shown on the others, and the edited one is tried at once."""
    rows = [link(admin, repo.url, path=path) for path in ("a", "b")]
    forge.twists[repo.bare.name] = lambda _method, _reply: (
        edit(admin, rows[0], adopt=True),
        connection.close(),
        (401, {}, b""),
    )[2]
    batch = claims.due(timezone.now())
    assert batch

    polling.poll(batch, sync)

    assert [shown(admin, row)["status"] for row in rows] == ["pending", "error"]
    found = Remote.objects.get()
    assert (found.claim_id, found.next_poll_at) == (None, found.last_polled_at)


def test_a_request_during_a_sync_is_served_by_the_next(
    admin: APIClient, repo: Repo, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    """It may be about a commit that the running one did not see."""
    repo.commit({BOT: policy("One")})
    row = link(admin, repo.url)
    meanwhile(lambda: (repo.commit({BOT: policy("Two")}), request(admin, row)))
    run_due()
    found = Remote.objects.get()
    between = content(admin, "bot"), Link.objects.get().served_seq
    due = found.next_poll_at == found.last_polled_at

    run_due()

    assert (between, due) == ((policy("One").encode(), 0), True)
    assert content(admin, "bot") == policy("Two").encode()
    assert Link.objects.get().served_seq == 1


def _pushed(_admin: APIClient, row: dict[str, Any]) -> None:
    links.hear(UUID(row["id"]), commit="")


def _linked(admin: APIClient, row: dict[str, Any]) -> None:
    link(admin, row["url"], path="bot/")


@pytest.mark.parametrize("ends", ["applied", "held", "failed"])
@pytest.mark.parametrize("step", [request, _pushed, _edited, _linked, lambda *_: None])
def test_a_remote_is_given_back_for_what_came_during_a_sync(
    admin: APIClient,
    repo: Repo,
    meanwhile: Callable[[Callable[[], object]], None],
    step: Step,
    ends: str,
) -> None:
    """At once, however the sync of its only link ended; and for nothing, it waits its time."""
    repo.commit({BOT: policy("One"), **{f"{n}/policy-config.yaml": policy(n) for n in "abcd"}})
    row = link(admin, repo.url)
    run_due()
    gone: dict[str, str | None] = {f"{n}/policy-config.yaml": None for n in "abcd"}
    repo.commit({"applied": {BOT: policy("Two")}, "held": gone, "failed": {}}[ends])
    if ends == "failed":
        edit(admin, row, path="nowhere/")
    meanwhile(lambda: step(admin, row))
    poll()

    found, now = Remote.objects.get(), timezone.now()
    assert (found.claim_id, found.lease_until, found.found) == (None, None, None)
    assert found.next_poll_at
    is_due = found.next_poll_at <= now
    run_due()

    found = Remote.objects.get()
    assert is_due == (step in (request, _pushed, _edited, _linked))
    assert (found.claim_id, found.lease_until) == (None, None)
    assert found.next_poll_at
    assert found.next_poll_at > timezone.now()
    for one in Link.objects.all():
        assert (one.served_seq, one.observed_generation) == (one.requested_seq, one.generation)


def test_a_request_during_a_check_that_finds_nothing_is_served(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """The remote is due again at once."""
    repo.commit({BOT: policy()})
    row = link(admin, repo.url)
    run_due()
    forge.twists[repo.bare.name] = lambda _method, reply: (
        forge.twists.pop(repo.bare.name) and request(admin, row),
        connection.close(),
        reply,
    )[2]
    poll()
    before = Link.objects.get().served_seq

    run_due()

    assert (before, Link.objects.get().served_seq) == (0, 1)


@pytest.mark.parametrize("gone", ["claimed", "expired", "deleted"])
def test_a_message_that_comes_too_late_does_nothing(
    admin: APIClient, forge: Forge, repo: Repo, gone: str
) -> None:
    """Its claim is over: it asks nobody and writes nothing."""
    repo.commit({BOT: policy()})
    row = link(admin, repo.url)
    batch = claims.due(timezone.now())
    assert batch
    {"claimed": _claimed, "expired": _expired, "deleted": _deleted}[gone](admin, row)
    before = list(Remote.objects.values()), len(forge.calls(repo))

    steps.sync(Fence(batch.remote_ids[0], batch.id), Found({"HEAD": "0" * 40}))
    polling.poll(batch, sync) if gone != "expired" else None

    assert (list(Remote.objects.values()), len(forge.calls(repo))) == before
    assert hashes() == {}


def _waiting_for_a_lock() -> int:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_locks where not granted")
        return int(cursor.fetchone()[0])


def test_an_id_that_is_taken_while_a_sync_waits_its_turn_is_a_conflict(
    admin: APIClient, repo: Repo
) -> None:
    """What was planned before the writers' lock is planned again behind it."""
    repo.commit({BOT: policy("By git")})
    row = link(admin, repo.url)

    def work() -> None:
        try:
            run_due()
        finally:
            connection.close()

    runner = threading.Thread(target=work)
    with transaction.atomic():
        make(admin, "bot", policy("By the API"))
        runner.start()
        wait_for(_waiting_for_a_lock)
    runner.join()

    assert content(admin, "bot") == policy("By the API").encode()
    assert outcomes(admin, row) == {(BOT, "bot"): "conflict"}
