"""Load for a gateway: clients that send requests, each on its own thread."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

from tests.kt.gateway.support import CHAT, Answer, Running

Judge = Callable[[Answer], None]


@contextlib.contextmanager
def load(
    gateway: Running,
    body: dict[str, Any],
    judge: Judge,
    *,
    clients: int = 4,
    keep_alive: bool = True,
) -> Iterator[list[int]]:
    """Ask until the block ends; how often each client was answered, and `judge` sees how.

    A client stops when the port is closed. Every other failure is raised when the block ends.
    """
    ending = threading.Event()
    counts = [0] * clients
    failures: list[Exception] = []

    def run(number: int) -> None:
        try:
            for answer in _ask(gateway.port, json.dumps(body).encode(), ending, keep_alive):
                judge(answer)
                counts[number] += 1
        except ConnectionRefusedError:
            return
        except (OSError, http.client.HTTPException, AssertionError) as exc:
            failures.append(exc)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield counts
    finally:
        ending.set()
        for thread in threads:
            thread.join()
    if failures:
        raise ExceptionGroup("clients were not answered", failures)


def _ask(port: int, body: bytes, ending: threading.Event, keep_alive: bool) -> Iterator[Answer]:
    """Answers, over one connection as long as the gateway keeps it, or one connection each."""
    headers = {"content-type": "application/json"}
    if not keep_alive:
        headers["connection"] = "close"
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    while not ending.is_set():
        line.request("POST", CHAT, body, headers)
        answer = line.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        yield Answer(answer.status, names, answer.read())
    line.close()
