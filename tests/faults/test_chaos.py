"""Kills and faults at random while everybody writes: what was acknowledged is there at the end.

`SOAK_SECONDS` says for how long; ten minutes if nothing does.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

import psycopg
import pytest

from tests.faults.diary import Diary, state
from tests.faults.faults import BROKER, DATABASE, FAULTS, Fault
from tests.faults.ledger import NO_ANSWER, Ledger, repeating
from tests.faults.world import World, world
from tests.kt.gateway.support import Running
from tests.support.chaos import FILES, Chaos, check, linked
from tests.support.forge import Forge
from tests.support.managed import fleet, register
from tests.support.repo import Repo
from tests.support.servers import Postgres
from tests.support.stack import Stack, is_running, wait_for

_LONGEST_SECONDS = 20.0
_RECOVERED_SECONDS = 300.0
_CONFIGURATIONS = ("a", "b", "c")
_GATEWAYS = ("moved", "bound", "fed")


class _Gateways:
    """Gateways that answer whatever happens, and when and during what they did not."""

    def __init__(self, running: dict[str, Running], diary: Diary) -> None:
        self.running, self._diary = running, diary
        self.wrong: list[str] = []
        self.asked = 0
        self.slowest_seconds = 0.0

    def ask(self) -> None:
        for name, gateway in self.running.items():
            self.asked += 1
            began_at = time.monotonic()
            try:
                status = gateway.get("/keeptrusts/config").status
            except NO_ANSWER as exc:
                self._note(f"{name}: {exc!r}", gateway, began_at)
            else:
                if status != 200:
                    self._note(f"{name}: {status}", gateway, began_at)
            self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began_at)

    def _note(self, what: str, gateway: Running, began_at: float) -> None:
        told = self._diary.told(f"{what}, {state(gateway.process.pid)}", began_at)
        self.wrong.append(told)
        print(told, flush=True)


class _Storm:
    """Kills of parts and faults of servers, by chance."""

    def __init__(self, world: World, chaos: Chaos, chance: Random, diary: Diary) -> None:
        self._world, self._chaos, self._chance, self._diary = world, chaos, chance, diary
        self.faults: Counter[str] = Counter()

    def fault(self) -> None:
        """One fault, or one of each server, for up to twenty seconds, and kills meanwhile."""
        chosen = [self._one(server) for server in (DATABASE, BROKER)]
        if self._chance.random() < 0.6:
            chosen = [self._chance.choice(chosen)]
        seconds = self._chance.uniform(1, _LONGEST_SECONDS)
        self.faults.update(f"{one.server}-{one.name}" for one in chosen)
        with ExitStack() as lasting:
            for one in chosen:
                lasting.enter_context(self._diary.lasting(f"{one.server}-{one.name}"))
                lasting.enter_context(one.lasting(self._world))
            self._chaos.push()
            if self._chance.random() < 0.3:
                self._kill()
            self.pass_time(seconds)

    def kill(self) -> None:
        """A part, or the parent."""
        self._kill()
        self.pass_time(self._chance.uniform(0, 3))

    def pass_time(self, seconds: float) -> None:
        """Do what a supervisor of the parent does: start it again when it ended."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            revive(self._world.stack)
            time.sleep(0.2)

    def _kill(self) -> None:
        self._chaos.kill()
        self._diary.note(f"kill of {self._chaos.killed[-1] if self._chaos.killed else 'nobody'}")

    def _one(self, server: str) -> Fault:
        return self._chance.choice([one for one in FAULTS if one.server == server])


def revive(stack: Stack) -> None:
    """Start the parent again when it ended."""
    assert stack.process is not None
    if stack.process.poll() is not None:
        stack.spawn()


@pytest.fixture
def stormy(tmp_path: Path, forge: Forge) -> Iterator[World]:
    """A world with a PostgreSQL of its own."""
    with (
        Postgres() as postgres,
        world(
            tmp_path, forge.repository(tmp_path / "fed"), database=postgres.url, postgres=postgres
        ) as it,
    ):
        yield it


@contextmanager
def _bound(world: World, tmp: Path) -> Iterator[dict[str, Running]]:
    """Gateways: one that is bound anew all the time, one to an edited configuration, one to git."""
    first = {"moved": "a", "bound": "b", "fed": "r0-0"}
    with fleet(world.stack, tmp / "states") as gateways:
        tokens = {name: register(world.stack, name, first[name]) for name in _GATEWAYS}
        running = {name: gateways.start(name, tokens[name]) for name in _GATEWAYS}
        for gateway in running.values():
            wait_for(lambda gateway=gateway: gateway.get("/readyz").status == 200)  # type: ignore[misc]
        yield running


