"""A bench of streams: what the guard costs for each event of short and of very long ones.

    python bench/streams.py [--rounds 3]

Each round judges streams of 1,000, 10,000 and 100,000 events, which are there at once, as the relay
hands them over. A cost that is linear has the same microseconds for each. `longest` is the CPU
time of the longest piece of work, for which other calls wait.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from gateway import POLICY

from kt.gateway.options import Options
from kt.gateway.policy.judging import Judge
from kt.gateway.policy.loading import Loaded, load, warm
from kt.gateway.policy.source import Sourced
from kt.gateway.stream.guard import Guard
from kt.policy.decision import Request

SIZES = (1_000, 10_000, 100_000)
# As many as the relay judges before other calls have their turn.
BATCH = 32


def event(number: int) -> bytes:
    delta = {"content": f"word{number} and "}
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    body = {"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def measure(loaded: Loaded, size: int) -> tuple[float, float]:
    """CPU microseconds for each event, and the milliseconds of the longest piece of work."""
    events = [*map(event, range(size)), b"data: [DONE]\n\n"]
    guard = Guard(Judge(loaded, Request({"messages": []}, model="m"), "block"))
    began = time.thread_time()
    longest, sent = 0.0, 0
    for at in range(0, len(events), BATCH):
        before = time.thread_time()
        sent += len(guard.feed(events[at : at + BATCH]))
        longest = max(longest, time.thread_time() - before)
    before = time.thread_time()
    sent += len(guard.finish())
    longest = max(longest, time.thread_time() - before)
    assert sent == sum(map(len, events))
    return (time.thread_time() - began) / size * 1e6, longest * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    policy = Sourced(POLICY.replace("PORT", "9").encode())
    loaded = load(policy, Options("bench"), {}, source="bench", now="")
    warm(loaded)
    measure(loaded, SIZES[0])
    took: dict[int, list[tuple[float, float]]] = {size: [] for size in SIZES}
    for _ in range(options.rounds):
        for size in SIZES:
            took[size].append(measure(loaded, size))
    print(f"{'events':>10}{'us each':>10}{'÷ 1,000':>10}{'longest ms':>12}")
    first = median(each for each, _ in took[SIZES[0]])
    for size, samples in took.items():
        each, longest = (median(column) for column in zip(*samples, strict=True))
        print(f"{size:>10,}{each:>10.1f}{each / first:>10.2f}{longest:>12.1f}")


if __name__ == "__main__":
    main()
