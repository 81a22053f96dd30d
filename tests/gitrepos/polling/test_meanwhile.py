"""What happens to a remote while its sync waits or runs: requests, edits, kills, clocks, pauses."""

import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from kombu.exceptions import OperationalError
from rest_framework.test import APIClient

from gitrepos import tasks
from gitrepos.models import Host, Link, Pause, Remote
from gitrepos.polling import claims, measures, waiting
from gitrepos.polling.claims import Fence
from gitrepos.polling.waiting import Found
from gitrepos.sync import poll as polling
from gitrepos.sync import steps
from keeptrusts import metrics
from keeptrusts.processes import due
from keeptrusts.processes.limits import TimeLimits
from tests.support.repo import Repo, policy
from tests.support.syncing import content, edit, hashes, link, request, run_due, shown, unlink

pytestmark = pytest.mark.django_db

BOT, OTHER = "bot/policy-config.yaml", "other/policy-config.yaml"


def waiting_sync() -> None:
    """Poll what is due; what changed waits."""
    batch = claims.due(timezone.now())
    assert batch is not None
    polling.poll(batch, waiting.put)


def sync_one() -> None:
    """Sync the remote whose turn it is."""
    found = waiting.take(uuid4(), timezone.now())
    assert found is not None
    steps.sync(*found)


