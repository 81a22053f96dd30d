"""Hosts: one that asks for a pause, or is down, is left alone, and no link loses its turn."""

import dataclasses
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F, Value
from django.db.models.functions import Least
from django.utils import timezone
from rest_framework.test import APIClient

from gitrepos import tasks
from gitrepos.forge import check
from gitrepos.models import Host, Link, Pause, Remote, SyncRun
from gitrepos.polling import claims, hosts
from gitrepos.polling import gate as gate_module
from gitrepos.polling.gate import Gate
from gitrepos.sync import poll as polling
from gitrepos.sync import work
from tests.support.forge import Forge, Reply
from tests.support.repo import Repo, policy
from tests.support.stack import free_port
from tests.support.syncing import link, poll, run_due, shown, sync
from tests.support.syncing import request as request_sync

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

BOT = "bot/policy-config.yaml"


@pytest.fixture
def limited(admin: APIClient, forge: Forge, repo: Repo) -> dict[str, object]:
    """A link that was well until the forge answered its last poll with 429."""
    repo.commit({BOT: policy()})
    row = link(admin, repo.url)
    run_due()
    forge.answers[repo.bare.name] = (429, {"Retry-After": "120"}, b"")
    poll()
    return row


def _later() -> None:
    """What waiting for the end of all rests and pauses would do."""
    past = timezone.now() - timedelta(seconds=1)
    Host.objects.filter(cooling_until__isnull=False).update(cooling_until=past)
    Pause.objects.update(until=past)
    Remote.objects.update(
        next_poll_at=Least("next_poll_at", Value(past)),
        last_polled_at=F("last_polled_at") - timedelta(hours=1),
    )
    Remote.objects.filter(limited_until__isnull=False).update(limited_until=past)


def test_who_asks_for_a_pause_is_not_called(
    admin: APIClient, forge: Forge, make_repo: Callable[[], Repo], limited: dict[str, object]
) -> None:
    """Not for another repository with that credential, and not because somebody asks for a sync."""
    other = make_repo()
    link(admin, other.url)
    request_sync(admin, limited)
    names = [str(url).rpartition("/")[2] for url in (other.url, limited["url"])]

    def calls() -> int:
        return len([path for _, path in forge.requests if any(name in path for name in names)])

    before = calls()

    run_due()

    assert calls() == before


def test_another_credential_does_not_pause(
    admin: APIClient, forge: Forge, make_repo: Callable[[], Repo], limited: dict[str, object]
) -> None:
    """The forge counts the calls of each."""
    other = make_repo()
    other.commit({BOT: policy()})
    row = link(admin, other.url, access_token="another")

    run_due()

    assert shown(admin, row)["status"] == "synced"


def test_a_pause_is_no_failure_of_the_link(admin: APIClient, limited: dict[str, object]) -> None:
    """It shows why and until when; no run is made, nothing is counted against it."""
    row = shown(admin, limited)

    assert (row["status"], row["error"]["code"]) == ("synced", "rate_limited")
    until = Pause.objects.get().until
    assert f"{until:%Y-%m-%dT%H:%M:%SZ}" in row["error"]["message"]
    assert SyncRun.objects.exclude(error_code="").count() == 0
    remote = Remote.objects.get()
    assert (remote.failures, remote.claim_id) == (0, None)
    assert remote.next_poll_at == remote.limited_until
    assert {c["reason"] for c in row["conditions"]} == {"Synced", "RateLimited", ""}


def test_who_asked_keeps_the_place_over_a_pause(admin: APIClient, forge: Forge, repo: Repo) -> None:
    """Which is no time that a clock left behind."""
    repo.commit({BOT: policy()})
    row = link(admin, repo.url)
    forge.answers[repo.bare.name] = (429, {"Retry-After": "3000"}, b"")
    run_due()
    due_at = Remote.objects.get().next_poll_at
    tasks.wake()

    assert due_at is not None and due_at <= timezone.now()
    assert Remote.objects.get().next_poll_at == due_at
    assert claims.due(timezone.now()) is None
    forge.release(repo)
    _later()
    run_due()
    assert shown(admin, row)["status"] == "synced"


