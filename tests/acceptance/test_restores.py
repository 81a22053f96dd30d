"""A database that is restored under a running control plane, with gateways bound to it."""

import contextlib
import hashlib
import http.client
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.kt.gateway.support import Running
from tests.support.events import Events
from tests.support.gateways import unb64u
from tests.support.managed import fleet, register, seen
from tests.support.repo import policy
from tests.support.restoring import Archive, Backup
from tests.support.stack import Stack, wait_for

# Within a minute a gateway is back by itself; the rest is for a machine that has other work.
_BACK_SECONDS = 90


class World:
    """Three gateways and what each was told: on streams of their own, and by the web.

    `said` has one content for each sequence, or a round fails.
    """

    def __init__(self, stack: Stack, folder: Path, chance: Random, open_: ExitStack) -> None:
        self.stack, self.folder, self.chance = stack, folder, chance
        self.said: dict[tuple[str, int], tuple[Any, ...]] = {}
        self.contradictions: list[tuple[str, int]] = []
        self.slowest_seconds = 0.0
        own = f"restored-{os.urandom(4).hex()}"  # Digits with an "e" alone are a number.
        self.policies = [f"{own}-{n}" for n in range(2)]
        for one in self.policies:
            self._ask("POST", "/v1/configurations", {"id": one, "content": policy(one)}, 201)
        self.names = [f"{own}-edge-{n}" for n in range(3)]
        self.tokens = {name: register(stack, name, self.policies[0]) for name in self.names}
        gateways = open_.enter_context(fleet(stack, folder / "gateways"))
        self.running = {name: gateways.start(name, self.tokens[name]) for name in self.names}
        self.writes = 0
        self._end = threading.Event()
        for name in self.names:
            listener = threading.Thread(target=self._listen, args=(name,), daemon=True)
            listener.start()
            open_.callback(listener.join, timeout=30)
        open_.callback(self._close)

    def _close(self) -> None:
        self._end.set()
        for name in self.names:  # Which ends its streams.
            self._ask("DELETE", f"/v1/gateways/{name}", None, 200)

    def _ask(self, method: str, path: str, body: Any, status: int) -> None:
        reply = self.stack.request(method, path, body)
        assert reply.status == status, reply.body

    def _listen(self, name: str) -> None:
        """Note what a stream says, beside the gateway's own."""
        while not self._end.is_set():
            with contextlib.suppress(OSError, EOFError, http.client.HTTPException):
                self._hear(name)
            time.sleep(0.1)

    def _hear(self, name: str) -> None:
        path = f"/v1/gateways/{name}/events"
        events = Events(self.stack.events_port, path, self.tokens[name])
        with contextlib.closing(events), events.answer:
            while events.status == 200:
                event = events.next()
                if event.name == "configuration":
                    self._note(name, event.data["statement"])

    def _note(self, name: str, statement: str) -> None:
        told = json.loads(unb64u(statement))
        key = name, told["publish_seq"]
        content = told["configuration"], told["version"], told["content_hash"]
        if self.said.setdefault(key, content) != content:
            self.contradictions.append(key)

    def write(self) -> None:
        """Another policy."""
        self.writes += 1
        body = {"content": policy(f"Write {self.writes} {self.policies[0]}")}
        path = f"/v1/configurations/{self.chance.choice(self.policies)}"
        self._ask("PATCH", path, body, 200)

    def bind(self) -> None:
        """A gateway bound to one of the two policies."""
        path = f"/v1/gateways/{self.chance.choice(self.names)}"
        self._ask("PATCH", path, {"configuration": self.chance.choice(self.policies)}, 200)

    def pull(self) -> None:
        """Every gateway's policy from the web, as an older gateway asks for it."""
        for name in self.names:
            path = f"/v1/gateways/{name}/configuration"
            reply = self.stack.request("GET", path, token=self.tokens[name])
            if reply.status == 200:
                self._note(name, reply.headers["keeptrusts-statement"])

    def wait(self) -> None:
        """Long enough for some of the processes to look, or for all."""
        time.sleep(self.chance.choice([0.05, 0.3, 1, 2.5]))

    def some(self, steps: list[Callable[[], None]]) -> None:
        """Some steps in any order."""
        for step in self.chance.sample(steps, self.chance.randrange(1, len(steps) + 1)):
            step()

    def backup(self) -> Backup | Archive:
        """A backup by either way that this machine has."""
        url = self.stack.environment["DATABASE_URL"]
        if shutil.which("pg_restore") and self.chance.random() < 0.5:
            return Archive(url, self.folder)
        return Backup(url)

    def check(self) -> None:
        """Every gateway enforces the database's word, and drift says so."""
        began = time.monotonic()
        for name, gateway in self.running.items():
            wait_for(lambda n=name, g=gateway: self._is_back(n, g),  # type: ignore[misc]
                     seconds=_BACK_SECONDS)  # fmt: skip
        self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)
        assert self.contradictions == []

    def _is_back(self, name: str, gateway: Running) -> bool:
        bound = self.stack.get(f"/v1/gateways/{name}")["bound"]
        content = self.stack.request("GET", f"/v1/configurations/{bound}/content").body
        digest = hashlib.sha256(content).hexdigest()
        row, enforced = seen(self.stack, name), gateway.get("/keeptrusts/config").json
        return (enforced["id"], enforced["content_hash"], row["running_hash"], row["state"]) == (
            bound, digest, digest, "in_sync",
        )  # fmt: skip

    def round(self, backups: list[Backup | Archive]) -> None:
        """Back up, write, restore one of the last backups, and go on in any order."""
        backups.append(self.backup())
        self.some([self.write, self.write, self.bind, self.pull, self.wait])
        self.chance.choice(backups[-3:]).restore()
        self.some([self.write, self.pull, self.wait, self.bind])
        self.check()


@pytest.fixture
def world(shared_stack: Stack, tmp_path: Path) -> Iterator[World]:
    """Gateways that are in sync."""
    if "DATABASE_URL" not in shared_stack.environment:
        pytest.skip("the embedded database is restored while nothing runs")
    with ExitStack() as open_:
        made = World(shared_stack, tmp_path, Random(seed := os.urandom(4).hex()), open_)
        print("seed", seed)
        made.check()
        yield made


def test_gateways_come_back_after_a_restore(world: World) -> None:
    """One that lost what all had taken, with a write that hides it."""
    backup = Backup(world.stack.environment["DATABASE_URL"])
    world.write()
    world.bind()
    world.check()

    backup.restore()
    world.write()

    world.check()


@pytest.mark.soak
def test_every_restore_ends_on_the_restored_word(world: World) -> None:
    """All orders, backups of several ages; `RESTORES` says how many, 200 if nothing does."""
    backups: list[Backup | Archive] = []
    for number in range(int(os.environ.get("RESTORES", "200"))):
        print("round", number, f"slowest {world.slowest_seconds:.1f} s", flush=True)
        world.round(backups)
    print(f"{world.writes} writes, {len(world.said)} statements, none with another's sequence;"
          f" all gateways back within {world.slowest_seconds:.1f} s")  # fmt: skip
