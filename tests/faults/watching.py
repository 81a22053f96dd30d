"""Callers who ask all the time, and what they were told and when."""

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.faults.world import World
from tests.support.repo import policy
from tests.support.stack import Reply

_PAUSE_SECONDS = 0.2


@dataclass(frozen=True)
class Seen:
    """An answer: when it came, after which time, and how it was meant."""

    at: float
    seconds: float
    status: int
    code: str = ""
    retry_after: str = ""
    message: str = ""

    @property
    def is_honest(self) -> bool:
        """Whether it is done, or refused in the API's words and with the time to come again."""
        is_refused = (self.status, self.code) == (503, "unavailable") and bool(self.retry_after)
        return self.status < 300 or is_refused


@dataclass
class Watch:
    """What the callers of each kind were told, in order."""

    seen: dict[str, list[Seen]] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)

    def of(self, kind: str, *, since: float = 0.0, until: float = float("inf")) -> list[Seen]:
        """The answers to calls that were made within a time (monotonic)."""
        return [one for one in self.seen[kind] if since <= one.at - one.seconds < until]

    def slowest(self, kind: str, *, since: float, until: float) -> float:
        """The longest that one of them took."""
        return max((one.seconds for one in self.of(kind, since=since, until=until)), default=0.0)


@contextmanager
def watching(world: World, callers: int = 1) -> Iterator[Watch]:
    """Ask for everything until the end of the block, each kind by so many callers."""
    watch, over = Watch(), threading.Event()
    asks: dict[str, Callable[[], Reply]] = {
        "reads": lambda: world.stack.request("GET", "/v1/git-repos"),
        "writes": lambda: _create(world, watch),
        "healthz": lambda: world.stack.request("GET", "/healthz", token="none"),
        "readyz": lambda: world.stack.request("GET", "/readyz", token="none"),
        "gateway": lambda: _of_gateway(world),
    }
    threads = []
    for (kind, ask), _ in itertools.product(asks.items(), range(callers)):
        rows = watch.seen.setdefault(kind, [])
        threads.append(threading.Thread(target=_repeat, args=(ask, rows, over), daemon=True))
    for thread in threads:
        thread.start()
    try:
        yield watch
    finally:
        over.set()
        for thread in threads:
            thread.join(timeout=60)
        assert not any(thread.is_alive() for thread in threads), "a caller waits for an answer"


def _repeat(ask: Callable[[], Reply], rows: list[Seen], over: threading.Event) -> None:
    while not over.wait(_PAUSE_SECONDS):
        began = time.monotonic()
        try:
            reply = ask()
        except OSError as exc:
            ended = time.monotonic()
            rows.append(Seen(ended, ended - began, 599, type(exc).__name__))
            continue
        ended = time.monotonic()
        error = reply.json.get("error") or {} if reply.status >= 400 else {}
        again = reply.headers.get("Retry-After", reply.headers.get("retry-after", ""))
        code, message = error.get("code", ""), error.get("message", "")
        rows.append(Seen(ended, ended - began, reply.status, code, again, message))


def _create(world: World, watch: Watch) -> Reply:
    """Make a configuration, and remember it when it was acknowledged."""
    name = f"w{os.urandom(5).hex()}"
    body = {"id": name, "content": policy(name)}
    reply = world.stack.request("POST", "/v1/configurations", body)
    if reply.status == 201:
        watch.created.append(name)
    return reply


def _of_gateway(world: World) -> Reply:
    answer = world.gateway.get("/keeptrusts/config")
    return Reply(answer.status, answer.headers, answer.body)
