"""Measures of polls and syncs in `/metrics` and in the summary."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from gitrepos import errors, tasks
from gitrepos.models import GitCredential, Link, Remote
from gitrepos.polling import claims
from keeptrusts import metrics
from tests.support.credentials import credential
from tests.support.forge import Forge
from tests.support.pages import samples
from tests.support.repo import Repo, policy
from tests.support.stack import free_port
from tests.support.syncing import edit, get, link, poll, run_due

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

BOT = "bot/policy-config.yaml"


@pytest.fixture(autouse=True)
def _from_nothing() -> Iterator[None]:
    """No number of another test."""
    metrics.flush()
    metrics.broker().delete(*metrics.broker().keys("keeptrusts:metrics*") or ["none"])
    yield
    metrics.flush()


def _page(admin: APIClient) -> dict[tuple[str, ...], float]:
    """Every sample that is not nothing, by name and values of labels."""
    return {key: value for key, value in samples(admin).items() if value}


def test_polls_are_counted_by_outcome_and_fault(
    admin: APIClient, forge: Forge, make_repo: Callable[[], Repo]
) -> None:
    """Each failure is somebody's."""
    well, refused = make_repo(), make_repo()
    well.commit({BOT: policy()})
    link(admin, well.url)
    link(admin, f"http://127.0.0.1:{free_port()}/r.git")
    link(admin, refused.url)
    forge.answers[refused.bare.name] = (404, {}, b"")
    run_due()
    poll()
    forge.release(refused)

    page = _page(admin)

    polls = {key[1:]: n for key, n in page.items() if key[0] == "keeptrusts_polls_total"}
    assert polls == {
        ("none", "changed"): 1,
        ("none", "unchanged"): 1,
        ("forge", "unreachable"): 2,
        ("user", "repo_not_found"): 2,
    }
    assert page["keeptrusts_forge_calls_total", "check", "other"] == 6
    assert page["keeptrusts_forge_calls_total", "fetch", "other"] == 1
    assert page["keeptrusts_git_repos", "synced"] == 1
    assert page["keeptrusts_git_repos", "error"] == 2


def test_lateness_is_counted_from_the_moment_it_was_due(admin: APIClient, repo: Repo) -> None:
    """Up to its answer."""
    link(admin, repo.url)
    Remote.objects.update(next_poll_at=timezone.now() - timedelta(seconds=30))

    run_due()

    page = _page(admin)
    assert 30 <= page["keeptrusts_poll_lateness_seconds_sum",] < 60
    assert ("keeptrusts_poll_lateness_seconds_bucket", "20") not in page
    assert page["keeptrusts_poll_lateness_seconds_bucket", "60"] == 1


def test_what_waits_is_shown(admin: APIClient) -> None:
    """Due, claimed, and for how long."""
    for number in range(3):
        link(admin, f"http://h{number}.invalid/r")
    Remote.objects.update(next_poll_at=timezone.now() - timedelta(seconds=100))
    claimed = Remote.objects.order_by("url").values_list("pk", flat=True)[:1]
    Remote.objects.filter(pk__in=list(claimed)).update(
        claim_id=uuid4(), lease_until=timezone.now() + timedelta(seconds=60)
    )
    waits = Remote.objects.order_by("url").values_list("pk", flat=True)[2:]
    Remote.objects.filter(pk__in=list(waits)).update(
        waits_since=timezone.now() - timedelta(seconds=7)
    )

    page, summary = _page(admin), get(admin, "/v1/git-repos/summary")

    assert (page["keeptrusts_remotes_due",], page["keeptrusts_polls_in_flight",]) == (1, 1)
    assert page["keeptrusts_syncs_waiting",] == 1
    assert 7 <= page["keeptrusts_syncs_wait_for_seconds",] < 30
    assert 100 <= page["keeptrusts_due_for_seconds",] < 130
    assert (summary["due"], summary["in_flight"], summary["syncs_waiting"]) == (1, 1, 1)
    assert summary["statuses"]["pending"] == 3


