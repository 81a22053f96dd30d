"""Alarms: when a link begins to fail and when it recovers, and how long its history is kept."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from events.models import Event
from gitrepos import tasks
from gitrepos.models import Link, SyncRun
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.syncing import edit, get, link, poll, runs

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.smoke]

FILE = "bot/policy-config.yaml"


def events(admin: APIClient, row: dict[str, Any]) -> list[tuple[str, str]]:
    """Kind and code of what the log tells of a link, oldest first."""
    found = get(admin, f"/v1/events?git_repo={row['id']}&kind=failed,recovered")
    return [(event["kind"], event["details"].get("code", "")) for event in reversed(found)]


def test_a_failure_that_lasts_is_told_once(admin: APIClient, forge: Forge, repo: Repo) -> None:
    """And its end once; in between the link says since when."""
    repo.commit({FILE: policy()})
    row = link(admin, repo.url)
    poll()
    forge.answers[repo.bare.name] = (500, {}, b"")
    poll()
    since = Link.objects.get().error_since
    poll()
    assert (since is not None, Link.objects.get().error_since) == (True, since)
    assert events(admin, row) == [("failed", "unreachable")]
    forge.release(repo)

    poll()
    poll()

    assert events(admin, row) == [("failed", "unreachable"), ("recovered", "")]
    [recovered] = get(admin, f"/v1/events?git_repo={row['id']}&kind=recovered")
    assert recovered["details"]["failing_since"] == f"{since:%Y-%m-%dT%H:%M:%S.%f}Z"
    assert Link.objects.get().error_since is None


def test_another_failure_is_told_again(admin: APIClient, forge: Forge, repo: Repo) -> None:
    """It may want another hand."""
    repo.commit({FILE: policy()})
    row = link(admin, repo.url)
    for status in (500, 401, 401):
        forge.answers[repo.bare.name] = (status, {}, b"")
        poll()
    forge.release(repo)

    assert events(admin, row) == [("failed", "unreachable"), ("failed", "auth_failed")]


def test_a_link_that_an_edit_mends_is_well_again(admin: APIClient, repo: Repo) -> None:
    """The edit alone is no recovery, the sync after it is."""
    repo.commit({FILE: policy()})
    row = link(admin, repo.url, branch="nowhere")
    poll()
    edit(admin, row, branch="main")
    before = events(admin, row)

    poll()

    assert before == [("failed", "branch_not_found")]
    assert events(admin, row) == [("failed", "branch_not_found"), ("recovered", "")]


def test_a_commit_without_policies_is_no_failure(admin: APIClient, repo: Repo) -> None:
    """The link says so, and the log does not."""
    repo.commit({"readme.md": "Nothing.\n"})
    row = link(admin, repo.url)

    poll()

    assert events(admin, row) == []


def test_old_runs_and_events_are_deleted(admin: APIClient, repo: Repo, settings: Any) -> None:
    """After the days that an operator sets; the newest run of a link is kept."""
    settings.ENV = dataclasses.replace(settings.ENV, event_retention_days=1)
    repo.commit({FILE: policy("One")})
    row = link(admin, repo.url)
    poll()
    repo.commit({FILE: policy("Two")})
    poll()
    Event.objects.create(kind="failed", message="old", created_at=timezone.now())
    tasks.sweep()
    assert (len(runs(admin, row)), Event.objects.count()) == (2, 1)
    SyncRun.objects.update(finished_at=timezone.now() - timedelta(days=2))
    Event.objects.update(created_at=timezone.now() - timedelta(days=2))

    tasks.sweep()

    [left] = runs(admin, row)
    assert left["files"][0]["version"] == 2
    assert Event.objects.count() == 0
