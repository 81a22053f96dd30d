"""Clients that leave: while limits are counted elsewhere, or with several calls under way."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from tests.kt.gateway.support import (
    CHAT,
    ModelServer,
    Reply,
    Running,
    Starter,
    chat,
    pack,
    targets,
    until,
)
from tests.support.servers import Redis

BY_TOKENS = "token_rate_limit: {max_tokens: 99999, window_seconds: 3600}"
ANSWER = {"choices": [], "usage": {"prompt_tokens": 2000, "completion_tokens": 3000}}
DELAY_SECONDS = 0.2


@contextmanager
def delayed(path: Path) -> Iterator[str]:
    """The address of a Redis that hears everything a moment late."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pass_on(source: socket.socket, sink: socket.socket, seconds: float) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                time.sleep(seconds)
                sink.sendall(data)
        sink.close()

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, server = listener.accept()[0], socket.socket(socket.AF_UNIX)
                server.connect(str(path))
                for pair in ((client, server, DELAY_SECONDS), (server, client, 0.0)):
                    threading.Thread(target=pass_on, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    with closing(listener):
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


@pytest.fixture
def counts(tmp_path: Path) -> Iterator[str]:
    """The address of a Redis that is slow."""
    path = tmp_path / "redis"
    with Redis(path), delayed(path) as url:
        yield url


def request() -> bytes:
    """A call in bytes, on a connection that goes on."""
    body = json.dumps(chat()).encode()
    return b"POST %s HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s" % (
        CHAT.encode(), len(body), body,
    )  # fmt: skip


def is_idle(gateway: Running) -> bool:
    """Whether no call is in progress."""
    return b"\nkeeptrusts_requests_in_flight 0\n" in gateway.get("/metrics").body


def called(gateway: Running) -> socket.socket:
    """A connection on which the head of an answer came."""
    line = socket.create_connection(("127.0.0.1", gateway.port), 60)
    line.sendall(request())
    assert line.recv(12) == b"HTTP/1.1 200"
    return line


def test_the_next_call_of_a_connection_is_watched_too(
    start: Starter, model: ModelServer, counts: str
) -> None:
    """Also where the tokens of the one before are still being counted as it begins."""
    slow = Reply(chunks=[b"{}"], before_seconds=20)
    replies = iter([Reply(chunks=[json.dumps(ANSWER).encode()]), slow])
    model.reply = lambda _: next(replies)
    gateway = start(pack(more=f"{BY_TOKENS}\n{targets(model)}"), KEEPTRUSTS_LIMITS_URL=counts)

    with called(gateway) as line:
        line.sendall(request())
        until(lambda: len(model.seen) == 2)
        left = time.monotonic()
    until(lambda: is_idle(gateway))

    assert time.monotonic() - left < 15


def test_a_client_that_leaves_while_its_tokens_are_counted_is_served_no_more(
    start: Starter, model: ModelServer, counts: str
) -> None:
    """Its target is not asked."""
    model.says(Reply(chunks=[json.dumps(ANSWER).encode()]))
    gateway = start(pack(more=f"{BY_TOKENS}\n{targets(model)}"), KEEPTRUSTS_LIMITS_URL=counts)

    with socket.create_connection(("127.0.0.1", gateway.port), 60) as line:
        line.sendall(request())
        until(lambda: not is_idle(gateway))
    until(lambda: is_idle(gateway))

    assert model.seen == []


def test_a_client_that_leaves_with_several_calls_is_no_error(
    start: Starter, model: ModelServer
) -> None:
    """The first of them is served, the last is the one that came: neither is begun after that."""
    model.says(Reply(chunks=[b"{}"], before_seconds=2))
    gateway = start(pack(more=targets(model)))

    with socket.create_connection(("127.0.0.1", gateway.port), 60) as line:
        line.sendall(request() * 3)
        until(lambda: model.seen)
    until(lambda: is_idle(gateway))
    _, _, said = gateway.stop()

    assert len(model.seen) == 1
    assert "ASGI" not in said
