"""When a remote is due: turns, back-off, requests, and one claim at a time."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from configurations.models import Configuration
from gitrepos import claim, sync
from gitrepos.claim import Claim, Fence, FenceLostError
from gitrepos.models import GitRepo, Remote
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.syncing import edit, link, poll, request, run_due, runs, shown

WHEN = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(
    lambda naive: naive.replace(tzinfo=UTC)
)
INTERVALS = st.integers(1, 7 * 86_400)
IDS = st.uuids()


@settings(deadline=None)
@given(pk=IDS, interval=INTERVALS, now=WHEN)
def test_a_turn_comes_after_now_and_within_one_interval(
    pk: UUID, interval: int, now: datetime
) -> None:
    """Never now itself: a remote that was just polled would be due again."""
    turn = claim.next_slot(pk, interval, now)

    assert now < turn <= now + timedelta(seconds=interval)


@settings(deadline=None)
@given(pk=IDS, interval=INTERVALS, now=WHEN, missed=st.integers(0, 1000))
def test_turns_have_a_fixed_phase(pk: UUID, interval: int, now: datetime, missed: int) -> None:
    """However many were missed, the next is a whole number of intervals after any other."""
    first = claim.next_slot(pk, interval, now)

    late = first + timedelta(seconds=interval * missed)

    assert claim.next_slot(pk, interval, late) == late + timedelta(seconds=interval)
    just_before = late - timedelta(microseconds=1)
    assert claim.next_slot(pk, interval, just_before) == late


@settings(deadline=None, max_examples=20)
@given(now=WHEN, interval=st.integers(10, 3600), seed=st.integers(0, 2**32))
def test_turns_spread_over_the_interval(now: datetime, interval: int, seed: int) -> None:
    """Of a thousand remotes no tenth of the interval gets more than its share by half."""
    chance = Random(seed)
    tenths = [0] * 10
    for _ in range(1000):
        pk = UUID(int=chance.getrandbits(128), version=4)
        part = (claim.next_slot(pk, interval, now) - now) / timedelta(seconds=interval)
        tenths[min(9, int(part * 10))] += 1

    assert max(tenths) <= 150


def _waits() -> timedelta:
    row = Remote.objects.get()
    assert row.next_poll_at is not None and row.last_polled_at is not None
    return row.next_poll_at - row.last_polled_at


@pytest.mark.django_db
@pytest.mark.smoke
def test_failures_double_the_wait_up_to_an_hour(admin: APIClient, forge: Forge, repo: Repo) -> None:
    """A success resets it, and the remote is back in its turn."""
    forge.answers[repo.bare.name] = (503, {}, b"")
    link(admin, repo.url, poll_interval_seconds=300)
    waits = []
    for _ in range(6):
        poll()
        waits.append(_waits().total_seconds())
    forge.release(repo)
    repo.commit({"bot/policy-config.yaml": policy()})
    poll()

    assert waits == [300, 600, 1200, 2400, 3600, 3600]
    row = Remote.objects.get()
    assert (row.failures, row.next_poll_at) == (
        0,
        claim.next_slot(row.pk, 300, row.last_polled_at or timezone.now()),
    )


@pytest.mark.django_db
def test_an_interval_past_an_hour_is_not_shortened_by_failures(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """Nor lengthened."""
    forge.answers[repo.bare.name] = (503, {}, b"")
    link(admin, repo.url, poll_interval_seconds=7200)
    for _ in range(3):
        poll()

    assert _waits().total_seconds() == 7200


@pytest.mark.django_db
@pytest.mark.smoke
def test_the_same_failure_again_updates_its_run(admin: APIClient, forge: Forge, repo: Repo) -> None:
    """Another one makes another, and so does the same after a success."""
    repo.commit({"bot/policy-config.yaml": policy()})
    row = link(admin, repo.url)
    run_due()
    for status in (503, 503, 503, 401, 401):
        forge.answers[repo.bare.name] = (status, {}, b"")
        poll()
    forge.release(repo)
    poll()
    forge.answers[repo.bare.name] = (401, {}, b"")
    poll()

    history = [
        (run["error"] and run["error"]["code"], run["occurrences"]) for run in runs(admin, row)
    ]
    assert history == [("auth_failed", 1), ("auth_failed", 2), ("unreachable", 3), (None, 1)]


@pytest.mark.django_db
def test_the_same_failure_in_other_words_updates_its_run(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """Its message is the last one's: a time or a port in it is no news."""
    row = link(admin, repo.url)
    for status in (500, 502, 503):
        forge.answers[repo.bare.name] = (status, {}, b"")
        poll()

    (run,) = runs(admin, row)
    assert run["occurrences"] == 3
    assert "503" in run["error"]["message"]
    assert run["error"] == shown(admin, row)["error"]


