"""Schedules of remotes: turns, back-off, requests, and one claim at a time."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from configurations.models import Configuration
from gitrepos.models import Link, Remote
from gitrepos.polling import claims, probing, waiting
from gitrepos.polling.claims import Claim, Fence, FenceLostError
from gitrepos.polling.turns import next_turn
from gitrepos.polling.waiting import Found
from gitrepos.sync import poll as polling
from gitrepos.sync import steps
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.syncing import edit, link, poll, request, run_due, runs, shown, sync

WHEN = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(
    lambda naive: naive.replace(tzinfo=UTC)
)
INTERVALS = st.integers(1, 7 * 86_400)
PHASES = st.integers(0, 7 * 86_400 * 1_000_000 - 1)


@pytest.mark.django_db
@pytest.mark.smoke
@settings(max_examples=30)
@given(phase=PHASES, interval=INTERVALS, now=WHEN)
def test_a_turn_comes_after_now_and_within_one_interval(
    phase: int, interval: int, now: datetime
) -> None:
    """Never now itself: a remote that was just polled would be due again."""
    turn = _turn(phase, interval, now)

    assert now < turn <= now + timedelta(seconds=interval)


@pytest.mark.django_db
@settings(max_examples=30)
@given(phase=PHASES, interval=INTERVALS, now=WHEN, missed=st.integers(0, 1000))
def test_turns_have_a_fixed_phase(phase: int, interval: int, now: datetime, missed: int) -> None:
    """However many were missed, the next is a whole number of intervals after any other."""
    first = _turn(phase, interval, now)

    late = first + timedelta(seconds=interval * missed)

    assert _turn(phase, interval, late) == late + timedelta(seconds=interval)
    just_before = late - timedelta(microseconds=1)
    assert _turn(phase, interval, just_before) == late


@pytest.mark.django_db
def test_turns_spread_over_the_interval() -> None:
    """Of two thousand remotes no tenth of the interval gets more than its share by half."""
    _remotes(2000)
    for interval in (10, 300, 3600):
        Remote.objects.update(interval_seconds=interval)
        now = timezone.now()
        turns = Remote.objects.annotate(turn=next_turn(now)).values_list("turn", flat=True)

        tenths = Counter(int((turn - now) / timedelta(seconds=interval) * 10) for turn in turns)

        assert max(tenths.values()) <= 300, interval


def _turn(phase_us: int, interval_seconds: int, now: datetime) -> datetime:
    row = Remote.objects.create(
        url=f"https://{uuid4()}/r", phase_us=phase_us, interval_seconds=interval_seconds
    )
    return Remote.objects.annotate(turn=next_turn(now)).get(pk=row.pk).turn


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
    row = Remote.objects.annotate(turn=next_turn(timezone.now())).get()
    assert (row.failures, row.next_poll_at) == (0, row.turn)


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
    first = claims.due(now)
    assert first
    fence = Fence(first.remote_ids[0], first.id)
    lease = timedelta(seconds=claims.LEASE_SECONDS)

    between = claims.due(now + lease - timedelta(microseconds=1))
    second = claims.due(now + lease)

    assert between is None
    assert second
    assert second.remote_ids == first.remote_ids
    with pytest.raises(FenceLostError):
        claims.finish(fence, ok=True)
    claims.finish(Fence(second.remote_ids[0], second.id), ok=True)


@pytest.mark.django_db
def test_the_lease_of_a_sync_counts_from_its_begin(admin: APIClient, repo: Repo) -> None:
    """Not from that of the poll before."""
    link(admin, repo.url)
    now = timezone.now()
    lease = timedelta(seconds=claims.LEASE_SECONDS)
    batch = claims.due(now)
    assert batch
    waiting.put(batch.id, {batch.remote_ids[0]: Found({})})

    assert waiting.take(uuid4(), now)

    assert claims.due(now + lease - timedelta(seconds=1)) is None
    assert claims.due(now + lease + timedelta(seconds=60)) is not None


def _remotes(count: int, host: Callable[[int], str] = lambda n: f"h{n % 7}") -> None:
    now = timezone.now() - timedelta(seconds=1)
    rows = [
        Remote(url=f"https://{host(n)}/{n}", host=host(n), next_poll_at=now) for n in range(count)
    ]
    Remote.objects.bulk_create(rows)
    Link.objects.bulk_create(
        [Link(remote=row, url=row.url, created_at=now, updated_at=now) for row in rows]
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.smoke
def test_who_asked_does_not_wait_behind_a_backlog(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """More are overdue than a batch holds, all for longer; and half of the batch stays theirs."""
    repo.commit({"bot/policy-config.yaml": policy()})
    row = link(admin, repo.url)
    run_due()
    _remotes(2 * claims.BATCH_SIZE, lambda n: f"h{n % 100}")
    request(admin, row)

    batch = claims.due(timezone.now())

    assert batch is not None and len(batch.remote_ids) == claims.BATCH_SIZE
    assert Link.objects.get(pk=row["id"]).remote_id in batch.remote_ids
    Remote.objects.update(asked=True)
    other = claims.due(timezone.now())
    assert other is not None and len(other.remote_ids) == claims.BATCH_SIZE


@pytest.mark.django_db(transaction=True)
def test_two_claimers_never_share_a_remote(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the same moment, from threads of their own; between them they claim all."""
    monkeypatch.setattr(claims, "BATCH_SIZE", 50)
    _remotes(600)
    claimers = 4
    barrier = threading.Barrier(claimers)
    claimed: list[Claim] = []

    def run() -> None:
        try:
            barrier.wait(10)
            while batch := claims.due(timezone.now()):
                claimed.append(batch)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(claimers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while batch := claims.due(timezone.now()):
        claimed.append(batch)

    ids = [pk for batch in claimed for pk in batch.remote_ids]
    assert (len(ids), len(set(ids))) == (600, 600)


@pytest.mark.django_db
@pytest.mark.smoke
def test_batches_are_bounded_and_say_whether_more_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """The most overdue come first."""
    monkeypatch.setattr(claims, "BATCH_SIZE", 50)
    _remotes(80)
    late = list(Remote.objects.values_list("pk", flat=True)[:50])
    Remote.objects.filter(pk__in=late).update(next_poll_at=timezone.now() - timedelta(minutes=1))

    first, second = claims.due(timezone.now()), claims.due(timezone.now())

    assert first
    assert second
    assert set(first.remote_ids) == set(late)
    assert (first.more, len(second.remote_ids), second.more) == (True, 30, False)
    assert claims.due(timezone.now()) is None


@pytest.mark.django_db
@pytest.mark.smoke
def test_an_idle_tick_writes_nothing() -> None:
    """Two queries, and no lock: it comes every second."""
    _remotes(3)
    Remote.objects.update(next_poll_at=timezone.now() + timedelta(hours=1))

    with CaptureQueriesContext(connection) as queries:
        assert claims.due(timezone.now()) is None

    assert [query["sql"].strip("(")[:6] for query in queries] == ["SELECT", "SELECT"]


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
    batch = claims.due(timezone.now())
    assert batch
    edit(admin, row, suspended=True)

    polling.poll(batch, sync)

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
    monkeypatch.setattr(steps, "_APPLY_SECONDS", 0)
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
    monkeypatch.setattr(steps, "_FETCH_SECONDS", 0)
    commit = repo.commit({"bot/policy-config.yaml": policy("Two")})

    poll()

    assert shown(admin, well)["last_commit"] == commit
    assert {runs(admin, row)[0]["occurrences"] for row in failing} == {1}


@pytest.mark.django_db
@pytest.mark.smoke
def test_a_link_that_fails_beside_a_good_one_is_tried_ever_more_seldom(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """Its remote keeps its pace; a push to its branch, or a request, is looked at at once."""
    repo.commit({"bot/policy-config.yaml": policy()})
    well, failing = link(admin, repo.url, path="bot"), link(admin, repo.url, path="nowhere")
    run_due()

    def tried(after_seconds: int) -> bool:
        """Whether a poll tries it that long after it began to fail."""
        Link.objects.filter(pk=failing["id"]).update(
            error_since=timezone.now() - timedelta(seconds=after_seconds), retry_at=None
        )
        poll()
        before = len(forge.calls(repo))
        poll()
        return len(forge.calls(repo)) - before > 1

    assert [tried(seconds) for seconds in (10, 290, 900, 90_000)] == [True, True, False, False]
    retry_at = Link.objects.get(pk=failing["id"]).retry_at
    assert retry_at is not None
    assert retry_at - timezone.now() <= timedelta(hours=1)
    assert shown(admin, well)["status"] == "synced"

    request(admin, failing)
    poll()
    asked = runs(admin, failing)[0]["occurrences"]
    commit = repo.commit({"nowhere/policy-config.yaml": policy("Found")})
    poll()

    assert asked > 1
    assert shown(admin, failing)["last_commit"] == commit


@pytest.mark.django_db
@pytest.mark.smoke
@pytest.mark.parametrize("seed", range(10))
def test_remotes_that_are_given_back_together_get_what_each_would_alone(seed: int) -> None:
    """Whether their links are all quiet, or one of the batch asks for more."""
    chance, now = random.Random(seed), timezone.now()
    claim_id, lease = uuid4(), now + timedelta(minutes=1)
    remotes = [
        Remote.objects.create(
            url=f"https://a/{number}", host="a", claim_id=claim_id, lease_until=lease,
            asked=chance.random() < 0.5, put_off=chance.randrange(2),
            limited_until=chance.choice([None, now]), next_poll_at=now,
        )
        for number in range(3)
    ]  # fmt: skip
    for remote in remotes:
        for number in range(chance.randrange(1, 3) if chance.random() < 0.95 else 0):
            _any_link(remote, number, chance, now, oddness=chance.choice([0, 0, 0.3]))
    together, alone = uuid4(), uuid4()
    Remote.objects.update(claim_id=together)

    def given_back() -> list[tuple[object, ...]]:
        columns = ("asked", "limited_until", "failures", "put_off", "claim_id", "found")
        rows = Remote.objects.order_by("url").values_list(*columns, "next_poll_at")
        # What is due soon, is due so long after the moment that it is given back.
        return [(*row[:-1], row[-1] and round((row[-1] - now).total_seconds(), -1)) for row in rows]

    claims.settle(together, [remote.pk for remote in remotes])
    found = given_back()
    for remote in remotes:
        remote.claim_id = alone
        remote.save()
        claims.settle(alone, [remote.pk])

    assert found == given_back()


def _any_link(
    remote: Remote, number: int, chance: random.Random, now: datetime, *, oddness: float
) -> None:
    """A link that is quiet, or by chance suspended, settled, behind, expecting or refused."""

    def odd() -> bool:
        return chance.random() < oddness

    Link.objects.create(
        remote=remote, url=f"{remote.url}/{number}", observed_generation=1, generation=1 + odd(),
        requested_seq=int(odd()), suspended=odd(), settled=odd(),
        error_code="rate_limited" if odd() else "", expected_commit="c" if odd() else "",
        expected_until=now + timedelta(minutes=5) if odd() else None,
        created_at=now, updated_at=now,
    )  # fmt: skip


@pytest.mark.django_db
def test_quiet_remotes_are_given_back_without_a_look_at_the_links_of_each() -> None:
    """A count of all their links, and an update of their rows alone."""
    now, claim_id = timezone.now(), uuid4()
    for number in range(5):
        remote = Remote.objects.create(
            url=f"https://a/{number}", claim_id=claim_id, lease_until=now + timedelta(minutes=1)
        )
        _any_link(remote, 0, random.Random(), now, oddness=0)

    ids = list(Remote.objects.values_list("pk", flat=True))

    with CaptureQueriesContext(connection) as queries:
        claims.settle(claim_id, ids)

    made = [one["sql"] for one in queries if not one["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert [sql.partition(" ")[0] for sql in made] == ["SELECT", "SELECT", "UPDATE"]
    assert "gitrepos_gitrepo" not in made[-1]


@pytest.mark.django_db
@pytest.mark.smoke
@pytest.mark.parametrize("interval", [1, 30, 300, 3600, 86_400])
@pytest.mark.parametrize("setbacks", [0, 1, 2, 5, 11, 12, 20, 21, 60])
def test_what_is_put_off_waits_as_a_failure_of_its_own_would(interval: int, setbacks: int) -> None:
    """The database computes for all at once what is a rule of one."""
    now, claim_id = timezone.now(), uuid4()
    lease = now + timedelta(minutes=1)
    for name, columns in {
        "plain": {}, "asked": {"asked": True}, "never": {"next_poll_at": None},
    }.items():  # fmt: skip
        remote = Remote.objects.create(**{
            "url": name, "host": "a", "claim_id": claim_id, "lease_until": lease,
            "next_poll_at": now, "put_off": setbacks // 2, "failures": setbacks - setbacks // 2,
            "interval_seconds": 2 * interval, **columns,
        })  # fmt: skip
        Link.objects.create(
            remote=remote, url=name, poll_interval_seconds=interval, created_at=now, updated_at=now
        )

    with CaptureQueriesContext(connection) as queries:
        claims._put_off(claim_id, dict.fromkeys(Remote.objects.values_list("pk", flat=True)))

    rows = {row.url: row for row in Remote.objects.all()}
    polled_at = rows["plain"].last_polled_at
    assert polled_at is not None
    expected = polled_at + probing.wait(interval, setbacks + 1)
    assert rows["plain"].next_poll_at == expected
    assert (rows["asked"].next_poll_at, rows["never"].next_poll_at) == (now, None)
    assert {row.setbacks for row in rows.values()} == {setbacks + 1}
    assert sum(one["sql"].startswith("UPDATE") for one in queries) == 1
