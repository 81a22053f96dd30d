"""A fleet of gateways, from a merge to the last one, and every way in which one can fall behind."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kt.gateway.support import KT, Running, chat
from tests.support.managed import (
    ALLOWED,
    BLOCKED,
    OPEN,
    STRICT,
    Fleet,
    becomes,
    contact,
    fleet,
    harmful,
    is_stored,
    problem,
    register,
    seen,
    spooled,
)
from tests.support.proxy import Proxy
from tests.support.repo import Repo
from tests.support.stack import Stack, wait_for


class Bound:
    """A configuration that git feeds, and gateways that enforce it."""

    def __init__(self, stack: Stack, repo: Repo, gateways: Fleet) -> None:
        self.stack, self.repo, self.gateways = stack, repo, gateways
        self.id = f"fleet-{os.urandom(4).hex()}"
        self.tokens: dict[str, str] = {}
        self.merge(OPEN)
        self.link = stack.link(repo.url, path="policies/")
        wait_for(lambda: stack.request("GET", self.path).status == 200)

    @property
    def path(self) -> str:
        return f"/v1/configurations/{self.id}"

    def merge(self, content: str) -> None:
        """Merge a change of the policy."""
        self.repo.commit({f"policies/{self.id}/policy-config.yaml": content})

    def start(self, name: str, *arguments: str, url: str = "") -> Running:
        """Start a gateway that is bound to the configuration, the second time the same one."""
        gateway = f"{self.id}-{name}"
        if gateway not in self.tokens:
            self.tokens[gateway] = register(self.stack, gateway, self.id)
        return self.gateways.start(gateway, self.tokens[gateway], *arguments, url=url)

    def state(self, name: str) -> str:
        """The state of a gateway in `/v1/drift`."""
        found: str = seen(self.stack, f"{self.id}-{name}")["state"]
        return found

    def drift(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """`kt drift` in the clone."""
        return subprocess.run(
            [KT, "drift", "--path", f"policies/{self.id}", *arguments],
            cwd=self.repo.clone,
            env={
                "PATH": os.environ["PATH"],
                "HOME": "/nonexistent",
                "KEEPTRUSTS_API_URL": self.stack.url,
                "KEEPTRUSTS_API_TOKEN": self.stack.token(),
            },
            capture_output=True,
            text=True,
            timeout=300,
        )


@pytest.fixture
def bound(shared_stack: Stack, repo: Repo, tmp_path: Path) -> Iterator[Bound]:
    """One test's own configuration and gateways."""
    with fleet(shared_stack, tmp_path / "gateways") as gateways:
        yield Bound(shared_stack, repo, gateways)


@pytest.fixture
def between(bound: Bound) -> Iterator[Proxy]:
    """A network that can be partitioned."""
    reply = bound.stack.request("POST", "/v1/gateways", {"id": f"{bound.id}-asks"})
    with Proxy(bound.stack.url, reply.data["events_url"]) as found:
        yield found


def test_every_gateway_enforces_what_was_merged(bound: Bound) -> None:
    """A request that passed is stopped by all three, and nothing has drifted."""
    gateways = [bound.start(name) for name in ("one", "two", "three")]
    becomes(lambda: {harmful(one) for one in gateways}, {ALLOWED})
    before = bound.stack.get(bound.path)["content_hash"]
    bound.merge(STRICT)
    wait_for(lambda: bound.stack.get(bound.path)["content_hash"] != before)
    visible_at = time.monotonic()

    becomes(lambda: {harmful(one) for one in gateways}, {BLOCKED})
    print(f"enforced by all {time.monotonic() - visible_at:.2f} s after it was visible")
    becomes(lambda: bound.drift().returncode, 0)
    told = bound.drift().stdout
    assert "4 in_sync" in told.splitlines()[-1].split(", ")
    assert all(f"{bound.id} on {bound.id}-{name}" in told for name in ("one", "two", "three"))


