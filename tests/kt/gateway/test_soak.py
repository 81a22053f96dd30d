"""What takes minutes: reloads and restarts under load."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.kt.gateway.support import HARMFUL, ModelServer, Running, Starter, chat, pack, targets

pytestmark = pytest.mark.soak

RELOAD = "/keeptrusts/config/reload"
SECONDS = 600


@contextlib.contextmanager
def load(gateway: Running, judge: Callable[[int, str], None]) -> Iterator[list[int]]:
    """Four clients that keep asking; `judge` sees each status and configuration."""
    ending = threading.Event()
    counts = [0] * 4

    def ask(number: int) -> None:
        line = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
        body = json.dumps(chat(HARMFUL)).encode()
        while not ending.is_set():
            line.request("POST", "/v1/chat/completions", body)
            answer = line.getresponse()
            answer.read()
            judge(answer.status, answer.getheader("x-keeptrusts-config-hash") or "")
            counts[number] += 1
        line.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield counts
    finally:
        ending.set()
        for thread in threads:
            thread.join()


def test_reloads_under_load_lose_nothing(start: Starter) -> None:
    """Each answer is what one of the two policies says, and never a mixture."""
    policies = {200: pack("[audit-logger]", "{}"), 409: pack()}
    gateway = start(policies[200], "--mock-upstream", "--decision-log", "none")
    seen: set[tuple[int, str]] = set()
    with load(gateway, lambda status, digest: seen.add((status, digest))) as counts:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            for text in policies.values():
                gateway.policy.write_text(text)
                gateway.post(b"", RELOAD)
                time.sleep(1)

    assert {status for status, _ in seen} == {200, 409}
    assert len(seen) == 2
    assert min(counts) > SECONDS


def test_a_target_that_comes_and_goes_is_fallen_back_from(
    start: Starter, model: ModelServer
) -> None:
    """The second target serves while the first is gone."""
    first = ModelServer()
    fallback = "  fallback: {triggers: [server_error, timeout], max_fallback_attempts: 1}"
    policy = pack("[audit-logger]", "{}", targets(first, model, more=fallback))
    gateway = start(policy, "--decision-log", "none")
    statuses: set[int] = set()
    with load(gateway, lambda status, _: statuses.add(status)):
        time.sleep(10)
        first.close()
        time.sleep(30)

    assert statuses == {200}
    assert model.seen
