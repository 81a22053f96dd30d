"""Kills at random moments while repositories are pushed to: nothing is lost, doubled or half done.

A full disk is tried where a file system of a few MiB can be mounted, which takes root, and clocks
are set where a C compiler is.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import psycopg
import pytest

from gitrepos.polling import claims
from tests.support.chaos import Chaos, check, linked
from tests.support.repo import Repo
from tests.support.servers import Postgres, Redis
from tests.support.stack import Stack

# What a killed syncer worked on is free once its leases have ended.
_RECOVERED_SECONDS = claims.LEASE_SECONDS + 60
_CLOCK = Path(__file__).parents[1] / "support" / "settable_clock.c"


@pytest.mark.soak
def test_kills_of_everything_lose_nothing(
    embedded_stack: Stack, make_repo: Callable[[], Repo]
) -> None:
    """On the embedded default, whose broker is among the victims."""
    embedded_stack.start()
    seed = int.from_bytes(os.urandom(4))
    print("seed", seed)
    chaos = Chaos(embedded_stack, linked(embedded_stack, make_repo), Random(seed))

    chaos.run(20, [chaos.kill])

    assert chaos.killed
    check(chaos, seconds=_RECOVERED_SECONDS)


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
        # Of the kind that the parent hands to its parts.
        return {"LD_PRELOAD": str(self._library), "LD_SETTABLE_CLOCK": str(self._file)}

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
    chaos = Chaos(stack, linked(stack, make_repo), chance)
    steps = [chaos.kill] * 4 + [postgres.kill, redis.kill, lambda: _fill(small_disk), clock.step]
    try:
        chaos.run(float(os.environ.get("SOAK_SECONDS", "600")), steps)
        print(f"seed {seed}, {len(chaos.killed)} kills of parts, "
              f"{postgres.kills} of PostgreSQL, {redis.kills} of Redis, "
              f"{clock.steps if clock.environment() else 0} steps of the clock, "
              f"{sum(map(len, chaos.pushed.values()))} pushes")  # fmt: skip
        clock.set(0)
        check(chaos, seconds=300)  # A sync that was killed holds its remote for its lease.
        with psycopg.connect(postgres.url) as connection:
            held = connection.execute("select count(*) from gitrepos_remote where stalled")
            assert held.fetchone() == (0,)
    finally:
        if stack.process is not None and stack.process.poll() is None:
            stack.stop()
