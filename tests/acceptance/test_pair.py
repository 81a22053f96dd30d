"""Two machines on one database: each repository polled once, and never an old commit.

The first runs all parts, the second some roles: no event streams, and of others two processes.
"""

import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator

import psycopg
import pytest

from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.stack import Stack, free_port, is_running, title, wait_for
from tests.support.stacks import environment

_WORKERS = [title("poller"), title("syncer")]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[tuple[Stack, Stack]]:
    """Two control planes on one PostgreSQL and one Redis: three webs, five workers, two beats."""
    tmp_path = tmp_path_factory.mktemp("pair")
    stack_environment = environment(tmp_path, worker_id, own=True)
    token = {"KEEPTRUSTS_BOOTSTRAP_TOKEN": "a-token-for-both-of-them-0123456789"}
    first = Stack(tmp_path / "one", **stack_environment, **token)
    probed = {"KEEPTRUSTS_READY_LISTEN": f"127.0.0.1:{free_port()}"}
    second = Stack(tmp_path / "two", **stack_environment, **token, **probed)
    second.arguments = ("--only", "web=2,poller=2,syncer,beat")
    for stack in (first, second):
        stack.spawn()
    for stack in (first, second):
        wait_for(stack.is_healthy)
    yield first, second
    for stack in (first, second):
        stack.kill()


def test_control_planes_that_start_together_migrate_once(pair: tuple[Stack, Stack]) -> None:
    """The others wait for the first; all come up."""
    for stack in pair:
        assert "preparing the database" in stack.log.read_text()


def test_a_frozen_worker_applies_nothing_old(
    pair: tuple[Stack, Stack], forge: Forge, repo: Repo
) -> None:
    """Frozen with an old answer in hand, past its lease, while another worker took over."""
    first, second = pair
    repo.commit({"frozen/policy-config.yaml": policy("Old")})
    _freeze_workers(second)
    late = forge.hold_late(repo)
    first.link(repo.url)
    wait_for(late.reached.is_set)
    _freeze_workers(first)
    repo.commit({"frozen/policy-config.yaml": policy("New")})
    late.release()
    # Until then Redis hands messages to a frozen worker that asked for one.
    time.sleep(3)
    _expire_leases(first)
    _thaw_workers(second)
    # Past the minute after which PostgreSQL ends what a frozen worker left open.
    wait_for(lambda: _content(first, "frozen") == policy("New").encode())

    _thaw_workers(first)

    wait_for(lambda: "discarded" in first.log.read_text())
    assert [row["number"] for row in first.get("/v1/configurations/frozen/versions")] == [1]
    assert _content(first, "frozen") == policy("New").encode()


def test_two_beats_and_two_workers_poll_each_repository_once(
    pair: tuple[Stack, Stack], forge: Forge, repo: Repo
) -> None:
    """Counted by the forge: none is forgotten, none polled twice."""
    first, _ = pair
    _poll_once_each(first, forge, repo, repositories=12, interval_seconds=5, intervals=3)


@pytest.mark.soak
def test_two_beats_and_two_workers_poll_300_repositories_once(
    pair: tuple[Stack, Stack], forge: Forge, repo: Repo
) -> None:
    """The same with 300 repositories at 30 s, for ten intervals."""
    first, _ = pair
    _poll_once_each(first, forge, repo, repositories=300, interval_seconds=30, intervals=10)


def test_a_machine_runs_the_roles_that_it_is_asked_for(pair: tuple[Stack, Stack]) -> None:
    """And no others; each has its name in `ps` and in the log."""
    _, second = pair
    lines = set(second.children().values())
    told = {line.removeprefix("keeptrusts: ") for line in lines if line.startswith("keeptrusts: ")}

    assert told == {"web", "web.2", "poller", "poller.2", "syncer", "beat"}
    assert "Keeptrusts is up here: syncer, poller, poller.2, web, web.2, beat." in (
        second.log.read_text()
    )