def test_who_waits_for_another_says_so(
    admin: APIClient, make_repo: Callable[[], Repo], limited: dict[str, object]
) -> None:
    """Once it is its turn."""
    other = link(admin, make_repo().url)
    run_due()
    waits = shown(admin, other)
    Remote.objects.update(next_poll_at=timezone.now() + timedelta(minutes=1))

    later = shown(admin, other)

    assert waits["error"]["code"] == "rate_limited"
    assert "without a credential" in waits["error"]["message"]
    assert later["error"] is None


def test_after_a_pause_one_remote_is_the_probe(
    admin: APIClient, forge: Forge, repo: Repo, make_repo, limited: dict[str, object]
) -> None:  # type: ignore[no-untyped-def]
    """The others follow once it was answered."""
    link(admin, make_repo().url)
    forge.release(repo)
    _later()

    probe = claims.due(timezone.now())
    meanwhile = claims.due(timezone.now())
    assert probe
    polling.poll(probe, sync)
    after = claims.due(timezone.now())

    assert after
    assert (len(probe.remote_ids), meanwhile, len(after.remote_ids)) == (1, None, 1)
    assert (Host.objects.count(), Pause.objects.count()) == (0, 0)
    polling.poll(after, sync)
    assert shown(admin, limited)["error"] is None


def test_a_probe_that_is_refused_starts_another_pause(
    admin: APIClient, forge: Forge, repo: Repo, limited: dict[str, object]
) -> None:
    """As long as the answer says; and whoever is refused again has an error to show."""
    forge.answers[repo.bare.name] = (429, {"Retry-After": "3000"}, b"")
    _later()

    run_due()

    until = timezone.now() + timedelta(seconds=2990)
    assert claims.due(until) is None
    assert (Pause.objects.get().until > until, Pause.objects.get().probed) == (True, False)
    assert shown(admin, limited)["status"] == "error"


def test_a_repository_that_is_always_limited_holds_up_no_other(
    admin: APIClient, forge: Forge, make_repo: Callable[[], Repo], limited: dict[str, object]
) -> None:
    """The probe is another one; refused again, the limited one fails by itself."""
    well = make_repo()
    well.commit({BOT: policy()})
    row = link(admin, well.url)
    _later()
    run_due()
    first = shown(admin, row)["status"]
    _later()
    run_due()

    assert (first, Pause.objects.count()) == ("synced", 0)
    own = shown(admin, limited)
    assert (own["status"], own["error"]["code"]) == ("error", "rate_limited")
    assert "for this repository; it is polled again after" in own["conditions"][1]["message"]
    commit = well.commit({BOT: policy(name="next")})
    request_sync(admin, row)
    run_due()
    assert shown(admin, row)["last_commit"] == commit
    remote = Remote.objects.get(failures=1)
    assert remote.limited_until is not None
    assert remote.next_poll_at is not None
    assert remote.next_poll_at >= remote.limited_until


def test_a_repository_that_is_limited_in_turns_pauses_its_credential_once(
    admin: APIClient, forge: Forge, repo: Repo, make_repo: Callable[[], Repo], limited: object
) -> None:
    """Its row remembers, whatever was answered between."""
    well = make_repo()
    well.commit({BOT: policy()})
    link(admin, well.url)
    forge.release(repo)
    _later()
    run_due()
    Remote.objects.update(refused_at=F("refused_at") - timedelta(minutes=5))
    forge.answers[repo.bare.name] = (429, {"Retry-After": "120"}, b"")

    poll()

    assert Pause.objects.count() == 0
    assert Remote.objects.get(refused_at__isnull=False).failures == 1


def test_a_fetch_that_is_refused_pauses_its_credential(
    admin: APIClient, forge: Forge, make_repo: Callable[[], Repo], repo: Repo
) -> None:
    """As a check does; and holds up others once, too."""
    repo.commit({BOT: policy()})
    well = make_repo()
    well.commit({BOT: policy(name="well")})
    link(admin, well.url)
    run_due()
    limited = link(admin, repo.url)
    forge.twists[repo.bare.name] = _refuse_fetches

    run_due()

    paused = Pause.objects.count()
    assert (paused, shown(admin, limited)["error"]["code"]) == (1, "rate_limited")
    for _ in range(2):
        _later()
        run_due()
    assert Pause.objects.count() == 0
    assert shown(admin, limited)["error"]["code"] == "rate_limited"


