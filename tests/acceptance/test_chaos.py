"""Kills at random moments while repositories are pushed to: nothing is lost, doubled or half done.

A full disk is tried where a file system of a few MiB can be mounted, which takes root, and clocks
are set where a C compiler is.
"""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from gitrepos.polling import claims
from tests.support.processes import ours
from tests.support.repo import Repo, policy
from tests.support.servers import Postgres, Redis
from tests.support.stack import Stack, is_running, wait_for

REPOSITORIES = 4
FILES = 3
# A killed process of the syncer's pool keeps its remote for as long as a sync may take.
_RECOVERED_SECONDS = claims.LEASE_SECONDS + 60
_CLOCK = Path(__file__).parents[1] / "support" / "settable_clock.c"
PARTS = ["queues tick", "queues sync", "beat", "keeptrusts.serving.web", "manage.py up"]


class Chaos:
    """Pushes and kills, in turn and by chance, and remembers what was pushed."""

    def __init__(self, stack: Stack, repos: list[Repo], chance: Random) -> None:
        self.stack, self.repos, self.chance = stack, repos, chance
        self.pushed: dict[str, list[str]] = defaultdict(list)
        self.killed: list[str] = []
        self.seen: dict[int, str] = {}

    def push(self) -> None:
        """One commit changes every file of a repository."""
        number = self.chance.randrange(len(self.repos))
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
        if victims:
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


def _linked(stack: Stack, make_repo: Callable[[], Repo]) -> list[Repo]:
    repos = [make_repo() for _ in range(REPOSITORIES)]
    for repo in repos:
        repo.commit({"readme.md": "Nothing yet.\n"})
        stack.link(repo.url)
    return repos


def _check(chaos: Chaos, *, seconds: float) -> None:
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
        found[re.sub(r"^r|-\d+$", "", row["id"])].add(row["content_hash"])
    return {number: hashes.pop() for number, hashes in found.items() if len(hashes) == 1}


def _history(stack: Stack, configuration: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = stack.get(f"/v1/configurations/{configuration}/versions")
    return rows[::-1]


@pytest.mark.soak
def test_kills_of_everything_lose_nothing(
    embedded_stack: Stack, make_repo: Callable[[], Repo]
) -> None:
    """On the embedded default, whose broker is among the victims."""
    embedded_stack.start()
    seed = int.from_bytes(os.urandom(4))
    print("seed", seed)
    chaos = Chaos(embedded_stack, _linked(embedded_stack, make_repo), Random(seed))

    chaos.run(20, [chaos.kill])

    assert chaos.killed
    _check(chaos, seconds=_RECOVERED_SECONDS)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[Postgres, Redis]]:
    """A PostgreSQL and a Redis that may be killed."""
    with Postgres() as postgres, Redis(tmp_path / "redis.sock") as redis:
        yield postgres, redis


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A data folder of 8 MiB where that can be had, else one as large as the disk."""
    folder = tmp_path / "data"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
    yield folder
    if mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _fill(folder: Path) -> None:
    """No space is left in a small folder for some seconds."""
    if not folder.is_mount():
        return
    filler = folder / "filler"
    with filler.open("wb") as file:
        try:
            while file.write(b"\0" * 65_536):
                file.flush()
        except OSError:
            time.sleep(3)
    filler.unlink()


class Clock:
    """The time of day that the whole stack sees; the clock that nobody sets goes on."""

    def __init__(self, folder: Path, chance: Random) -> None:
        self._file, self._library, self._chance = folder / "clock", folder / "clock.so", chance
        self.steps = 0
        if compiler := shutil.which("cc"):
            build = [compiler, "-shared", "-fPIC", "-O2", "-o", self._library, _CLOCK, "-ldl"]
            subprocess.run(build, check=True)
        self.set(0)

    def environment(self) -> dict[str, str]:
        """What a stack needs to see it."""
        if not self._library.exists():
            return {}
        return {"LD_PRELOAD": str(self._library), "SETTABLE_CLOCK": str(self._file)}

    def set(self, ahead_seconds: int) -> None:
        """Back and forth count from the true time."""
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(ahead_seconds.to_bytes(8, sys.byteorder, signed=True))
        self.steps += 1

    def step(self) -> None:
        """Seconds, minutes or a day, either way."""
        far = self._chance.choice([20, 300, 86_400])
        self.set(self._chance.choice([0, far, -far]))


@pytest.mark.soak
def test_kills_of_servers_too_lose_nothing(
    servers: tuple[Postgres, Redis],
    small_disk: Path,
    tmp_path: Path,
    make_repo: Callable[[], Repo],
) -> None:
    """PostgreSQL and Redis among the victims, a disk that fills up, a clock that is set.

    `SOAK_SECONDS` says for how long; ten minutes if nothing does.
    """
    postgres, redis = servers
    chance = Random(seed := int.from_bytes(os.urandom(4)))
    clock = Clock(tmp_path, chance)
    stack = Stack(
        small_disk,
        DATABASE_URL=postgres.url,
        REDIS_URL=redis.url,
        KEEPTRUSTS_SECRET_KEY="only-for-tests-0123456789abcdef0123456789",
        **clock.environment(),
    ).start()
    chaos = Chaos(stack, _linked(stack, make_repo), chance)
    steps = [chaos.kill] * 4 + [postgres.kill, redis.kill, lambda: _fill(small_disk), clock.step]
    try:
        chaos.run(float(os.environ.get("SOAK_SECONDS", "600")), steps)
        print(f"seed {seed}, {len(chaos.killed)} kills of parts, "
              f"{postgres.kills} of PostgreSQL, {redis.kills} of Redis, "
              f"{clock.steps if clock.environment() else 0} steps of the clock, "
              f"{sum(map(len, chaos.pushed.values()))} pushes")  # fmt: skip
        clock.set(0)
        _check(chaos, seconds=300)  # A sync that was killed holds its remote for its lease.
        with psycopg.connect(postgres.url) as connection:
            held = connection.execute("select count(*) from gitrepos_remote where stalled")
            assert held.fetchone() == (0,)
    finally:
        if stack.process is not None and stack.process.poll() is None:
            stack.stop()
