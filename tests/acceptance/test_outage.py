"""Gateways that restart while their control plane is away."""

import os
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from tests.support.managed import BLOCKED, STRICT, becomes, contact, fleet, harmful, register
from tests.support.stack import Stack, wait_for

NAMES = ("first", "second", "third")


@pytest.mark.soak
def test_enforcement_and_decisions_outlive_an_outage(embedded_stack: Stack, tmp_path: Path) -> None:
    """Every request is judged, and every decision arrives afterwards.

    `SOAK_SECONDS` says for how long; ten minutes if nothing does.
    """
    stack, chance = embedded_stack.start(), Random(1)
    body = {"id": "outage", "content": STRICT}
    assert stack.request("POST", "/v1/configurations", body).status == 201
    tokens = {name: register(stack, name, "outage") for name in NAMES}
    asked: Counter[str] = Counter()
    restarts = 0
    with fleet(stack, tmp_path / "gateways") as gateways:
        running = {name: gateways.start(name, token) for name, token in tokens.items()}

        def ask(name: str) -> int:
            asked[name] += 1
            return harmful(running[name])

        for name in NAMES:
            wait_for(lambda name=name: ask(name) == BLOCKED)  # type: ignore[misc]
        stack.stop()
        end = time.monotonic() + float(os.environ.get("SOAK_SECONDS", "600"))
        while time.monotonic() < end:
            name = chance.choice(NAMES)
            if chance.random() < 0.02:
                running[name].stop()
                running[name] = gateways.start(name, tokens[name])
                restarts += 1
            assert ask(name) == BLOCKED
            time.sleep(0.1)
        stack.start()

        for name in NAMES:
            becomes(lambda name=name: _told(stack, name), asked[name])  # type: ignore[misc]
            assert contact(running[name])["counters"]["decisions_dropped"] == 0
    print(f"{sum(asked.values())} requests, {restarts} restarts; every decision arrived")


def _told(stack: Stack, gateway: str) -> int:
    """How many decisions of a gateway the control plane has."""
    path = f"/v1/decisions?gateway={gateway}&limit=500"
    count, cursor = 0, ""
    while True:
        page = stack.request("GET", path + (f"&cursor={cursor}" if cursor else "")).json
        count += len(page["data"])
        cursor = page["next_cursor"]
        if not cursor:
            return count
