"""Pushes and kills by chance, and whether what was pushed is in force in the end."""

import contextlib
import hashlib
import os
import re
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from tests.support.processes import ours
from tests.support.repo import Repo, policy
from tests.support.stack import Stack, is_running, title, wait_for

REPOSITORIES = 4
FILES = 3
PARTS = [*map(title, ("poller", "syncer", "web")), "forkserver", "manage.py up"]


class Chaos:
    """Pushes and kills, in turn and by chance, and remembers what was pushed."""

    def __init__(self, stack: Stack, repos: list[Repo], chance: Random) -> None:
        self.stack, self.repos, self.chance = stack, repos, chance
        self.pushed: dict[str, list[str]] = defaultdict(list)
        self.killed: list[str] = []
        self.seen: dict[int, str] = {}

    def push(self) -> None:
        """One commit changes every file of a repository."""
        self.push_to(self.chance.randrange(len(self.repos)))

    def push_to(self, number: int) -> None:
        """The same to one of them."""
        name = f"Push {len(self.pushed[str(number)])}"
        files = {f"r{number}-{n}/policy-config.yaml": policy(name) for n in range(FILES)}
        self.repos[number].commit(files)
        self.pushed[str(number)].append(hashlib.sha256(policy(name).encode()).hexdigest())

    def kill(self) -> None:
        """A part, which the parent starts again, one of its processes, or the parent itself."""
        assert self.stack.process is not None
        running = self.stack.children() | {self.stack.process.pid: "manage.py up"}
        self.seen |= {pid: _start(pid) for pid in running}
        part = self.chance.choice(PARTS)
        victims = [pid for pid, line in running.items() if part in line]
        # Who is chosen may end by itself in the meantime.
        with contextlib.suppress(IndexError, ProcessLookupError):
            os.kill(self.chance.choice(victims), signal.SIGKILL)
            self.killed.append(part)

    def keep_up(self, seconds: float = 3) -> None:
        """What a supervisor does: start it again when it ended, within so many seconds."""
        assert self.stack.process is not None
        try:
            self.stack.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return
        self.stack.start()

    def run(self, seconds: float, steps: list[Callable[[], None]]) -> None:
        """Take steps at random until the time is over."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for _ in range(self.chance.randrange(1, 4)):
                self.push()
            time.sleep(self.chance.random())
            self.chance.choice(steps)()
            self.keep_up()


def linked(stack: Stack, make_repo: Callable[[], Repo]) -> list[Repo]:
    """Repositories without a policy, each linked."""
    repos = [make_repo() for _ in range(REPOSITORIES)]
    for repo in repos:
        repo.commit({"readme.md": "Nothing yet.\n"})
        stack.link(repo.url)
    return repos


def check(chaos: Chaos, *, seconds: float) -> None:
    """After the last start: everything pushed last is in force, and history is clean."""
    stack = chaos.stack
    last = {number: hashes[-1] for number, hashes in chaos.pushed.items()}
    # The last victim's neighbours may end only now.
    wait_for(lambda: chaos.keep_up(0.1) or _in_force(stack) == last, seconds=seconds)
    for number, hashes in chaos.pushed.items():
        histories = [
            [(row["commit"], row["content_hash"]) for row in _history(stack, f"r{number}-{n}")]
            for n in range(FILES)
        ]
        assert histories == [histories[0]] * FILES  # A commit is applied whole.
        commits, versions = zip(*histories[0], strict=True)
        assert len(set(commits)) == len(commits)  # And once.
        assert [h for h in hashes if h in versions] == list(versions)  # In the order of git.
    wait_for(lambda: stack.get("/v1/git-repos/summary")["due_for_seconds"] < 5)
    wait_for(lambda: not list((stack.data_dir / "work").glob("*")))
    ours_now = {*stack.children(), stack.process.pid}  # type: ignore[union-attr]
    # In an hour the kernel gives a number again, to a process of anybody's.
    left = [pid for pid, start in chaos.seen.items() if start and _start(pid) == start]
    assert [pid for pid in left if is_running(pid) and pid not in ours_now] == []
    named = str(stack.data_dir).encode()
    wait_for(lambda: not [p for p, (line, _) in ours().items() if named in line])


def _start(pid: int) -> str:
    """When a process started, in ticks since the machine did; empty when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _in_force(stack: Stack) -> dict[str, str] | None:
    """The hash of each repository's files; nothing while they differ or the API is away."""
    try:
        rows = stack.get("/v1/configurations")
    except (AssertionError, OSError):
        return None
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if found_in := re.fullmatch(r"r(\d+)-\d+", row["id"]):
            found[found_in[1]].add(row["content_hash"])
    return {number: hashes.pop() for number, hashes in found.items() if len(hashes) == 1}


def _history(stack: Stack, configuration: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = stack.get(f"/v1/configurations/{configuration}/versions")
    return rows[::-1]
