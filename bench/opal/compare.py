"""A bench beside OPAL 0.9.9: the push of a policy to a fleet, and the polling of repositories.

    .venv/bin/python bench/opal/compare.py push 1000 [--rounds 3] [--envs FOLDER]
    .venv/bin/python bench/opal/compare.py poll 100 [--interval 30] [--envs FOLDER]

`push` is `fleet_push.py` with OPAL in front: N of its clients in one process, subscribed and
fetching as opal-client does, then N gateways on the embedded default. Measured from the call
that starts a rollout (OPAL's webhook, after which it pulls from a repository on disk; our PATCH)
until each has a policy of 5 kB. If OPAL loses clients at a size, or takes over five minutes, that
is printed and the next smaller size is tried; ours is measured at the size that went well.

`poll` is `polling_fleet.py` where nothing is down and each repository is a real one: N scopes of
OPAL, then N links on PostgreSQL and Redis, on the same simulated forge: two rounds in which
nothing is pushed, then a push every few seconds, left to the poll. Visible is, at OPAL, what it
tells its clients of; here, the version. OPAL waits an interval after each pass.

CPU and memory are those of the servers' processes, Redis and PostgreSQL among them.
`server.py` tells how OPAL is started. Both sides run one after the other.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import random
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT)]

import fleet_push  # noqa: E402
from environments import opal_python  # noqa: E402
from fleet_push import (  # noqa: E402
    CONFIGURATION,
    IDLE_SECONDS,
    Fleet,
    Gateway,
    quantiles,
    until,
)
from polling_fleet import parts  # noqa: E402
from processes import cpu_seconds, memory_mib  # noqa: E402
from server import Clients, OpalServer, listen  # noqa: E402
from simulated.forge import ForgeProcess, url_of  # noqa: E402

SIZES = (10_000, 5_000, 2_000, 1_000, 500, 200, 100)
PATIENCE_SECONDS = 300.0
OPAL_PORT, FORGE_PORT = 18_702, 18_419
PUSHES = 10
SECRET_KEY = "only-for-benchmarks-0123456789abcdef0123"


@dataclass
class Side:
    """The measurements of one side.

    CPU is a share of a core, in `rollouts` seconds; memory is MiB: idle, and `loaded` with
    rollouts or repositories.
    """

    name: str
    pids: list[int]
    idle: float = 0.0
    busy: float = 0.0
    rate: float = 0.0
    memory: float = 0.0
    loaded: float = 0.0
    waits: list[float] = field(default_factory=list)
    rollouts: list[float] = field(default_factory=list)

    def cpu(self) -> float:
        return sum(map(cpu_seconds, self.pids))

    def mib(self) -> float:
        return sum(map(memory_mib, self.pids))

    async def rest(self) -> None:
        """Measure the side while it idles."""
        await asyncio.sleep(5)
        before = self.cpu()
        await asyncio.sleep(IDLE_SECONDS)
        self.idle = (self.cpu() - before) / IDLE_SECONDS
        self.memory = self.mib()

    @contextmanager
    def rollout(self) -> Iterator[None]:
        """Measure what the side takes beyond its idle cost."""
        before, began = self.cpu(), time.time()
        yield
        self.rollouts.append(self.cpu() - before - self.idle * (time.time() - began))
        self.loaded = self.mib()


def commit(repository: Path, number: int) -> str:
    """Commit a version of a policy as large as the gateways'."""
    text = f"package fleet\n# {number}\n" + "# filler of a line of some sixty letters .....\n" * 100
    parent = "from refs/heads/main^0\n" if number else ""
    stream = (
        "commit refs/heads/main\ncommitter Bench <bench@keeptrusts.example> now\n"
        f"data 4\npush\n{parent}M 100644 inline fleet.rego\ndata {len(text)}\n{text}\n"
    )
    git = ["git", f"--git-dir={repository}"]
    importing = [*git, "fast-import", "--quiet", "--date-format=now"]
    subprocess.run(importing, input=stream.encode(), check=True)
    done = subprocess.run([*git, "rev-parse", "main"], check=True, capture_output=True, text=True)
    return done.stdout.strip()


