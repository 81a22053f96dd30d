"""A bench of reports: the CPU of one, at the web and at the process of event streams.

    .venv/bin/python bench/reports.py [--gateways 200] [--rounds 5]

Runs the whole control plane on the embedded default. In each round every gateway sends ten
reports that say what its last one said, a hundred at a time and each on a connection of its own,
first to the web, by way of Django, then to the process of event streams. Prints the CPU of all
processes for one report, above what they take without any, and the ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop
from fleet_push import connect, start, usage
from simulated.gateways import Fleet, Gateway

_EACH = 10
_AT_ONCE = 100
_IDLE_SECONDS = 5


def cpu(stack: Any) -> float:
    """CPU seconds of all processes so far."""
    return sum(seconds for seconds, _ in usage(stack.process.pid).values())


async def burst(stack: Any, fleet: Fleet, idle: float) -> float:
    """CPU milliseconds for one report, when all gateways send theirs."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(gateway: Gateway) -> None:
        async with places:
            await gateway.report(gateway.statement)

    before, begin = cpu(stack), time.monotonic()
    many = [gateway for gateway in fleet.gateways for _ in range(_EACH)]
    await asyncio.gather(*(one(gateway) for gateway in many))
    spent = cpu(stack) - before - idle * (time.monotonic() - begin)
    assert set(fleet.reports) == {200}, fleet.reports
    return 1000 * spent / len(many)


async def measure(stack: Any, made: list[tuple[str, str]], rounds: int) -> None:
    fleet = Fleet(stack.port, stack.events_port)
    fleet.gateways = [Gateway(fleet, *one) for one in made]
    await connect(fleet)
    before = cpu(stack)
    await asyncio.sleep(_IDLE_SECONDS)
    idle = (cpu(stack) - before) / _IDLE_SECONDS
    sides: dict[str, list[float]] = {"web": [], "streams": []}
    for _ in range(rounds):
        for name, port in (("web", stack.port), ("streams", stack.events_port)):
            fleet.reports_port = port
            sides[name].append(await burst(stack, fleet, idle))
    web, streams = (statistics.median(values) for values in sides.values())
    print(f"one report: web {web:.2f} ms, streams {streams:.2f} ms, ratio {web / streams:.1f}")
    fleet.reconnecting = False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gateways", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    environment = {"KEEPTRUSTS_SECRET_KEY": "only-for-benchmarks-0123456789abcdef0123"}
    folder = Path(tempfile.mkdtemp(prefix="reports-bench-"))
    stack, made = start(folder, environment, asked.gateways)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(measure(stack, made, asked.rounds))
    finally:
        stack.stop()


if __name__ == "__main__":
    main()