@pytest.mark.soak
def test_what_was_acknowledged_outlives_every_fault(
    stormy: World, tmp_path: Path, make_repo: Callable[[], Repo]
) -> None:
    """Kills of parts, faults of both servers, three gateways, writers, and pushes to git."""
    stack, chance = stormy.stack, Random(seed := int.from_bytes(os.urandom(4)))
    print("seed", seed)
    chaos, ledger = Chaos(stack, linked(stack, make_repo), chance), Ledger(stack)
    for number in range(len(chaos.repos)):
        chaos.push_to(number)
    wait_for(lambda: len(stack.get("/v1/configurations")) >= 1 + FILES * len(chaos.repos))
    for name in _CONFIGURATIONS:
        ledger.write(name, 0)
    before = stormy.threads()
    with _bound(stormy, tmp_path) as running:
        diary = Diary()
        gateways, storm = _Gateways(running, diary), _Storm(stormy, chaos, chance, diary)
        with repeating([*_writers(stack, ledger, Random(seed)), gateways.ask]):
            _run(storm, chaos, chance)
        print(f"{len(chaos.killed)} kills, faults {dict(storm.faults)}, "
              f"{sum(map(len, chaos.pushed.values()))} pushes, {ledger.count} writes acknowledged, "
              f"{ledger.refused} refused, gateways asked {gateways.asked} times, "
              f"the slowest answer after {gateways.slowest_seconds:.1f} s")  # fmt: skip
        wait_for(lambda: revive(stack) or stormy.is_well(), seconds=_RECOVERED_SECONDS)
        check(chaos, seconds=_RECOVERED_SECONDS)
        assert [*ledger.lost(), *ledger.odd, *gateways.wrong] == []
        for name, gateway in running.items():
            wait_for(lambda name=name, gateway=gateway: _enforces(stack, name, gateway), seconds=90)  # type: ignore[misc]
        wait_for(lambda: not _crowded(before, stormy.threads()))
    _ends_without_a_trace(stormy, chaos)


def _run(storm: _Storm, chaos: Chaos, chance: Random) -> None:
    end = time.monotonic() + float(os.environ.get("SOAK_SECONDS", "600"))
    while time.monotonic() < end:
        for _ in range(chance.randrange(1, 4)):
            chaos.push()
        storm.pass_time(chance.uniform(0, 4))
        chance.choice([storm.kill, storm.fault])()


def _writers(stack: Stack, ledger: Ledger, chance: Random) -> Sequence[Callable[[], None]]:
    """Two of configurations, with one between them; one of a binding; one of a link."""
    gateway = "/v1/gateways/moved"
    row = stack.link("https://127.0.0.1:9/nobody.git", suspended=True)
    link = f"/v1/git-repos/{row['id']}"
    ledger.keep(gateway, "configuration", "a")
    ledger.keep(link, "path", row["path"])
    return [
        lambda: ledger.write(chance.choice("ab"), 1),
        lambda: ledger.write(chance.choice("bc"), 2),
        lambda: ledger.set(gateway, "configuration", chance.choice(["a", "b", "c", "r1-0"])),
        lambda: ledger.set(link, "path", f"path-{os.urandom(3).hex()}"),
    ]


def _enforces(stack: Stack, name: str, gateway: Running) -> bool:
    bound = stack.get(f"/v1/gateways/{name}")["bound"]
    wanted = stack.get(f"/v1/configurations/{bound}")["content_hash"]
    (row,) = stack.get(f"/v1/drift?gateway={name}")
    runs = gateway.get("/keeptrusts/config").json["content_hash"]
    return bool(runs == wanted == row["running_hash"]) and row["state"] == "in_sync"


def _crowded(before: dict[str, int], now: dict[str, int]) -> list[str]:
    return [part for part, count in now.items() if count > before[part] + 24]


def _ends_without_a_trace(world: World, chaos: Chaos) -> None:
    """No process, connection or claim is left."""
    stack = world.stack
    running = stack.children()
    assert stack.stop() == 0
    assert [line for pid, line in running.items() if is_running(pid)] == []
    wait_for(lambda: (world.to_database.connections, world.to_broker.connections) == (0, 0))
    with psycopg.connect(world.database) as connection:
        # Since it was killed last.
        locked = connection.execute("select sum(deadlocks) from pg_stat_database").fetchone()
        assert locked == (0,)
        stalled = connection.execute(
            "select count(*) from gitrepos_remote where stalled and url like '%/repo-%'"
        )
        assert stalled.fetchone() == (0,)
    stack.start()  # The world ends it.