async def opal_push(server: OpalServer, repository: Path, count: int, rounds: int) -> Side:
    """Measure OPAL's rollouts to `count` clients.

    Raises:
        AssertionError: OPAL does not hold so many.
    """
    side = Side("OPAL", [server.process.pid])
    loop, url = asyncio.get_running_loop(), f"file://{repository}"
    body = {"ref": "refs/heads/main", "repository": {"clone_url": url}}
    async with Clients(server.url, count) as clients:

        def have(head: str, least: int = count) -> bool:
            assert not clients.lost, clients.lost[0]
            return len(clients.got[head]) >= least

        first, began = server.wait_for("/policy")["hash"], time.time()
        for number in range(count):
            clients.connect(number)
            await until(lambda n=number: have(first, n - 50), PATIENCE_SECONDS)
        await until(lambda: have(first), PATIENCE_SECONDS)
        print(f"OPAL: {count} connected, with a bundle, after {time.time() - began:.1f} s")
        await side.rest()
        for number in range(rounds):
            head, began = commit(repository, number + 1), time.time()
            with side.rollout():
                await loop.run_in_executor(
                    None, lambda: server.ask("POST", "/webhook", body, **{"X-GitHub-Event": "push"})
                )
                await until(lambda h=head: have(h), PATIENCE_SECONDS)
            side.waits += [at - began for at in clients.got[head]]
            print(f"OPAL, round {number + 1}: {quantiles(side.waits[-count:])}", flush=True)
    return side


async def our_push(stack: Any, made: list[tuple[str, str]], rounds: int) -> Side:
    side = Side("ours", [stack.process.pid])
    fleet, loop = Fleet(stack.port, stack.events_port), asyncio.get_running_loop()
    fleet.gateways = [Gateway(fleet, *one) for one in made]
    await fleet_push.connect(fleet)
    fleet.spawn(fleet.heartbeats())
    await side.rest()
    for number in range(rounds):
        content, began = fleet_push.policy(100 + number), time.time()
        digest = hashlib.sha256(content.encode()).hexdigest()
        reports = sum(fleet.reports.values()) + len(made)
        with side.rollout():
            path = f"/v1/configurations/{CONFIGURATION}"
            await loop.run_in_executor(None, stack.request, "PATCH", path, {"content": content})
            await until(lambda d=digest: all(d in g.enforced for g in fleet.gateways), 600)
            # They report what they took; that is part of what a rollout costs.
            await until(lambda r=reports: sum(fleet.reports.values()) >= r, 900)
        side.waits += [gateway.enforced[digest] - began for gateway in fleet.gateways]
        print(f"ours, round {number + 1}: {quantiles(side.waits[-len(made) :])}", flush=True)
    fleet.reconnecting = False
    return side


