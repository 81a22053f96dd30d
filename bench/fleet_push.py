"""A bench of the push: the time until a fleet of gateways enforces a version, and its cost.

    .venv/bin/python bench/fleet_push.py 1000
    .venv/bin/python bench/fleet_push.py 10000 --servers

Runs the whole control plane (`manage.py up`), on the embedded default or with `--servers` on
PostgreSQL and Redis, and N gateways in one process that speak the real protocol: each holds an
event stream, checks the signature of what it is told, fetches the bytes by their hash from the
push process, checks them, and reports to it. What a real gateway does besides, compiling a
policy, is left out.

Prints publish to enforced (p50, p99, last), from the version's own time; CPU and memory of each
process idle and in a rollout; and how they all come back after a restart.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import re
import resource
import secrets
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import uvloop
from simulated.gateways import Fleet, Gateway

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]

CONFIGURATION = "fleet"
IDLE_SECONDS = 20
TICKS = os.sysconf("SC_CLK_TCK")
PARTS = {
    **{f"keeptrusts: {part}": part for part in ("streams", "web", "poller", "syncer")},
    "redis.sock": "broker",
    "valkey": "broker",
    "redis-server": "broker",
}


def policy(number: int) -> str:
    """A policy of about 5 kB; each number is another content."""
    return (
        "pack:\n  name: Fleet\n  version: 1.0.0\n  enabled: true\npolicies:\n  chain:\n"
        "    - safety-filter\n"
        f"# {number}\n" + "".join(["# filler of a line of some sixty letters .....\n"] * 100)
    )


def register(count: int) -> list[tuple[str, str]]:
    """Put gateways into the database as registrations would; returns (name, token) of each."""
    from django.db import transaction
    from django.utils import timezone

    from access.tokens import digest
    from configurations.publish import publish
    from gateways.models import Gateway as Row
    from gateways.signing import keys
    from keeptrusts import counters

    pin = keys.ensure()
    made = [(f"g{n:05}", f"ktg_{pin}.{secrets.token_urlsafe(32)}") for n in range(count)]
    now = timezone.now()
    with transaction.atomic():
        seq, changed = publish(), counters.bump(Row.COUNTER)
        Row.objects.bulk_create(
            [
                Row(
                    pk=name, name=name, digest=digest(token), bound_id=CONFIGURATION,
                    configuration_id=CONFIGURATION, bound_seq=seq, bound_at=now,
                    changed_seq=changed, created_at=now, updated_at=now,
                )
                for name, token in made
            ],
            batch_size=500,
        )  # fmt: skip
    return made


def usage(parent: int) -> dict[str, tuple[float, float]]:
    """CPU seconds and MiB (its own and its share of what is shared) of each part so far."""
    from tests.support.stack import descendants

    totals: dict[str, tuple[float, float]] = {}
    for pid, line in descendants(parent).items():
        name = next((part for word, part in PARTS.items() if word in line), "other")
        try:
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        pss = re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)
        cpu, memory = totals.get(name, (0.0, 0.0))
        totals[name] = (
            cpu + (int(stat[11]) + int(stat[12])) / TICKS,
            memory + (int(pss[1]) / 1024 if pss else 0),
        )
    return totals


def own_cpu() -> float:
    """CPU seconds of this process, the simulated gateways."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def spent(before: dict[str, Any], after: dict[str, Any], seconds: float) -> str:
    """CPU of each part as a share of a core, and its memory now."""
    shares = {
        name: (after[name][0] - before.get(name, (0, 0))[0]) / seconds for name in sorted(after)
    }
    rows = [
        f"{name} {100 * share:.1f} % {after[name][1]:.0f} MiB" for name, share in shares.items()
    ]
    return f"{100 * sum(shares.values()):.1f} % of a core in all: " + ", ".join(rows)


def quantiles(values: Iterable[float]) -> str:
    """p50, p99 and the last one, in milliseconds."""
    ordered = [1000 * value for value in sorted(values)]
    p99 = ordered[int(len(ordered) * 0.99)]
    middle = statistics.median(ordered)
    return f"p50 {middle:.0f} ms, p99 {p99:.0f} ms, last {ordered[-1]:.0f} ms"


def waited(parent: int) -> float:
    """Seconds that the push process and this one stood ready while others had the cores."""
    from tests.support.stack import descendants

    pids = [pid for pid, line in descendants(parent).items() if line == "keeptrusts: streams"]
    stats = [Path(f"/proc/{pid}/schedstat").read_text() for pid in (*pids, os.getpid())]
    return sum(int(stat.split()[1]) for stat in stats) / 1e9


async def until(probe: Any, seconds: float) -> None:
    """Wait until `probe` is true."""
    end = time.monotonic() + seconds
    while not probe():
        assert time.monotonic() < end, "it never came"
        await asyncio.sleep(0.02)