def test_a_probe_sees_the_part_that_does_not_work(pair: tuple[Stack, Stack]) -> None:
    """The others are ready meanwhile; a frozen one is not, though it runs."""
    _, second = pair
    assert _ready(second, "/readyz") == (200, {"web": "ok", "web.2": "ok", "poller": "ok",
        "poller.2": "ok", "syncer": "ok", "beat": "ok"})  # fmt: skip
    frozen = _pid(second, "poller.2")
    os.kill(frozen, signal.SIGSTOP)

    wait_for(
        lambda: _ready(second, "/readyz/poller") == (503, {"poller": "ok", "poller.2": "down"})
    )

    assert _ready(second, "/readyz/web")[0] == 200
    os.kill(frozen, signal.SIGCONT)
    wait_for(lambda: _ready(second, "/readyz")[0] == 200)


def test_of_two_webs_one_ends_and_the_other_answers(pair: tuple[Stack, Stack]) -> None:
    """They share a port, and the kernel asks who is there."""
    _, second = pair
    killed = _pid(second, "web")
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: not is_running(killed))

    assert {second.request("GET", "/readyz").status for _ in range(20)} == {200}
    wait_for(lambda: "web started again" in second.log.read_text())


def test_a_killed_machine_leaves_no_process(
    pair: tuple[Stack, Stack], forge: Forge, repo: Repo
) -> None:
    """The other goes on: its beat sends, its workers poll and sync."""
    first, second = pair
    repo.commit({"left/policy-config.yaml": policy("Old")})
    first.link(repo.url)
    wait_for(lambda: _content(second, "left") == policy("Old").encode())
    pids = list(first.children())
    assert pids

    first.stop(signal.SIGKILL)
    repo.commit({"left/policy-config.yaml": policy("New")})

    wait_for(lambda: not any(is_running(pid) for pid in pids))
    wait_for(lambda: _content(second, "left") == policy("New").encode())


def _ready(stack: Stack, path: str) -> tuple[int, dict[str, str]]:
    """Status and checks of a probe."""
    address = f"http://{stack.environment['KEEPTRUSTS_READY_LISTEN']}"
    try:
        with urllib.request.urlopen(address + path, timeout=60) as told:
            return told.status, json.loads(told.read())["checks"]
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, json.loads(exc.read())["checks"]


def _pid(stack: Stack, part: str) -> int:
    [pid] = [pid for pid, line in stack.children().items() if line == title(part)]
    return pid


def _poll_once_each(
    stack: Stack,
    forge: Forge,
    repo: Repo,
    *,
    repositories: int,
    interval_seconds: int,
    intervals: int,
) -> None:
    repo.commit({"policy-config.yaml": policy("Polled")})
    names = [forge.alias(repo) for _ in range(repositories)]
    for name in names:
        stack.link(
            f"{forge.url}/{name}",
            auto_create_configuration=False,
            poll_interval_seconds=interval_seconds,
        )
    wait_for(lambda: all(row["last_synced_at"] for row in stack.get("/v1/git-repos")))
    time.sleep(interval_seconds)  # The first polls are due at once, not at their turn.
    start = len(forge.requests)
    time.sleep(interval_seconds * intervals)
    # One check is one POST to the upload-pack of that repository.
    polls = Counter(
        path.split("/")[1] for method, path in forge.requests[start:] if method == "POST"
    )
    counts = Counter(polls[name] for name in names)

    assert set(counts) <= {intervals - 1, intervals, intervals + 1}, counts
    assert counts[intervals] >= repositories * 0.8, counts


def _content(stack: Stack, configuration: str) -> bytes:
    return stack.request("GET", f"/v1/configurations/{configuration}/content").body


def _workers(stack: Stack) -> list[int]:
    return [pid for pid, line in stack.children().items() if line.partition(".")[0] in _WORKERS]


def _freeze_workers(stack: Stack) -> None:
    for pid in _workers(stack):
        os.kill(pid, signal.SIGSTOP)


def _thaw_workers(stack: Stack) -> None:
    for pid in _workers(stack):
        os.kill(pid, signal.SIGCONT)


def _expire_leases(stack: Stack) -> None:
    """What three minutes of waiting would do."""
    with psycopg.connect(stack.environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("update gitrepos_remote set lease_until = now() - interval '1 second'")
