"""The main path: a merged file becomes a configuration."""

import hashlib

import pytest
from rest_framework.test import APIClient

from tests.support.repo import Repo, policy
from tests.support.syncing import files, get, link, poll, run_due

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.smoke]


def test_a_linked_file_becomes_a_configuration(admin: APIClient, repo: Repo) -> None:
    """Its hash is the sha256 of the blob, its version the first, its source git."""
    commit = repo.commit({"policies/support-bot/policy-config.yaml": policy("Support bot")})
    row = link(admin, repo.url, branch="main", path="policies/")

    run_due()

    found = get(admin, "/v1/configurations/support-bot")
    blob = repo.blob("policies/support-bot/policy-config.yaml")
    assert (found["content_hash"], found["version"], found["source"], found["name"]) == (
        hashlib.sha256(blob).hexdigest(),
        1,
        "git",
        "Support bot",
    )
    shown = get(admin, f"/v1/git-repos/{row['id']}")
    assert (shown["status"], shown["last_commit"], shown["error"]) == ("synced", commit, None)


def test_a_change_makes_a_new_version_and_keeps_the_old(admin: APIClient, repo: Repo) -> None:
    """Both contents stay readable, byte for byte."""
    repo.commit({"bot/policy-config.yaml": policy("One")})
    link(admin, repo.url)
    run_due()
    repo.commit({"bot/policy-config.yaml": policy("Two")})

    poll()

    assert get(admin, "/v1/configurations/bot")["version"] == 2
    contents = [
        admin.get(f"/v1/configurations/bot/versions/{number}/content").content for number in (1, 2)
    ]
    assert contents == [policy("One").encode(), policy("Two").encode()]


def test_a_broken_file_is_quarantined_beside_a_good_change(admin: APIClient, repo: Repo) -> None:
    """The good one lands; the broken one keeps its last good version and shows the place."""
    repo.commit({"a/policy-config.yaml": policy("A"), "b/policy-config.yaml": policy("B")})
    row = link(admin, repo.url)
    run_due()
    repo.commit({"a/policy-config.yaml": policy("A2"), "b/policy-config.yaml": "pack:\n\tx: 1\n"})

    poll()

    assert get(admin, "/v1/configurations/a")["version"] == 2
    assert get(admin, "/v1/configurations/b")["version"] == 1
    broken = files(admin, row)["b/policy-config.yaml"]
    assert broken["outcome"] == "quarantined"
    assert [(f["line"], f["column"]) for f in broken["findings"]] == [(2, 1)]
