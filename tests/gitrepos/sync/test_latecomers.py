"""New links and restored configurations while other links sync."""

from uuid import UUID

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from gitrepos.polling import claims
from gitrepos.polling.waiting import Found
from gitrepos.sync import poll as polling
from tests.support.repo import Repo, policy
from tests.support.syncing import get, link, poll, run_due, sync

pytestmark = [pytest.mark.django_db(transaction=True)]


def test_a_link_that_comes_after_the_check_waits_for_the_next(admin: APIClient, repo: Repo) -> None:
    """The check did not ask for its branch, so nobody says that there is none."""
    repo.commit({"bot/policy-config.yaml": policy("Bot")})
    link(admin, repo.url, branch="main")
    batch = claims.due(timezone.now())
    assert batch
    handed: dict[UUID, Found] = {}
    polling.poll(batch, lambda _, found: handed.update(found))
    late = link(admin, repo.url, auto_create_configuration=False)

    sync(batch.id, handed)

    assert get(admin, f"/v1/git-repos/{late['id']}")["error"] is None
    run_due()
    assert get(admin, f"/v1/git-repos/{late['id']}")["status"] == "synced"


def test_an_override_stands_when_its_repository_is_linked_again(
    admin: APIClient, repo: Repo
) -> None:
    """Git says what it said before; only a change there replaces the override."""
    repo.commit({"bot/policy-config.yaml": policy("Git")})
    row = link(admin, repo.url)
    run_due()
    override = {"content": policy("Override"), "override": True}
    assert admin.patch("/v1/configurations/bot", override, format="json").status_code == 200
    assert admin.delete(f"/v1/git-repos/{row['id']}").status_code == 200
    again = link(admin, repo.url)

    run_due()

    found = get(admin, "/v1/configurations/bot")
    assert (found["version"], found["overridden"], found["git_repo"]) == (2, True, again["id"])
    repo.commit({"bot/policy-config.yaml": policy("Changed")})
    poll()
    found = get(admin, "/v1/configurations/bot")
    assert (found["version"], found["overridden"]) == (3, False)


def test_git_saying_what_an_override_says_ends_the_override(admin: APIClient, repo: Repo) -> None:
    """Without a new version; the next change in git counts from there."""
    repo.commit({"bot/policy-config.yaml": policy("Old")})
    link(admin, repo.url)
    run_due()
    override = {"content": policy("New"), "override": True}
    admin.patch("/v1/configurations/bot", override, format="json")
    repo.commit({"bot/policy-config.yaml": policy("New")})

    poll()

    found = get(admin, "/v1/configurations/bot")
    assert (found["version"], found["overridden"]) == (2, False)
    repo.commit({"bot/policy-config.yaml": policy("Old")})
    poll()
    assert get(admin, "/v1/configurations/bot")["version"] == 3