def _refuse_fetches(method: str, reply: Reply) -> Reply:
    return (429, {"Retry-After": "7"}, b"") if b"PACK" in reply[2] else reply


def _unreachable(admin: APIClient, count: int) -> list[dict[str, object]]:
    port = free_port()
    return [link(admin, f"http://127.0.0.1:{port}/{n}.git") for n in range(count)]


@pytest.fixture
def down(admin: APIClient, forge: Forge, repo: Repo) -> list[dict[str, object]]:
    """Four links of one host that were well until it went down; three were asked since."""
    repo.commit({f"b{number}/policy-config.yaml": policy() for number in range(4)})
    names = [forge.alias(repo) for _ in range(4)]
    rows = [link(admin, f"{forge.url}/{name}", path=f"b{n}") for n, name in enumerate(names)]
    run_due()
    forge.answers |= dict.fromkeys(names, (503, {}, b""))
    last = Link.objects.get(pk=rows[-1]["id"])
    Remote.objects.exclude(pk=last.remote_id).update(next_poll_at=timezone.now())
    run_due()
    Remote.objects.filter(pk=last.remote_id).update(next_poll_at=timezone.now())
    return rows


def test_a_host_that_three_remotes_cannot_reach_rests(
    admin: APIClient, down: list[dict[str, object]]
) -> None:
    """That is no failure of a link; each shows why it waits."""
    for row in [shown(admin, row) for row in down]:
        assert (row["status"], row["error"]["code"]) == ("synced", "unreachable")
    assert sorted(Remote.objects.values_list("failures", "put_off")) == [(0, 0)] + [(0, 1)] * 3
    until = Host.objects.get().cooling_until
    assert until is not None
    Remote.objects.filter(put_off=0).update(next_poll_at=until - timedelta(seconds=1))
    assert claims.due(until - timedelta(milliseconds=1)) is None
    assert claims.due(until) is not None


@pytest.mark.parametrize("hosts_own", [False, True])
def test_after_a_failure_nobody_relies_on_webhooks(
    admin: APIClient, forge: Forge, down: list[dict[str, object]], hosts_own: bool
) -> None:
    """What was pushed meanwhile may have been announced once, and was not seen."""
    Link.objects.update(last_delivery_at=timezone.now(), webhook_poll_interval_seconds=3600)
    Remote.objects.update(interval_seconds=3600, failures=0, put_off=0, next_poll_at=timezone.now())
    Host.objects.all().delete()
    if not hosts_own:
        Link.objects.exclude(pk=down[0]["id"]).update(suspended=True)
        Remote.objects.exclude(links=down[0]["id"]).update(next_poll_at=None)
        forge.answers |= {str(row["url"]).rpartition("/")[2]: (404, {}, b"") for row in down}

    run_due()

    waits = [
        (row.next_poll_at - row.last_polled_at).total_seconds()
        for row in Remote.objects.filter(next_poll_at__isnull=False, last_polled_at__isnull=False)
        if row.next_poll_at and row.last_polled_at and row.failures + row.put_off
    ]
    assert waits and max(waits) <= 300
    assert (max(Remote.objects.values_list("put_off", flat=True)) > 0) is hosts_own


def test_what_somebody_asks_for_does_not_wait_for_its_host(
    admin: APIClient, forge: Forge, down: list[dict[str, object]]
) -> None:
    """It is asked itself, and a failure is its own."""
    name = str(down[0]["url"]).rpartition("/")[2]
    request_sync(admin, down[0])
    before = len(forge.requests)

    run_due()

    # On a slow machine the rest is over by now, and another is asked as a probe besides.
    assert len([path for _, path in forge.requests[before:] if name in path]) == 1
    assert [shown(admin, row)["status"] for row in down] == ["error"] + ["synced"] * 3