@pytest.mark.django_db
@pytest.mark.smoke
def test_a_claimed_remote_is_not_due(admin: APIClient, repo: Repo) -> None:
    """Until its lease is over; then another claim ends the first."""
    repo.commit({"bot/policy-config.yaml": policy()})
    link(admin, repo.url)
    now = timezone.now()
    (first,) = claim.due(now)
    fence = Fence(first.remote_ids[0], first.id)
    lease = timedelta(seconds=claim.POLL_LEASE_SECONDS)

    between = claim.due(now + lease - timedelta(microseconds=1))
    (second,) = claim.due(now + lease)

    assert between == []
    assert second.remote_ids == first.remote_ids
    with pytest.raises(FenceLostError):
        claim.renew(fence)
    claim.renew(Fence(second.remote_ids[0], second.id))


@pytest.mark.django_db
def test_a_sync_has_a_longer_lease_than_a_poll(admin: APIClient, repo: Repo) -> None:
    """From the moment it begins."""
    link(admin, repo.url)
    now = timezone.now()
    (batch,) = claim.due(now)

    claim.renew(Fence(batch.remote_ids[0], batch.id))

    assert claim.due(now + timedelta(seconds=claim.SYNC_LEASE_SECONDS)) == []
    assert len(claim.due(now + timedelta(seconds=claim.SYNC_LEASE_SECONDS + 60))) == 1


