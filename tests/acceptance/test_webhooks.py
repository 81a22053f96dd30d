"""Webhooks into a running control plane, from a push to the version in force."""

import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from statistics import median
from typing import Any

import pytest

from tests.support import hooks
from tests.support.hooks import SECRET
from tests.support.repo import Repo, policy
from tests.support.stack import PATIENCE_SECONDS, Stack, wait_for

HOUR = 3600


def linked(stack: Stack, repo: Repo) -> dict[str, Any]:
    """A link that is polled once an hour; its first commit is in force."""
    row = stack.link(repo.url, branch="main", poll_interval_seconds=HOUR, webhook_secret=SECRET)
    wait_for(lambda: shown(stack, row)["status"] == "synced")
    return row


def shown(stack: Stack, row: Mapping[str, Any]) -> dict[str, Any]:
    """The link as it is now."""
    found: dict[str, Any] = stack.get(f"/v1/git-repos/{row['id']}")
    return found


def deliver(stack: Stack, row: Mapping[str, Any], body: bytes) -> int:
    """Post to the link's webhook without a token, as a forge does; returns the status."""
    request = urllib.request.Request(
        stack.url + row["webhook_url"],
        data=body,
        headers={"Content-Type": "application/json", **hooks.github(body)},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=300) as answer:
        return int(answer.status)


def version(stack: Stack, name: str) -> int:
    """The version in force; 0 for none."""
    reply = stack.request("GET", f"/v1/configurations/{name}")
    return int(reply.data["version"]) if reply.status == 200 else 0


@pytest.mark.smoke
def test_a_push_is_visible_without_a_poll(shared_stack: Stack, repo: Repo) -> None:
    """Long before the next poll; how soon is printed."""
    name = "hooked/policy-config.yaml"
    repo.commit({name: policy("One")})
    row = linked(shared_stack, repo)
    seconds = []
    for number in range(2, 7):
        commit = repo.commit({name: policy(f"Number {number}")})
        pushed_at = time.monotonic()
        assert deliver(shared_stack, row, hooks.push("main", commit)) == 202
        while version(shared_stack, "hooked") < number:
            assert time.monotonic() < pushed_at + PATIENCE_SECONDS
            time.sleep(0.02)
        seconds.append(time.monotonic() - pushed_at)

    print(f"visible {median(seconds):.2f} s (median of 5) after the delivery: {seconds}")
    runs = shared_stack.get(f"/v1/git-repos/{row['id']}/syncs")
    assert [run["trigger"] for run in runs[:5]] == ["webhook"] * 5


@pytest.mark.smoke
def test_a_push_that_is_told_before_it_is_shown_is_found(shared_stack: Stack, repo: Repo) -> None:
    """Some forges tell first; it is looked for each second."""
    name = "early/policy-config.yaml"
    repo.commit({name: policy("One")})
    row = linked(shared_stack, repo)
    repo.write(name, policy("Two"))
    repo.git("commit", "--quiet", "--all", "-m", "Two")
    deliver(shared_stack, row, hooks.push("main", repo.git("rev-parse", "HEAD")))
    told = shown(shared_stack, row)["conditions"][1]
    time.sleep(3)
    before = version(shared_stack, "early")

    repo.push()

    wait_for(lambda: version(shared_stack, "early") == 2)
    assert (before, told["type"], told["status"]) == (1, "Reconciling", "True")


def test_a_burst_of_a_hundred_ends_at_the_last_push(shared_stack: Stack, repo: Repo) -> None:
    """None is lost, and far fewer syncs are made than deliveries came."""
    name = "burst/policy-config.yaml"
    repo.commit({name: policy("Number 0")})
    row = linked(shared_stack, repo)
    for number in range(1, 101):
        commit = (
            repo.commit({name: policy(f"Number {number}")}) if number % 10 == 0 else hooks.COMMIT
        )
        assert deliver(shared_stack, row, hooks.push("main", commit)) == 202
    last = policy("Number 100").encode()

    wait_for(lambda: shared_stack.request("GET", "/v1/configurations/burst/content").body == last)

    runs = shared_stack.get(f"/v1/git-repos/{row['id']}/syncs")
    assert len(runs) <= 11


def test_a_forged_delivery_changes_nothing(shared_stack: Stack, repo: Repo) -> None:
    """401, and the link is not looked at."""
    repo.commit({"forged/policy-config.yaml": policy("One")})
    row = linked(shared_stack, repo)
    polled = shown(shared_stack, row)["last_polled_at"]
    body = hooks.push("main", repo.commit({"forged/policy-config.yaml": policy("Two")}))
    request = urllib.request.Request(
        shared_stack.url + row["webhook_url"],
        data=body,
        headers=hooks.github(body, secret="what-an-attacker-guesses"),
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=300)
    refused.value.close()
    time.sleep(3)

    assert refused.value.code == 401
    assert shown(shared_stack, row)["last_polled_at"] == polled
    assert version(shared_stack, "forged") == 1