def test_a_host_is_probed_by_turns_until_one_is_answered(
    admin: APIClient, forge: Forge, down: list[dict[str, object]]
) -> None:
    """Who failed goes behind the others; when one is answered, all are asked at once."""
    _later()
    probe = claims.due(timezone.now())
    assert probe
    [first] = probe.remote_ids
    forge.answers.clear()
    polling.poll(probe, sync)

    after = claims.due(timezone.now())

    assert first == Link.objects.get(pk=down[-1]["id"]).remote_id
    assert after
    assert len(after.remote_ids) == 3
    polling.poll(after, sync)
    assert [shown(admin, row)["error"] for row in down] == [None] * 4


def test_dead_remotes_of_a_host_that_answers_are_their_own_trouble(
    admin: APIClient, repo: Repo
) -> None:
    """However many: it answered another since they were asked."""
    repo.commit({BOT: policy()})
    well = link(admin, repo.url)
    rows = _unreachable(admin, 4)

    run_due()
    poll()

    assert shown(admin, well)["status"] == "synced"
    assert [shown(admin, row)["status"] for row in rows] == ["error"] * 4
    assert set(Remote.objects.values_list("failures", flat=True)) == {0, 2}
    assert Host.objects.filter(cooling_until__isnull=False).count() == 0


@pytest.mark.usefixtures("down")
def test_a_resting_host_is_probed_after_a_minute_though_no_remote_is_due() -> None:
    """By the one that was asked in vain least often."""
    now = timezone.now()
    last = Remote.objects.get(put_off=0)
    Remote.objects.update(next_poll_at=now + timedelta(hours=1))
    Host.objects.update(cooling_until=now - timedelta(seconds=50))
    assert claims.due(now) is None

    Host.objects.update(cooling_until=now - timedelta(seconds=60))
    probe = claims.due(now)

    assert probe
    assert probe.remote_ids == (last.pk,)
    assert claims.due(now) is None


def test_a_host_that_answers_again_is_forgotten(admin: APIClient, forge: Forge, repo: Repo) -> None:
    """Its strikes do not add up over the years; and whoever found it silent is asked at once."""
    _unreachable(admin, 2)
    Remote.objects.update(last_polled_at=timezone.now() - timedelta(hours=1))  # They were well.
    run_due()
    strikes = len(Host.objects.get().unreached)
    Remote.objects.update(next_poll_at=timezone.now() + timedelta(minutes=50))
    repo.commit({BOT: policy()})
    link(admin, repo.url)

    run_due()

    assert (strikes, Host.objects.count()) == (2, 0)
    assert Remote.objects.filter(failures=1, next_poll_at__lte=timezone.now()).count() == 2


def test_a_host_without_remotes_is_dropped(admin: APIClient) -> None:
    """When the last link to it is deleted."""
    _unreachable(admin, 1)
    for name in ("gone.example", "127.0.0.1"):
        Host.objects.create(name=name)
        Pause.objects.create(host=name, credential_digest="", until=timezone.now())

    hosts.forget_unused()

    assert [row.pk for row in Host.objects.all()] == ["127.0.0.1"]
    assert [row.host for row in Pause.objects.all()] == ["127.0.0.1"]


def test_a_budget_bounds_the_calls_of_a_host(
    admin: APIClient,
    settings,  # type: ignore[no-untyped-def]
) -> None:
    """Spread over the minute: at 120 a minute two are asked at once, and those of others too."""
    settings.ENV = dataclasses.replace(settings.ENV, git_host_calls_per_minute=120)
    gate = Gate()
    for number in range(5):
        link(admin, f"http://a.invalid/{number}")
    link(admin, "http://b.invalid/0")

    first, second = claims.due(timezone.now(), gate), claims.due(timezone.now(), gate)

    assert first
    urls = Remote.objects.filter(pk__in=first.remote_ids).values_list("host", flat=True)
    assert sorted(urls) == ["a.invalid", "a.invalid", "b.invalid"]
    assert second is None