def test_what_wants_somebody_is_shown(admin: APIClient, repo: Repo) -> None:
    """How long a link fails, files that are refused, and credentials by what is left of them."""
    repo.commit({BOT: "pack: {"})
    link(admin, repo.url)
    failing = link(admin, f"http://127.0.0.1:{free_port()}/r.git")
    run_due()
    Link.objects.filter(pk=failing["id"]).update(error_since=timezone.now() - timedelta(hours=2))
    for name, days, expiring in (("over", -1, True), ("soon", 3, True), ("long", 90, False)):
        credential(admin, name=name, hosts=["git.example"], token="secret")
        ends = timezone.now() + timedelta(days=days)
        GitCredential.objects.filter(name=name).update(expires_at=ends, expiring=expiring)
    credential(admin, name="endless", hosts=["git.example"], token="secret")

    page = _page(admin)

    assert 7200 <= page["keeptrusts_failing_for_seconds",] < 7260
    assert page["keeptrusts_quarantined_files",] == 1
    credentials = {key[1]: n for key, n in page.items() if key[0] == "keeptrusts_git_credentials"}
    assert credentials == {"valid": 2, "expiring": 1, "expired": 1}


def test_a_tick_and_a_sync_hand_over_what_they_counted(
    admin: APIClient, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the workers' numbers reach the web."""
    repo.commit({BOT: policy()})
    link(admin, repo.url)
    monkeypatch.setattr(tasks.sync_remote, "apply_async", lambda **_: tasks.sync_remote.apply())

    tasks.tick()

    page = _page(admin)
    assert page["keeptrusts_claim_seconds_count",] == 1
    assert page["keeptrusts_poll_batch_remotes_sum",] == 1
    assert page["keeptrusts_sync_seconds_count",] == 1


def test_the_summary_tells_what_idle_repositories_cost_the_forges(
    admin: APIClient, repo: Repo
) -> None:
    """Checks by link and hour: two links of one remote cost one check between them."""
    repo.commit({BOT: policy()})
    link(admin, repo.url, path="a")
    edit(admin, link(admin, repo.url, path="b"), suspended=True)
    link(admin, repo.url, path="c")
    run_due()
    for _ in range(9):
        poll()
    metrics.flush()
    hour_ago = timezone.now() - timedelta(hours=1)
    metrics.broker().hset("keeptrusts:metrics", "since", str(hour_ago.timestamp()))

    summary = get(admin, "/v1/git-repos/summary")

    assert summary["forge_calls_per_repo_hour"] == pytest.approx(5, rel=0.01)
    assert summary["lateness_seconds"]["p99"] is not None


def test_the_summary_names_hosts_that_cool_down(admin: APIClient, forge: Forge, repo: Repo) -> None:
    """With the reason and until when."""
    repo.commit({BOT: policy()})
    link(admin, repo.url)
    forge.answers[repo.bare.name] = (429, {"Retry-After": "90"}, b"")
    run_due()
    forge.release(repo)

    [cooling] = get(admin, "/v1/git-repos/summary")["hosts_cooling"]

    assert (cooling["host"], cooling["code"]) == ("127.0.0.1", "rate_limited")


def test_every_error_is_somebodys_fault() -> None:
    """And nobody's is one that the metric does not document."""
    faults = {code: kind.fault for code, kind in errors.by_code().items()}

    assert set(faults.values()) == {"forge", "user", "ours"}
    assert {code for code, fault in faults.items() if fault == "forge"} == {
        "bad_answer", "host_key_mismatch", "unreachable", "timeout", "rate_limited",
        "app_unanswered",
    }  # fmt: skip


def test_an_empty_claim_measures_nothing(admin: APIClient) -> None:
    """An idle tick writes nothing, here neither."""
    tasks.tick()

    assert claims.due(timezone.now()) is None
    assert [key for key in _page(admin) if key[0].startswith("keeptrusts_claim")] == []