async def one_round(stack: Any, fleet: Fleet, number: int) -> list[float]:
    """Publish a version; the seconds from its time until each gateway enforced it."""
    loop, parent = asyncio.get_running_loop(), stack.process.pid
    path = f"/v1/configurations/{CONFIGURATION}"
    content = policy(100 + number)
    digest = hashlib.sha256(content.encode()).hexdigest()
    before, cpu, begin = usage(parent), own_cpu(), time.time()
    reports, stood = sum(fleet.reports.values()), waited(parent)
    await loop.run_in_executor(None, stack.request, "PATCH", path, {"content": content})
    await until(lambda: all(digest in g.enforced for g in fleet.gateways), 600)
    stood = waited(parent) - stood
    pushed = usage(parent)["streams"][0] - before["streams"][0]
    print(f"round {number + 1}: streams {pushed:.2f} CPU s, gateways {own_cpu() - cpu:.2f} CPU s,")
    print(f"  and both stood ready for {stood:.2f} s while others had the cores")
    await until(lambda: sum(fleet.reports.values()) >= reports + len(fleet.gateways), 900)
    took = time.time() - begin
    versions = stack.get(f"{path}/versions")
    published = datetime.fromisoformat(versions[0]["created_at"]).timestamp()
    waits = [g.enforced[digest] - published for g in fleet.gateways]
    print(f"  {quantiles(waits)}; all had reported after {took:.1f} s")
    print("  CPU in that time:", spent(before, usage(parent), took), flush=True)
    return waits


async def connect(fleet: Fleet) -> None:
    """Connect every gateway, and wait until each enforces and has reported."""
    begin = time.time()
    everyone = fleet.gateways
    for first in range(0, len(everyone), 100):
        hundred = everyone[first : first + 100]
        await asyncio.gather(*(fleet.connect(g, wait=False) for g in hundred))
    await until(lambda: len(fleet.connected) == len(everyone), 900)
    await until(lambda: all(g.enforced for g in everyone), 900)
    print(f"{len(everyone)} connected and enforcing after {time.time() - begin:.1f} s", flush=True)
    await until(lambda: sum(fleet.reports.values()) >= len(everyone), 900)
    print(f"all reported after {time.time() - begin:.1f} s; {dict(fleet.reports)}", flush=True)


async def measure(stack: Any, made: list[tuple[str, str]], rounds: int) -> None:
    """Measure and print: idle, rounds of a rollout, a restart."""
    loop = asyncio.get_running_loop()
    parent = stack.process.pid
    fleet = Fleet(stack.port, stack.events_port)
    fleet.gateways = [Gateway(fleet, *one) for one in made]
    alone = usage(parent)
    await asyncio.sleep(IDLE_SECONDS)
    print("without gateways:", spent(alone, usage(parent), IDLE_SECONDS), flush=True)

    await connect(fleet)
    fleet.spawn(fleet.heartbeats())
    await asyncio.sleep(5)
    before, cpu, reports = usage(parent), own_cpu(), sum(fleet.reports.values())
    await asyncio.sleep(IDLE_SECONDS)
    print("idle:", spent(before, usage(parent), IDLE_SECONDS))
    rate = (sum(fleet.reports.values()) - reports) / IDLE_SECONDS
    share = 100 * (own_cpu() - cpu) / IDLE_SECONDS
    print(f"  {rate:.0f} reports/s; the gateways themselves {share:.1f} %", flush=True)

    everything: list[float] = []
    for number in range(rounds):
        everything += await one_round(stack, fleet, number)
        await asyncio.sleep(2)
    print("publish to enforced, all rounds:", quantiles(everything))
    begin = time.time()
    drift = stack.request("GET", "/v1/drift").json["summary"]
    print(f"GET /v1/drift took {time.time() - begin:.2f} s")
    print("drift:", drift, "answers to reports:", dict(fleet.reports), "asked again:", fleet.again)
    print(
        "rollout:", stack.get(f"/v1/configurations/{CONFIGURATION}/rollout")["seconds"], flush=True
    )

    fleet.arrivals.clear()
    begin = time.time()
    await loop.run_in_executor(None, stack.stop)
    print(f"stopped in {time.time() - begin:.1f} s", flush=True)
    await loop.run_in_executor(None, stack.start)
    up = time.time()
    await until(lambda: len(fleet.connected) == len(made), 900)
    back = usage(stack.process.pid)
    seconds = Counter(int(at - up) for at in fleet.arrivals)
    last, most = max(fleet.arrivals) - up, max(seconds.values())
    print(f"restart: all back {last:.1f} s after it was up, at most {most} in a second")
    print(
        "  since its start:",
        ", ".join(f"{n} {c:.1f} CPU s {m:.0f} MiB" for n, (c, m) in sorted(back.items())),
    )
    fleet.reconnecting = False


def start(folder: Path, environment: dict[str, str], count: int) -> tuple[Any, Any]:
    """A control plane with one policy and `count` gateways (name, token) bound to it."""
    from tests.support.stack import Stack

    stack = Stack(folder / "data", **environment).start()
    os.environ.update(stack.environment, DJANGO_SETTINGS_MODULE="keeptrusts.settings")
    import django

    django.setup()
    body = {"id": CONFIGURATION, "content": policy(0)}
    assert stack.request("POST", "/v1/configurations", body).status == 201
    made = register(count)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return stack, made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gateways", type=int)
    parser.add_argument("--servers", action="store_true", help="PostgreSQL and Redis")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix="fleet-bench-"))
    environment = {"KEEPTRUSTS_SECRET_KEY": "only-for-benchmarks-0123456789abcdef0123"}
    if asked.servers:
        from tests import services

        print(services.pytest_report_header())
        environment |= {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
    stack, made = start(folder, environment, asked.gateways)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(measure(stack, made, asked.rounds))
    finally:
        if stack.process is not None and stack.process.poll() is None:
            stack.stop()


if __name__ == "__main__":
    main()
