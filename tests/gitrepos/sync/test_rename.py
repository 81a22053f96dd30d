"""Renames: a policy that moves in git, and what is recorded of it."""

import pytest
from rest_framework.test import APIClient

from events.models import Event
from tests.support.repo import Repo, policy
from tests.support.syncing import files, get, hashes, link, outcomes, poll, run_due, runs

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

OLD = "old/policy-config.yaml"
NEW = "new/policy-config.yaml"


def moved(repo: Repo, content: str | None = None) -> None:
    """Rename the directory, with other content when it is given."""
    repo.git("mv", "old", "new")
    repo.commit({NEW: content} if content else {})


def test_a_pack_id_carries_identity_and_history(admin: APIClient, repo: Repo) -> None:
    """The configuration is the same, without a version; an event tells from where to where."""
    repo.commit({OLD: policy("Bot", id="bot")})
    row = link(admin, repo.url)
    run_due()
    moved(repo)

    poll()

    found = get(admin, "/v1/configurations/bot")
    assert (found["version"], found["git_repo"]) == (1, row["id"])
    assert outcomes(admin, row) == {(NEW, "bot"): "synced"}
    assert files(admin, row)[NEW]["renamed_from"] == ""
    event = Event.objects.get()
    assert (event.kind, event.configuration) == ("renamed", "bot")
    assert event.details == {"from_path": OLD, "path": NEW, "renamed_from": "bot"}


@pytest.mark.parametrize("change", [None, policy("Bot", description="more")])
def test_without_a_pack_id_the_new_one_tells_what_it_was(
    admin: APIClient, repo: Repo, change: str | None
) -> None:
    """By the same bytes or, changed on the way, the same name; the old one is missing."""
    repo.commit({OLD: policy("Bot"), "other/policy-config.yaml": policy("Other")})
    row = link(admin, repo.url)
    run_due()
    moved(repo, change)

    poll()

    assert set(hashes()) == {"old", "new", "other"}
    assert outcomes(admin, row)[OLD, "old"] == "missing"
    assert files(admin, row)[NEW]["renamed_from"] == "old"
    entry = next(f for f in runs(admin, row)[0]["files"] if f["path"] == NEW)
    assert (entry["renamed_from"], entry["version"]) == ("old", 1)
    event = Event.objects.get()
    assert (event.kind, event.configuration) == ("renamed", "new")
    assert event.details == {"from_path": OLD, "path": NEW, "renamed_from": "old"}


def test_with_prune_the_old_one_is_archived(admin: APIClient, repo: Repo) -> None:
    """Its successor tells where it came from."""
    repo.commit({OLD: policy("Bot")})
    row = link(admin, repo.url, prune=True)
    run_due()
    moved(repo)

    poll()

    assert list(hashes()) == ["new"]
    assert outcomes(admin, row)[OLD, "old"] == "archived"
    assert files(admin, row)[NEW]["renamed_from"] == "old"


def test_what_it_was_called_stays_with_the_file(admin: APIClient, repo: Repo) -> None:
    """Through later commits, too."""
    repo.commit({OLD: policy("Bot")})
    row = link(admin, repo.url)
    run_due()
    moved(repo)
    poll()
    repo.commit({NEW: policy("Bot", description="more")})

    poll()

    assert files(admin, row)[NEW]["renamed_from"] == "old"