def test_a_host_is_called_by_as_many_at_once_as_the_operator_allows(
    admin: APIClient,
    forge: Forge,
    repo: Repo,
    settings,  # type: ignore[no-untyped-def]
) -> None:
    """The others wait for their turn, and none is a failure because of that."""
    settings.ENV = dataclasses.replace(settings.ENV, git_host_concurrency=2)
    repo.commit({BOT: policy()})
    for _ in range(8):
        link(admin, f"{forge.url}/{forge.alias(repo)}", auto_create_configuration=False)
    most, now, lock = 0, 0, threading.Lock()

    def count(_method: str, reply: Reply) -> Reply:
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.05)
        with lock:
            now -= 1
        return reply

    for name in forge.aliases:
        forge.twists[name] = count
    batch = claims.due(timezone.now())
    assert batch

    polling.poll(batch, lambda claim_id, found: claims.settle(claim_id, list(found)))

    assert most == 2
    assert Remote.objects.filter(failures=0, last_polled_at__isnull=False).count() == 8


def test_who_asked_has_the_first_place_at_a_host(
    admin: APIClient,
    forge: Forge,
    repo: Repo,
    settings,  # type: ignore[no-untyped-def]
) -> None:
    """Behind repositories that hang, it would wait until they give up."""
    settings.ENV = dataclasses.replace(settings.ENV, git_host_concurrency=1)
    repo.commit({BOT: policy()})
    names = [forge.alias(repo) for _ in range(6)]
    rows = [link(admin, f"{forge.url}/{name}") for name in names]
    run_due()
    Remote.objects.update(next_poll_at=timezone.now() - timedelta(minutes=1))
    request_sync(admin, rows[3])
    forge.requests.clear()

    run_due()

    # A request of an earlier test may still be on its way.
    asked = [path for _, path in forge.requests if path.split("/")[1] in names]
    assert f"/{names[3]}/" in asked[0]


def test_who_never_got_its_turn_is_due_again(
    admin: APIClient,
    forge: Forge,
    repo: Repo,
    settings,  # type: ignore[no-untyped-def]
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was not asked: no failure of its own, and none of its host."""
    settings.ENV = dataclasses.replace(settings.ENV, git_host_concurrency=1)
    monkeypatch.setattr(check, "_TURN_SECONDS", 0.2)
    monkeypatch.setattr(check, "_DEADLINE_SECONDS", 2)
    hold = threading.Event()
    names = [forge.alias(repo) for _ in range(5)]
    forge.holds |= dict.fromkeys(names, hold)
    rows = [link(admin, f"{forge.url}/{name}") for name in names]

    run_due()
    hold.set()

    errors = [(shown(admin, row)["error"] or {"code": ""})["code"] for row in rows]
    assert sorted(errors) == ["", "", "", "", "timeout"]
    due = Remote.objects.filter(next_poll_at__lte=timezone.now(), claim_id__isnull=True)
    assert (due.count(), Host.objects.count()) == (4, 0)


def test_a_slow_host_holds_no_more_than_its_places(
    admin: APIClient,
    settings,  # type: ignore[no-untyped-def]
) -> None:
    """Its other remotes stay due, and those of other hosts pass them by."""
    settings.ENV = dataclasses.replace(settings.ENV, git_host_concurrency=1)
    gate = Gate()
    for number in range(20):
        link(admin, f"http://slow.invalid/{number}")
    first = claims.due(timezone.now(), gate)
    link(admin, "http://quick.invalid/0")

    second = claims.due(timezone.now(), gate)

    assert first
    assert second
    assert (len(first.remote_ids), len(second.remote_ids)) == (16, 1)
    gate.leave(first.remote_ids)
    third = claims.due(timezone.now(), gate)
    assert third
    assert len(third.remote_ids) == 4


def test_no_more_is_claimed_than_can_be_asked(
    admin: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a process waits for is bounded, also after an outage in which all became due."""
    monkeypatch.setattr(gate_module, "MAX_WAITING", 3)
    gate = Gate()
    for number in range(5):
        link(admin, f"http://h{number}.invalid/r")

    first, second = claims.due(timezone.now(), gate), claims.due(timezone.now(), gate)

    assert first
    assert (len(first.remote_ids), second) == (3, None)


def test_a_poll_leaves_the_gate_whatever_happens(
    admin: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answered or not: a crash must not shut a host for ever."""
    link(admin, "http://h.invalid/r")
    monkeypatch.setattr(work, "load", lambda *_, **__: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        tasks.tick()

    assert tasks._gate.room() == gate_module.MAX_WAITING
