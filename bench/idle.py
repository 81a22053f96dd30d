"""A control plane that does nothing: its memory, its CPU and its start, part by part.

    python bench/idle.py [--before CHECKOUT] [--seconds 60] [--rounds 3]

Each round starts the embedded default on a new data folder, ends it, starts it again, waits until
it is well, and looks at its processes for some seconds. With `--before`, a working tree of another
version with a `.venv` as `make .venv/dev` leaves it, both are measured in turn, and the ratios of
their medians are printed. Memory is the proportional set size (PSS): what processes share counts
once. CPU is in percent of one core. `healthy` is the time of the second start.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

from processes import cpu_seconds, memory_mib, own_mib, own_seconds, tree

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.stack import Stack, command_line  # noqa: E402

# By words of their command lines, the most telling first; what matches none is the parent's.
NAMES = {
    "redis": "broker", "valkey": "broker", "nursery": "judges", "forkserver": "fork server",
    "keeptrusts: ": "", "serving.web": "web", "push.server": "streams",
    "queues tick": "poller", "queues sync": "syncer", "beat": "beat",
}  # fmt: skip

Figures = dict[str, float]


def name_of(pid: int) -> str:
    """The part that a process belongs to."""
    line = command_line(pid)
    for words, name in NAMES.items():
        if words in line:
            return name or line.removeprefix(words)
    return "parent"


def started(checkout: Path, folder: Path) -> tuple[Stack, float]:
    """A control plane that is well, and the seconds that it took."""
    began = time.monotonic()
    python = checkout / ".venv" / "bin" / "python"
    stack = Stack(folder / "data").start(cwd=checkout, checkout=checkout, python=python)
    return stack, time.monotonic() - began


def measured(checkout: Path, seconds: float) -> tuple[Figures, Figures, Figures]:
    """MiB and percent of a core by part, and of the whole `healthy` and `start` in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        started(checkout, Path(folder))[0].stop()
        stack, healthy = started(checkout, Path(folder))
        assert stack.process is not None
        pid = stack.process.pid
        try:
            time.sleep(10)  # What is done once after a start is no idling.
            used = cpu_seconds(pid)
            before = {one: own_seconds(one) for one in tree(pid)}
            time.sleep(seconds)
            memory: Figures = defaultdict(float)
            cpu: Figures = defaultdict(float)
            for one in tree(pid):
                part = name_of(one)
                memory[part] += own_mib(one)
                cpu[part] += 100 * (own_seconds(one) - before.get(one, 0)) / seconds
            whole = {"healthy": healthy, "start": used, "memory": memory_mib(pid)}
        finally:
            stack.stop()
    return memory, cpu, whole


def main() -> None:
    """Measure in turn, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    sides = {"now": ROOT} | ({"before": options.before.resolve()} if options.before else {})
    found: dict[str, list[tuple[Figures, Figures, Figures]]] = {side: [] for side in sides}
    for _ in range(options.rounds):
        for side, checkout in sides.items():
            found[side].append(measured(checkout, options.seconds))
    for side, rounds in found.items():
        print(f"{side}:")
        for part in rounds[0][0]:
            mib = median(one[0].get(part, 0) for one in rounds)
            share = median(one[1].get(part, 0) for one in rounds)
            print(f"  {part:12} {mib:7.1f} MiB {share:6.2f} % of a core")
        print(f"  {'all':12} {total(rounds, 'memory'):7.1f} MiB", end="")
        print(f" {median(sum(one[1].values()) for one in rounds):6.2f} % of a core;", end="")
        print(f" healthy {total(rounds, 'healthy'):.1f} s,", end="")
        print(f" CPU of a start {total(rounds, 'start'):.1f} s")
    if options.before:
        for name in ("memory", "healthy", "start"):
            print(
                f"{name}: {total(found['now'], name) / total(found['before'], name):.2f} of before"
            )


def total(rounds: list[tuple[Figures, Figures, Figures]], name: str) -> float:
    """The median of a figure of the whole."""
    return median(one[2][name] for one in rounds)


if __name__ == "__main__":
    sys.exit(main())
