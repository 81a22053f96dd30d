"""Dry runs and trials through a running control plane: a worker looks, the request waits."""

import pytest

from tests.support.repo import Repo, policy
from tests.support.stack import Stack

pytestmark = pytest.mark.smoke

BOT = "bot/policy-config.yaml"


def test_a_link_is_tried_before_it_is_saved(shared_stack: Stack, repo: Repo) -> None:
    """The answer has the commit and what would become of each file; no link is made."""
    commit = repo.commit({BOT: policy("Bot"), "bad/policy-config.yaml": "pack: ["})

    reply = shared_stack.request(
        "POST",
        "/v1/git-repos/test",
        {"url": repo.url, "auto_create_configuration": True, "id_prefix": "trial-"},
    )

    assert (reply.status, reply.data["commit"], reply.data["error"]) == (200, commit, None)
    assert {(f["configuration"], f["outcome"]) for f in reply.data["files"]} == {
        ("trial-bot", "synced"),
        ("trial-bad", "quarantined"),
    }
    assert repo.url not in {row["url"] for row in shared_stack.get("/v1/git-repos")}


def test_a_trial_of_what_is_not_there_says_so(shared_stack: Stack, repo: Repo) -> None:
    """As data: the request itself was fine."""
    reply = shared_stack.request("POST", "/v1/git-repos/test", {"url": f"{repo.url}/nothing"})

    assert (reply.status, reply.data["error"]["code"]) == (200, "repo_not_found")


def test_a_trial_takes_what_a_link_takes(shared_stack: Stack) -> None:
    """The same fields, the same refusals."""
    replies = [
        shared_stack.request("POST", "/v1/git-repos/test", body)
        for body in ({}, {"url": "ftp://git.example/a"}, {"url": "https://a.example/b", "x": 1})
    ]

    assert [reply.status for reply in replies] == [400, 400, 400]


def test_a_dry_run_shows_and_leaves(shared_stack: Stack, repo: Repo) -> None:
    """A suspended link, too, tells what it would do when it goes on."""
    repo.commit({BOT: policy("Bot")})
    row = shared_stack.link(repo.url, suspended=True, id_prefix="dry-")
    path = f"/v1/git-repos/{row['id']}/sync"

    reply = shared_stack.request("POST", f"{path}?dry_run=true")
    refused = shared_stack.request("POST", f"{path}?dry_run=false")

    assert (reply.status, [f["version"] for f in reply.data["files"]]) == (200, [1])
    assert (refused.status, refused.json["error"]["code"]) == (409, "suspended")
    assert shared_stack.request("GET", "/v1/configurations/dry-bot").status == 404


def test_a_dry_run_of_nothing_is_not_found(shared_stack: Stack) -> None:
    """No worker is asked."""
    nobody = "00000000-0000-4000-8000-000000000000"

    reply = shared_stack.request("POST", f"/v1/git-repos/{nobody}/sync?dry_run=true")

    assert reply.status == 404
