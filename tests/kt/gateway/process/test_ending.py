"""Shutdown of a gateway under load, and of a target behind one."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kt.gateway.load import load
from tests.kt.gateway.support import (
    SAFE,
    Answer,
    ModelServer,
    Running,
    Starter,
    chat,
    pack,
    targets,
    until,
)

SLOW = [{"contains": "slow", "text": "All is well. " * 8, "chunk_delay_ms": 15}]


@pytest.fixture
def gateway(start: Starter, tmp_path: Path) -> Running:
    """On a mock that streams slowly when it is asked to."""
    script = tmp_path / "script.json"
    script.write_text(json.dumps(SLOW))
    own = ("--mock-upstream", "--mock-script", str(script), "--decision-log", "none")
    return start(pack(), *own)


@contextlib.contextmanager
def busy(gateway: Running) -> Iterator[None]:
    """Clients with connections that stay, with one for each call, and with streams."""

    def whole(answer: Answer) -> None:
        assert answer.text == f"Mock answer to: {SAFE}"

    def streamed(answer: Answer) -> None:
        assert answer.streamed_text == SLOW[0]["text"]
        assert answer.events[-1] == "[DONE]"

    with contextlib.ExitStack() as stack:
        counts = [
            stack.enter_context(load(gateway, chat(), whole)),
            stack.enter_context(load(gateway, chat(), whole, keep_alive=False)),
            stack.enter_context(load(gateway, chat("slow", stream=True), streamed, clients=8)),
        ]
        until(lambda: all(min(one) > 3 for one in counts))
        yield


def test_a_gateway_that_is_told_to_stop_cuts_nothing(gateway: Running) -> None:
    """Every call that reached it is answered whole, every stream to its end mark."""
    with busy(gateway):
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(300) == 0


def test_a_target_that_dies_is_fallen_back_from_until_it_is_back(
    start: Starter, model: ModelServer
) -> None:
    """No call fails: those that it held and those that come meanwhile go to the second."""
    first = ModelServer()
    fallback = "  fallback: {triggers: [server_error, timeout], max_fallback_attempts: 1}"
    gateway = start(pack(more=targets(first, model, more=fallback)), "--decision-log", "none")

    def state() -> str:
        return str(gateway.get("/health").json["providers"]["t0"])

    waiting = threading.Event()

    def answered(answer: Answer) -> None:
        assert answer.status == 200
        if waiting.is_set():
            time.sleep(0.05)

    with load(gateway, chat(), answered, clients=2):
        until(lambda: len(first.seen) > 10)
        first.close()
        until(lambda: state() == "failing")
        asked = len(model.seen)
        until(lambda: len(model.seen) > asked + 10)
        # For ten seconds the first is not asked; nothing is gained by thousands of calls.
        waiting.set()
        with contextlib.closing(ModelServer(first.port)) as again:
            until(lambda: len(again.seen) > 10)
            assert state() == "available"