def test_a_stored_policy_that_was_edited_is_drift(bound: Bound) -> None:
    """It is never enforced, and put back."""
    bound.merge(STRICT)
    gateway = bound.start("edited")
    folder = bound.gateways.state(f"{bound.id}-edited")
    becomes(lambda: is_stored(folder, STRICT), True)
    stored = folder / "policy"
    stored.write_bytes(stored.read_bytes().replace(b"- safety-filter", b"- audit-logger"))

    becomes(lambda: bound.state("edited"), "drifted")
    assert bound.drift().returncode == 1
    assert harmful(gateway) == BLOCKED
    becomes(lambda: bound.state("edited"), "in_sync")


def test_a_stopped_gateway_is_offline(bound: Bound) -> None:
    """It said goodbye; started again, it is in sync."""
    gateway = bound.start("stopped")
    becomes(lambda: bound.state("stopped"), "in_sync")
    gateway.stop()

    becomes(lambda: bound.state("stopped"), "offline")
    assert bound.drift("--ignore", "offline").returncode == 0
    bound.start("stopped")
    becomes(lambda: bound.state("stopped"), "in_sync")


def test_a_partitioned_gateway_is_stale(bound: Bound, between: Proxy) -> None:
    """It enforces what it had, and catches up."""
    gateway = bound.start("partitioned", url=between.url)
    becomes(lambda: bound.state("partitioned"), "in_sync")
    between.cut()
    bound.merge(STRICT)

    becomes(lambda: bound.state("partitioned"), "stale")
    assert harmful(gateway) == ALLOWED
    becomes(lambda: problem(gateway), "control_plane_unreachable")
    between.mend()
    becomes(lambda: harmful(gateway), BLOCKED)
    becomes(lambda: bound.state("partitioned"), "in_sync")


def test_an_override_is_enforced_and_shown(bound: Bound) -> None:
    """Until git says something else."""
    gateway = bound.start("overridden")
    becomes(lambda: bound.state("overridden"), "in_sync")
    change = {"content": STRICT, "override": True}
    assert bound.stack.request("PATCH", bound.path, change).status == 200

    becomes(lambda: harmful(gateway), BLOCKED)
    becomes(lambda: bound.state("overridden"), "overridden")
    assert (bound.drift().returncode, bound.drift("--ignore", "overridden").returncode) == (1, 0)
    bound.merge(STRICT.replace("Strict", "Merged"))
    becomes(lambda: bound.state("overridden"), "in_sync")


def test_a_broken_file_is_quarantined(bound: Bound) -> None:
    """The last good one stays in force."""
    bound.merge(STRICT)
    gateway = bound.start("quarantined")
    becomes(lambda: harmful(gateway), BLOCKED)
    bound.merge("pack: [")

    becomes(lambda: bound.state("quarantined"), "quarantined")
    assert harmful(gateway) == BLOCKED
    assert bound.drift().returncode == 1
    assert "quarantined" in bound.drift().stdout
    bound.merge(STRICT.replace("Strict", "Mended"))
    becomes(lambda: bound.state("quarantined"), "in_sync")


def test_a_refused_statement_is_told_to_the_control_plane(bound: Bound, between: Proxy) -> None:
    """Whoever looks at drift sees that somebody tampers."""
    bound.start("attacked", url=between.url)
    becomes(lambda: bound.state("attacked"), "in_sync")
    between.twist = lambda one: one.but(one.body + b"#") if "keeptrusts-key" in one.headers else one
    between.twist_event = lambda _: b": nothing passes\n\n"
    bound.merge(STRICT)

    def told() -> Any:
        return (seen(bound.stack, f"{bound.id}-attacked")["problem"] or {}).get("code")

    becomes(told, "content_mismatch")


def test_decisions_reach_the_control_plane(bound: Bound) -> None:
    """Each once, though a client sends one request id each time, and none with its text."""
    gateway = bound.start("told")
    for _ in range(3):
        gateway.post(chat("A confidential sentence."), x_request_id="same")

    becomes(lambda: len(_decisions(bound.stack, f"{bound.id}-told")), 3)
    assert "confidential" not in str(_decisions(bound.stack, f"{bound.id}-told"))


