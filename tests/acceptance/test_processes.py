"""Starting, stopping and killing the control plane."""

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.conf import settings
from django.test import override_settings

from kt.policy.verify import VERIFY_VERSION
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.stack import ROOT, Stack, is_running, title, wait_for


@pytest.fixture
def up(shared_embedded_stack: Stack) -> Stack:
    """Left as it is."""
    return shared_embedded_stack


def test_it_says_where_the_api_is_where_the_token_is_and_how_to_stop(up: Stack) -> None:
    """In five lines, on a fresh data folder; the token itself is in no log.

    One is the command that logs in, from where it was started.
    """
    wait_for(lambda: "Stop:" in up.log.read_text())

    lines = up.log.read_text().splitlines()
    first = lines.index("Keeptrusts is up.")
    assert f"{up.url}/v1" in lines[first + 1]
    assert str(up.data_dir / "admin-token") in lines[first + 2]
    kt = Path(sys.executable).parent / "kt"
    assert lines[first + 3] == f"  Log in: {kt} login {up.url} --token-file data/admin-token"
    assert "Stop:" in lines[first + 4]
    assert (up.data_dir / "admin-token").stat().st_mode & 0o777 == 0o600
    assert up.token() not in up.log.read_text()


def test_no_other_user_reads_what_it_keeps(up: Stack) -> None:
    """Neither the database nor its journal, though the folder was there with another mode."""
    places = [up.data_dir, *up.data_dir.rglob("*")]

    assert "keeptrusts.sqlite3" in {path.name for path in places}
    assert [str(path) for path in places if path.stat().st_mode & 0o077] == []


def test_its_processes_get_only_what_they_need(up: Stack) -> None:
    """No core, no rights by what they run, and of the environment no secret of somebody else."""
    for pid in [up.process.pid, *up.children()]:  # type: ignore[union-attr]
        status = Path(f"/proc/{pid}/status").read_text()
        limits = Path(f"/proc/{pid}/limits").read_text()
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert "NoNewPrivs:\t1" in status
        assert re.search(r"Max core file size +0 +0 ", limits)
        if pid != up.process.pid:  # type: ignore[union-attr]
            assert b"FOREIGN" not in environment
    broker = Path(f"/proc/{_pid(up, 'redis.sock')}/environ").read_bytes()
    assert b"KEEPTRUSTS" not in broker


def test_it_starts_from_any_folder(up: Stack) -> None:
    """A relative data folder is meant from there."""
    assert up.get("/v1/whoami")["token"]["name"] == "bootstrap admin"


def test_what_older_rules_judged_is_judged_by_a_process_of_its_own(up: Stack) -> None:
    """Beat's message starts it, at the lowest priority, and it ends."""
    body = {"id": "bot", "content": policy("One")}
    assert up.request("POST", "/v1/configurations", body).status == 201
    database = sqlite3.connect(up.data_dir / "keeptrusts.sqlite3", timeout=30, isolation_level=None)
    database.execute("update configurations_configuration set judged_rules = 'older'")

    broker = f"redis+socket://{up.data_dir}/redis.sock?virtual_host=0"
    sender = Celery(broker=broker, set_as_current=False)
    sender.send_task("configurations.judge", queue="tick")  # By the key of these tests.
    wait_for(lambda: "dropped a message that none of our processes sent" in up.log.read_text())
    key = (up.data_dir / "secret-key").read_text().strip()
    with override_settings(ENV=replace(settings.ENV, secret_keys=(key,))):
        sender.send_task("configurations.judge", queue="tick")

    rules = "select judged_rules from configurations_configuration"
    wait_for(lambda: _as_others(up) or database.execute(rules).fetchone() == (VERIFY_VERSION,))
    database.close()
    wait_for(lambda: "judged what is in force" in up.log.read_text())
    assert "refused=0" in up.log.read_text()


def _as_others(up: Stack) -> bool:
    """Give the judge the priority of all, if we may: beside other tests it would hardly run."""
    for pid, line in up.children().items():
        if line.endswith("manage.py judge"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.setpriority(os.PRIO_PROCESS, pid, 0)
    return False


def test_a_second_start_on_the_same_data_folder_is_refused(up: Stack) -> None:
    """With a message that names the folder and the process, and without harm to the first."""
    second = subprocess.run(
        [sys.executable, "manage.py", "up"],
        cwd=ROOT,
        env=up.environment | {"KEEPTRUSTS_DATA_DIR": str(up.data_dir)},
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert second.returncode == 1
    assert str(up.data_dir) in second.stderr
    assert f"process {up.process.pid}" in second.stderr  # type: ignore[union-attr]
    assert up.request("GET", "/healthz").status == 200


def test_a_killed_broker_is_started_again(up: Stack) -> None:
    """What it held is lost, and nobody else is started anew for it."""
    others = {pid for pid, line in up.children().items() if line.startswith("keeptrusts: ")}
    broker = _pid(up, "redis.sock")

    os.kill(broker, signal.SIGKILL)

    wait_for(lambda: "broker started again" in up.log.read_text())
    wait_for(lambda: up.request("GET", "/healthz").status == 200)
    assert _pid(up, "redis.sock") != broker
    assert others <= set(up.children())


@pytest.mark.parametrize(
    ("victim", "pattern"), [("worker", title("syncer")), ("broker", "redis.sock")]
)
def test_a_kill_in_the_middle_of_a_sync_loses_nothing(
    up: Stack, forge: Forge, make_repo: Callable[[], Repo], victim: str, pattern: str
) -> None:
    """The commit is in force once, whole, with nothing left of the first try.

    The part is started again by the parent.
    """
    with _held(up, forge, make_repo(), victim):
        os.kill(_pid(up, pattern), signal.SIGKILL)


@pytest.mark.soak
def test_a_killed_parent_in_the_middle_of_a_sync_loses_nothing(
    embedded_stack: Stack, forge: Forge, make_repo: Callable[[], Repo]
) -> None:
    """It leaves no process, and the same data folder starts again."""
    embedded_stack.start()
    with _held(embedded_stack, forge, make_repo(), "parent"):
        pids = list(embedded_stack.children())
        embedded_stack.stop(signal.SIGKILL)
        wait_for(lambda: not any(is_running(pid) for pid in pids))
        embedded_stack.start()


@contextlib.contextmanager
def _held(stack: Stack, forge: Forge, repo: Repo, name: str) -> Iterator[None]:
    """A sync of twenty policies that is held in its fetch, and afterwards must become whole."""
    files = {f"policies/{name}-{n}/policy-config.yaml": policy(f"Policy {n}") for n in range(20)}
    repo.commit(dict(files))
    hold = forge.holds[repo.bare.name] = threading.Event()
    stack.link(repo.url, path="policies")
    wait_for(lambda: forge.calls(repo))
    yield
    hold.set()
    del forge.holds[repo.bare.name]
    rows = wait_for(lambda: _named(stack, name))
    assert [row["version"] for row in rows] == [1] * 20
    assert list((stack.data_dir / "work").glob("*")) == []


def _named(stack: Stack, name: str) -> list[dict[str, Any]]:
    """The configurations whose ids begin with a name; none while the API is away."""
    reply = stack.request("GET", "/v1/configurations?limit=1000")
    rows = reply.data if reply.status == 200 else []
    return [row for row in rows if row["id"].startswith(f"{name}-")]


def _pid(stack: Stack, pattern: str) -> int:
    """The oldest child whose command line matches: the main process of that part."""
    return min(pid for pid, line in stack.children().items() if re.search(pattern, line))