def test_an_edit_while_a_sync_waits_is_looked_at_again(admin: APIClient, repo: Repo) -> None:
    """It may be about a commit that came after the poll."""
    repo.commit({BOT: policy("Bot"), OTHER: policy("One")})
    row = link(admin, repo.url, path="bot")
    waiting_sync()
    repo.commit({OTHER: policy("Two")})
    edit(admin, row, path="other")
    sync_one()
    first = content(admin, "other")

    run_due()

    assert first == policy("One").encode()
    assert content(admin, "other") == policy("Two").encode()
    assert not Remote.objects.get().asked


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["limit", "crash"])
def test_what_is_asked_while_a_sync_runs_that_dies_is_not_served(
    admin: APIClient, repo: Repo, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Its commit was not looked at; another poll is due at once."""
    repo.commit({BOT: policy("Bot")})
    row = link(admin, repo.url)
    request(admin, row)
    waiting_sync()

    def die(*_: object) -> None:
        request(admin, row)
        if how == "crash":
            raise RuntimeError
        limits.look(list(limits._running), time.monotonic() + 3600)

    limits, ended = TimeLimits(end=lambda: ended.append(True)), list[bool]()
    monkeypatch.setattr(tasks, "_limits", limits)
    monkeypatch.setattr(steps, "sync", die)
    tasks.sync_remote.apply()
    monkeypatch.undo()

    shows = shown(admin, row)
    assert (shows["status"], Link.objects.get().served_seq) == ("error", 1)
    run_due()
    assert (shown(admin, row)["status"], Link.objects.get().served_seq) == ("synced", 2)


@pytest.mark.django_db(transaction=True)
def test_a_sync_that_was_given_up_writes_nothing_more(
    admin: APIClient, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread may come back from wherever it was; the link shows that it took too long."""
    repo.commit({BOT: policy("Bot")})
    row = link(admin, repo.url)
    waiting_sync()
    syncs = steps.sync

    def late(fence: Fence, found: Found) -> None:
        tasks._give_up(fence)
        syncs(fence, found)

    monkeypatch.setattr(steps, "sync", late)
    tasks.sync_remote.apply()

    assert shown(admin, row)["error"]["code"] == "timeout"
    assert not hashes()


@pytest.mark.django_db(transaction=True)
def test_a_sync_whose_process_ends_is_tried_again_and_then_given_up(
    admin: APIClient, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another's end may have been the reason; one that ends each process would end all work."""
    repo.commit({BOT: policy("Bot")})
    row = link(admin, repo.url)
    for _ in range(2):
        waiting_sync()
        assert waiting.take(uuid4(), timezone.now())
        # So long after the kill of its process nobody holds it any more.
        Remote.objects.update(lease_until=timezone.now(), next_poll_at=timezone.now())
        assert shown(admin, row)["status"] == "pending"
    waiting_sync()

    tasks.sync_remote.apply()

    assert "killed each time" in shown(admin, row)["error"]["message"]
    request(admin, row)
    waiting_sync()
    tasks.sync_remote.apply()
    assert shown(admin, row)["status"] == "synced"


def test_polls_of_a_sync_that_waits_are_no_kills(admin: APIClient, repo: Repo) -> None:
    """It is looked at again each minute, until its turn comes."""
    repo.commit({BOT: policy("Bot")})
    link(admin, repo.url)
    for _ in range(4):
        waiting_sync()
        Remote.objects.update(lease_until=timezone.now(), next_poll_at=timezone.now())

    taken = waiting.take(uuid4(), timezone.now())

    assert taken is not None
    assert taken[1].kills == 0


def test_a_clock_set_back_holds_up_no_turn() -> None:
    """Neither of what waits, nor of a host whose last sync began in the future."""
    ahead = timezone.now() + timedelta(hours=5)
    for host in ("a", "b"):
        Remote.objects.create(url=f"https://{host}/old", host=host, synced_at=timezone.now())
    Remote.objects.filter(host="a").update(synced_at=ahead)
    for host in ("a", "b"):
        Remote.objects.create(
            url=f"https://{host}/1", host=host, waits_since=ahead, found=Found({}).as_json()
        )

    tasks.wake()

    now = timezone.now()
    assert not Remote.objects.filter(waits_since__gt=now).exists()
    assert not Remote.objects.filter(synced_at__gt=now).exists()
    assert "gitrepos.sync_remote" in due.at(now + timedelta(seconds=2))


@pytest.mark.parametrize("trouble", ["pause", "rest"])
def test_what_is_in_trouble_is_polled_before_it_is_fetched(trouble: str) -> None:
    """The end of a pause and a host's next probe are a question; many syncs are no question."""
    now = timezone.now()
    Remote.objects.create(
        url="https://a/1", host="a", waits_since=now, found=Found({}).as_json(), next_poll_at=now
    )
    over = now - timedelta(seconds=1)
    if trouble == "pause":
        Pause.objects.create(host="a", credential_digest="", until=over)
    else:
        Host.objects.create(pk="a", cooling_until=over)

    assert waiting.take(uuid4(), now) is None
    assert "gitrepos.sync_remote" not in due.at(now + timedelta(seconds=3))


def test_what_waits_makes_no_poll_late(admin: APIClient, repo: Repo) -> None:
    """It was polled in time, and is looked at again while the workers are behind."""
    repo.commit({BOT: policy("Bot")})
    link(admin, repo.url)
    waiting_sync()
    metrics.flush()
    metrics.broker().delete("keeptrusts:metrics")
    long_ago = timezone.now() - timedelta(hours=1)
    Remote.objects.update(lease_until=timezone.now(), next_poll_at=long_ago)

    waiting_sync()

    metrics.flush()
    assert measures.POLLS.sum(metrics.totals(), "changed", "none") == 1
    assert measures.LATENESS.quantile(metrics.totals(), 0.5) is None


def test_messages_of_syncs_that_wait_do_not_heap_up(
    admin: APIClient, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits is polled and told of again each minute; the message before is void by then."""
    repo.commit({BOT: policy("Bot")})
    link(admin, repo.url)
    told = []
    monkeypatch.setattr(tasks.sync_remote, "apply_async", lambda **how: told.append(how))

    tasks.tick()

    assert told == [{"expires": waiting.WAITING_SECONDS}]
    assert not hashes()


def test_what_waits_stays_due_when_another_link_goes(admin: APIClient, repo: Repo) -> None:
    """The links that are left are looked at again as before, however long their interval is."""
    repo.commit({BOT: policy("Bot"), OTHER: policy("Other")})
    link(admin, repo.url, path="bot")
    other = link(admin, repo.url, path="other")
    run_due()
    repo.commit({BOT: policy("Two")})
    Remote.objects.update(next_poll_at=timezone.now())
    waiting_sync()

    unlink(admin, other)

    due_at = Remote.objects.get().next_poll_at
    assert due_at is not None and due_at <= timezone.now()


def test_a_broker_that_is_gone_is_tried_once_for_many_syncs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each try may take its time limit, and the poller has others to poll."""
    tried: list[object] = []

    def send(**how: object) -> None:
        tried.append(how)
        raise OperationalError("gone")

    monkeypatch.setattr(tasks.sync_remote, "apply_async", send)
    monkeypatch.setattr(tasks, "_unread", lambda: 0)

    tasks._tell_syncers(3)

    assert len(tried) == 1