def held_push(options: argparse.Namespace, folder: Path) -> tuple[int, Side] | None:
    """OPAL at the largest of the sizes that it holds."""
    for count in (options.size, *(size for size in SIZES if size < options.size)):
        home = folder / f"opal-{count}"
        repository = home / "policy.git"
        home.mkdir()
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", repository], check=True)
        commit(repository, 0)
        settings = {"POLICY_REPO_URL": f"file://{repository}", "POLICY_REPO_MAIN_BRANCH": "main"}
        with (
            OpalServer(opal_python(options.envs), home, OPAL_PORT, **settings) as server,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            try:
                return count, runner.run(opal_push(server, repository, count, options.rounds))
            except AssertionError as exc:
                print(f"OPAL does not hold {count} clients: {exc}", flush=True)
    return None


def push(options: argparse.Namespace, folder: Path) -> None:
    opal = held_push(options, folder)
    count = opal[0] if opal else options.size
    stack, made = fleet_push.start(folder, {"KEEPTRUSTS_SECRET_KEY": SECRET_KEY}, count)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            ours = runner.run(our_push(stack, made, options.rounds))
    finally:
        stack.stop()
    print(f"\npush to {count}, {options.rounds} rounds")
    sides = [side for side in (opal and opal[1], ours) if side]
    for side in sides:
        print(
            f"{side.name:<5} {quantiles(side.waits)}; idle {100 * side.idle:.2f} % of a core and "
            f"{side.memory:.0f} MiB; a rollout {statistics.mean(side.rollouts):.2f} CPU s and "
            f"{side.loaded:.0f} MiB"
        )
    if opal:
        say_ratios(*sides)
        times = sum(opal[1].rollouts) / sum(ours.rollouts)
        print(f"rollout's CPU {times:.1f} times ours")


def say_ratios(opal: Side, ours: Side) -> None:
    """Print OPAL's figures as multiples of ours."""
    for name, share in (("p50", 0.5), ("p99", 0.99), ("last", 1.0)):
        ends = [sorted(side.waits) for side in (opal, ours) if side.waits]
        at = [waits[min(int(len(waits) * share), len(waits) - 1)] for waits in ends]
        print(name, f"{at[0] / at[1]:.1f} times ours" if len(at) == 2 else "never", end=", ")
    print(f"idle {opal.idle / ours.idle:.2f}, memory {opal.loaded / ours.loaded:.2f},", end=" ")


async def polled(
    side: Side, options: argparse.Namespace, forge: ForgeProcess,
    adopt: Callable[[list[int]], None], seen: Callable[[list[int]], dict[str, float]],
) -> Side:  # fmt: skip
    """Measure idle, quiet polling and pushes; `seen` gives the time each commit became visible."""
    await side.rest()
    before, began = [cpu_seconds(pid) for pid in side.pids], time.time()
    numbers = [hundred * 100 for hundred in range(options.size)]
    adopt(numbers)
    wall = time.time() - began
    used = [cpu_seconds(pid) - was for pid, was in zip(side.pids, before, strict=True)]
    told = f", {used[0]:.1f} s of it without PostgreSQL and Redis" if side.name == "ours" else ""
    print(
        f"{side.name}: {options.size} taken after {wall:.1f} s, with {sum(used):.1f} s of"
        f" CPU{told}",
        flush=True,
    )
    await asyncio.sleep(options.interval)

    # From a poll to the one as many rounds later: OPAL's come in passes with a pause between.
    first = await risen(forge, polls(forge) + 1)
    before, began = side.cpu(), time.time()
    last = await risen(forge, first + 2 * options.size)
    seconds = time.time() - began
    side.busy = (side.cpu() - before) / seconds
    side.rate = (last - first) / seconds
    side.loaded = side.mib()

    chance, pushed = random.Random(2), []
    for number in chance.sample(numbers, min(PUSHES, options.size)):
        pushed.append((number, *forge.push(number)))
        await asyncio.sleep(options.interval / PUSHES)
    for _ in range(30):
        await asyncio.sleep(options.interval / 5)
        at = seen([number for number, _, _ in pushed])
        side.waits = [at[head] - when for _, head, when in pushed if head in at]
        if len(side.waits) == len(pushed):
            break
    print(f"{side.name}: {len(side.waits)} of {len(pushed)} pushes became visible", flush=True)
    return side


async def risen(forge: ForgeProcess, least: int) -> int:
    """Wait until there were `least` polls; returns their number."""
    await until(lambda: polls(forge) >= least, PATIENCE_SECONDS)
    return polls(forge)


def polls(forge: ForgeProcess) -> int:
    """The listings so far: by the newer protocol, or in the older one's first answer."""
    asked = forge.stats()
    return asked.get("changing", 0) + asked.get("advertised", 0)


def opal_poll(options: argparse.Namespace, folder: Path, forge: ForgeProcess) -> Side:
    settings = {
        "SCOPES": 1, "POLICY_REFRESH_INTERVAL": options.interval,
        "REDIS_URL": f"{os.environ['REDIS_URL']}?db=9",
    }  # fmt: skip
    home = folder / "opal"
    home.mkdir()
    with OpalServer(opal_python(options.envs), home, OPAL_PORT, **settings) as server:
        times: dict[str, float] = {}
        watching = threading.Thread(target=watch, args=(server.url, options.size, times))
        watching.start()

        def adopt(numbers: list[int]) -> None:
            for first in range(0, len(numbers), 10):
                # It refuses to clone more than forty at a time.
                for number in numbers[first : first + 10]:
                    server.ask("PUT", "/scopes", scope(number))
                for number in numbers[first : first + 10]:
                    server.wait_for(f"/scopes/s{number}/policy")

        redis = parts([server.process.pid], forge.process.pid)["redis"]
        side = Side("OPAL", [server.process.pid, redis])
        asyncio.run(polled(side, options, forge, adopt, lambda _: dict(times)))
    watching.join()
    return side


def scope(number: int) -> dict[str, Any]:
    source = {
        "source_type": "git", "url": url_of(number, FORGE_PORT), "branch": "main",
        "auth": {"auth_type": "none"}, "poll_updates": True, "extensions": [".yaml"],
    }  # fmt: skip
    return {"scope_id": f"s{number}", "policy": source}


def watch(url: str, scopes: int, times: dict[str, float]) -> None:
    """Note the first time of each commit of every scope, until the server ends."""

    def note(update: Any) -> None:
        if update:
            times.setdefault(update["new_policy_hash"], time.time())

    async def listening() -> None:
        topics = [f"s{hundred * 100}:policy:." for hundred in range(scopes)]
        async with aiohttp.ClientSession() as session:
            await listen(session, url, topics, note)

    asyncio.run(listening())


def our_poll(options: argparse.Namespace, folder: Path, forge: ForgeProcess) -> Side:
    from tests.support.stack import Stack, wait_for

    servers = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
    stack = Stack(folder / "data", KEEPTRUSTS_SECRET_KEY=SECRET_KEY, **servers).start()
    try:
        pids = parts([stack.process.pid], forge.process.pid)
        side = Side("ours", [stack.process.pid, pids["postgres"], pids["redis"]])

        def adopt(numbers: list[int]) -> None:
            for number in numbers:
                stack.link(
                    url_of(number, FORGE_PORT),
                    branch="main",
                    poll_interval_seconds=options.interval,
                )
            wait_for(
                lambda: all(row["last_commit"] for row in stack.get("/v1/git-repos")), seconds=600
            )

        def seen(numbers: list[int]) -> dict[str, float]:
            versions = [
                version
                for number in numbers
                for version in stack.get(f"/v1/configurations/policy-{number}/versions")
            ]
            return {
                version["commit"]: datetime.fromisoformat(version["created_at"]).timestamp()
                for version in versions
            }

        return asyncio.run(polled(side, options, forge, adopt, seen))
    finally:
        stack.stop()


def poll(options: argparse.Namespace, folder: Path) -> None:
    from tests import services

    print(services.pytest_report_header())
    forge = ForgeProcess(folder, options.size * 100, FORGE_PORT)
    try:
        sides = [side(options, folder, forge) for side in (opal_poll, our_poll)]
    finally:
        forge.process.kill()
        forge.process.wait()
    print(f"\n{options.size} repositories every {options.interval} s")
    for side in sides:
        print(
            f"{side.name:<5} {side.rate:.2f} polls/s; {side.busy / side.rate * 1000:.2f} ms of CPU "
            f"a poll, {(side.busy - side.idle) / side.rate * 1000:.2f} ms more than idle "
            f"({100 * side.idle:.2f} % of a core); {side.loaded:.0f} MiB; "
            f"push to visible {quantiles(side.waits) if side.waits else 'never'}"
        )
    opal, ours = sides
    say_ratios(opal, ours)
    print(f"CPU a poll {opal.busy / opal.rate / (ours.busy / ours.rate):.1f} times ours", end=", ")
    more = [(side.busy - side.idle) / side.rate for side in sides]
    print(f"more than idle {more[0] / more[1]:.1f} times ours")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("bench", choices=("push", "poll"))
    parser.add_argument("size", type=int, help="clients and gateways, or repositories")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--interval", type=int, default=30)
    parser.add_argument("--envs", type=Path, default=Path(tempfile.gettempdir()) / "poll-envs")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="opal-bench-") as name:
        {"push": push, "poll": poll}[options.bench](options, Path(name))


if __name__ == "__main__":
    main()
