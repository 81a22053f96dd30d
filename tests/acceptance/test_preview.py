"""Dry runs and trials of links through a running control plane, whose worker answers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.forge import Forge, Late
from tests.support.repo import Repo, policy
from tests.support.stack import Stack, wait_for

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


def _busy(lates: list[Late]) -> int:
    return sum(late.reached.is_set() for late in lates)


def test_trials_of_slow_forges_leave_workers_for_syncs(
    shared_stack: Stack, forge: Forge, make_repo: Callable[[], Repo]
) -> None:
    """Those for whom there is no place are told at once."""
    quick, slow = make_repo(), [make_repo() for _ in range(4)]
    quick.commit({BOT: policy("Bot")})
    row = shared_stack.link(quick.url, id_prefix="quick-")
    for one in slow:
        one.commit({BOT: policy("Slow")})
    lates = [forge.hold_late(one) for one in slow]
    with ThreadPoolExecutor(4) as pool:
        trials = [
            pool.submit(shared_stack.request, "POST", "/v1/git-repos/test", {"url": one.url})
            for one in slow
        ]
        try:
            wait_for(lambda: _busy(lates) + sum(trial.done() for trial in trials) == 4)
            reply = shared_stack.request("POST", f"/v1/git-repos/{row['id']}/sync?wait=15")
        finally:
            for late in lates:
                late.release()

    assert reply.status == 200
    assert sorted(trial.result().status for trial in trials) == [200, 200, 429, 429]