def test_decisions_of_every_process_reach_the_control_plane(bound: Bound) -> None:
    """Though one of them sends for all; what is left at the end goes before the goodbye."""
    gateway = bound.start("several", "--workers", "2")
    becomes(lambda: harmful(gateway), ALLOWED)
    before = len(_decisions(bound.stack, f"{bound.id}-several"))
    for _ in range(40):
        harmful(gateway)
    gateway.stop()
    left = len(spooled(bound.gateways.state(f"{bound.id}-several")))

    becomes(lambda: len(_decisions(bound.stack, f"{bound.id}-several")) + left >= before + 40, True)
    bound.start("several")
    becomes(lambda: len(_decisions(bound.stack, f"{bound.id}-several")) >= before + 40, True)


def test_what_a_confirmed_removal_leaves_in_force_is_drift(bound: Bound) -> None:
    """Of this checkout's link, as `/v1/drift` says it; a hold of another link is not told here."""
    gone = [f"{bound.id}-{letter}" for letter in "abc"]
    paths = [f"policies/{name}/policy-config.yaml" for name in gone]
    terms = {"branch": "main", "path": "policies/", "id_prefix": "rel-"}
    other = bound.stack.link(bound.repo.url, **terms)
    bound.repo.commit(dict.fromkeys(paths, OPEN))
    wait_for(lambda: bound.stack.request("GET", f"/v1/configurations/rel-{gone[0]}").status == 200)
    wait_for(lambda: bound.stack.request("GET", f"/v1/configurations/{gone[0]}").status == 200)
    commit = bound.repo.commit(dict.fromkeys(paths))
    links = [f"/v1/git-repos/{row['id']}" for row in (bound.link, other)]
    wait_for(lambda: [bound.stack.get(path)["status"] for path in links] == ["held"] * 2)
    before = bound.drift().stdout
    bound.stack.request("POST", f"{links[0]}/confirm", {"commit": commit})
    wait_for(lambda: bound.stack.get(links[0])["status"] == "synced")

    done = bound.drift()

    told = dict(reversed(line.split(":")[0].split()) for line in before.splitlines()[:-1])
    assert [told[name] for name in gone] == ["held"] * 3
    assert [told[f"rel-{name}"] for name in gone] == ["no_file"] * 3
    told = dict(reversed(line.split(":")[0].split()) for line in done.stdout.splitlines()[:-1])
    assert (done.returncode, [told[name] for name in gone]) == (1, ["orphaned"] * 3)
    assert [told[f"rel-{name}"] for name in gone] == ["no_file"] * 3
    rows = [bound.stack.get(f"/v1/drift?configuration={name}")[0] for name in gone]
    assert [row["state"] for row in rows] == ["orphaned"] * 3


def test_decisions_wait_for_the_control_plane(bound: Bound, between: Proxy) -> None:
    """Away while the gateway stops and starts twice: enforcement goes on and none is lost."""
    bound.merge(STRICT)
    gateway = bound.start("waits", url=between.url)
    name, state = f"{bound.id}-waits", bound.gateways.state(f"{bound.id}-waits")
    becomes(lambda: harmful(gateway), BLOCKED)
    becomes(lambda: is_stored(state, STRICT), True)
    between.cut()
    for _ in range(2):
        gateway.stop()
        gateway = bound.start("waits", url=between.url)
        assert [harmful(gateway) for _ in range(20)] == [BLOCKED] * 20
    wait_for(lambda: spooled(state))
    between.mend()

    becomes(lambda: len(_decisions(bound.stack, name)) > 40, True)
    becomes(lambda: contact(gateway)["counters"]["decisions_dropped"], 0)


def test_decisions_past_the_bound_are_counted(bound: Bound, between: Proxy) -> None:
    """What arrives and what is told lost are all there were."""
    gateway = bound.start("bounded", "--spool-bytes", "40000", url=between.url)
    becomes(lambda: bound.state("bounded"), "in_sync")
    between.cut()
    for _ in range(300):
        harmful(gateway)
    becomes(lambda: contact(gateway)["spool_bytes"] <= 40_000, True)
    between.mend()

    def told() -> int:
        dropped: int = contact(gateway)["counters"]["decisions_dropped"]
        return dropped + contact(gateway)["counters"]["decisions_sent"]

    becomes(told, 300)
    assert contact(gateway)["counters"]["decisions_dropped"] > 0


def _decisions(stack: Stack, gateway: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = stack.get(f"/v1/decisions?gateway={gateway}&limit=500")
    return rows