def _remotes(count: int, host: Callable[[int], str] = lambda n: f"h{n % 7}") -> None:
    now = timezone.now() - timedelta(seconds=1)
    rows = [
        Remote(url=f"https://{host(n)}/{n}", host=host(n), next_poll_at=now) for n in range(count)
    ]
    Remote.objects.bulk_create(rows)
    GitRepo.objects.bulk_create(
        [GitRepo(remote=row, url=row.url, created_at=now, updated_at=now) for row in rows]
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("claimers", [2, 4])
def test_two_claimers_never_share_a_remote(claimers: int) -> None:
    """At the same moment, from threads of their own; between them they claim all."""
    _remotes(400)
    barrier = threading.Barrier(claimers)
    claimed: list[list[Claim]] = []

    def run() -> None:
        try:
            barrier.wait(10)
            claimed.append(claim.due(timezone.now()))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(claimers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rest = claim.due(timezone.now())

    ids = [pk for batches in (*claimed, rest) for batch in batches for pk in batch.remote_ids]
    assert (len(ids), len(set(ids))) == (400, 400)


@pytest.mark.django_db
@pytest.mark.smoke
def test_batches_are_bounded_and_keep_a_host_together() -> None:
    """A host's remotes follow one another, so that their calls share a connection."""
    _remotes(120)

    batches = claim.due(timezone.now())

    assert [len(batch.remote_ids) for batch in batches] == [50, 50, 20]
    hosts = dict(Remote.objects.values_list("pk", "host"))
    order = [hosts[pk] for batch in batches for pk in batch.remote_ids]
    assert order == sorted(order)


@pytest.mark.django_db
@pytest.mark.smoke
def test_an_idle_tick_writes_nothing() -> None:
    """One query, and no lock: it comes every second."""
    _remotes(3)
    Remote.objects.update(next_poll_at=timezone.now() + timedelta(hours=1))

    with CaptureQueriesContext(connection) as queries:
        assert claim.due(timezone.now()) == []

    assert [query["sql"].split()[0] for query in queries] == ["SELECT"]


@pytest.mark.django_db
def test_a_remote_is_polled_at_the_pace_of_its_most_eager_link(
    admin: APIClient, repo: Repo
) -> None:
    """Suspended ones have no say; with none left it is not polled at all."""
    links = [link(admin, repo.url, path=f"p{n}", poll_interval_seconds=n) for n in (60, 120)]
    paces = [Remote.objects.get().interval_seconds]
    for row in links:
        edit(admin, row, suspended=True)
        paces.append(Remote.objects.get().interval_seconds)

    assert paces == [60, 120, 120]
    assert Remote.objects.get().next_poll_at is None


@pytest.mark.django_db
@pytest.mark.smoke
def test_a_request_makes_it_due_at_once(admin: APIClient, forge: Forge, repo: Repo) -> None:
    """In the middle of a back-off too."""
    repo.commit({"bot/policy-config.yaml": policy()})
    row = link(admin, repo.url)
    forge.answers[repo.bare.name] = (503, {}, b"")
    run_due()
    forge.release(repo)
    run_due()
    waiting = shown(admin, row)["status"]

    request(admin, row)
    run_due()

    assert (waiting, shown(admin, row)["status"]) == ("error", "synced")
    assert runs(admin, row)[0]["trigger"] == "manual"


@pytest.mark.django_db
def test_what_was_claimed_and_has_no_link_any_more_is_not_asked(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """Suspended between the claim and the poll: it is given back and not due again."""
    row = link(admin, repo.url)
    (batch,) = claim.due(timezone.now())
    edit(admin, row, suspended=True)

    sync.poll(batch, sync.sync)

    found = Remote.objects.get()
    assert (found.next_poll_at, found.claim_id, forge.calls(repo)) == (None, None, [])


@pytest.mark.django_db
def test_what_does_not_fit_into_a_lease_is_left_to_the_next(
    admin: APIClient, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One link at least is synced each time, and the remote is due at once for the others."""
    for branch in ("main", "next"):
        repo.git("checkout", "--quiet", "-B", branch)
        repo.commit({f"{branch}-{n}/policy-config.yaml": policy("One") for n in "ab"})
        for n in "ab":
            link(admin, repo.url, branch=branch, path=f"{branch}-{n}")
    run_due()
    for branch in ("main", "next"):
        repo.git("checkout", "--quiet", branch)
        repo.commit({f"{branch}-{n}/policy-config.yaml": policy("Two") for n in "ab"})
    monkeypatch.setattr(sync, "_BUDGET_SECONDS", 0)
    Remote.objects.update(next_poll_at=timezone.now())
    synced = []

    for _ in range(5):
        run_due()
        synced.append(Configuration.objects.filter(version=2).count())

    assert synced == [1, 2, 3, 4, 4]


@pytest.mark.django_db
def test_a_link_that_was_well_is_synced_before_those_that_fail(
    admin: APIClient, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that what takes all the time there is takes it from itself alone."""
    repo.commit({"bot/policy-config.yaml": policy("One")})
    repo.git("push", "--quiet", "origin", "HEAD:refs/heads/other")
    failing = [link(admin, repo.url, branch="other", path=f"nowhere/{n}") for n in range(9)]
    well = link(admin, repo.url, branch="main")
    run_due()
    monkeypatch.setattr(sync, "_BUDGET_SECONDS", 0)
    commit = repo.commit({"bot/policy-config.yaml": policy("Two")})

    poll()

    assert shown(admin, well)["last_commit"] == commit
    assert {runs(admin, row)[0]["occurrences"] for row in failing} == {1}
