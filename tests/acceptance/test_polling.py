"""Polling by real processes: on time, whoever else is slow."""

import time

import pytest
from django.conf import settings

from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.stack import Stack, wait_for


@pytest.mark.smoke
def test_a_push_is_visible_within_the_interval(shared_stack: Stack, repo: Repo) -> None:
    """A new version with a new hash, while the old one stays readable."""
    repo.commit({"visible/policy-config.yaml": policy("One")})
    shared_stack.link(repo.url)
    before = wait_for(lambda: _row(shared_stack, "visible"))
    pushed_at = time.monotonic()
    repo.commit({"visible/policy-config.yaml": policy("Two")})

    after = wait_for(lambda: _version(shared_stack, "visible", 2))

    print(f"visible {time.monotonic() - pushed_at:.1f} s after the push, at an interval of 2 s")
    assert after["content_hash"] != before["content_hash"]
    old = shared_stack.request("GET", "/v1/configurations/visible/versions/1/content")
    assert old.body == policy("One").encode()


def test_slow_forges_hold_up_no_other(shared_stack: Stack, forge: Forge, make_repo) -> None:  # type: ignore[no-untyped-def]
    """More syncs hang than run at once; polls go on, and so does the heartbeat."""
    quick = make_repo()
    quick.commit({"quick/policy-config.yaml": policy("Quick")})
    row = shared_stack.link(quick.url)
    wait_for(lambda: _row(shared_stack, "quick"))
    lates = []
    for _ in range(settings.SYNCS_AT_ONCE + 1):
        slow = make_repo()
        slow.commit({"policy-config.yaml": policy("Slow")})
        lates.append(forge.hold_late(slow))
        shared_stack.link(slow.url)
    reached = settings.SYNCS_AT_ONCE
    wait_for(lambda: sum(late.reached.is_set() for late in lates) >= reached)
    polled = shared_stack.get(f"/v1/git-repos/{row['id']}")["last_polled_at"]

    time.sleep(11)  # A heartbeat older than ten seconds would be missed.

    assert shared_stack.get(f"/v1/git-repos/{row['id']}")["last_polled_at"] > polled
    assert shared_stack.request("GET", "/healthz").status == 200
    for late in lates:
        late.release()


def _row(stack: Stack, configuration: str) -> dict[str, object] | None:
    reply = stack.request("GET", f"/v1/configurations/{configuration}")
    return reply.data if reply.status == 200 else None


def _version(stack: Stack, configuration: str, number: int) -> dict[str, object] | None:
    row = _row(stack, configuration)
    return row if row and row["version"] == number else None
