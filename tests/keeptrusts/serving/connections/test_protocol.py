"""Bounds on what a client may send before the application hears of it."""

import asyncio
import contextlib
import gc
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import uvicorn
from django.conf import settings

from keeptrusts.serving.connections import protocol
from keeptrusts.serving.connections.protocol import BoundedProtocol
from keeptrusts.serving.connections.turns import ReadTurns
from keeptrusts.serving.connections.untaken import UntakenBodies
from tests.support.stack import wait_for

# More than the kernel keeps of it.
_LARGE = 16 << 20
Connect = Callable[[], socket.socket]


async def _app(scope: Any, receive: Any, send: Any) -> None:
    """`/in` is let in and held, `/late` comes late; `/echo` is answered with its body.

    Everything else is answered at once.
    """
    if scope["path"] == "/in":
        scope["state"]["admit"]()
    if scope["path"] == "/late":
        await asyncio.sleep(5)
    if scope["path"] == "/large":
        head = [(b"content-length", b"%d" % _LARGE)]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": bytes(_LARGE)})
        return
    if scope["path"] == "/echo":
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        told = json.dumps([len(body), len(scope["headers"])]).encode()
        head = [(b"content-length", b"%d" % len(told))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": told})
        return
    head = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    while scope["path"] == "/in" and (await receive())["type"] != "http.disconnect":
        pass
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[uvicorn.Server, socket.socket]]:
    """A running server, and where it listens."""
    config = uvicorn.Config(
        _app, http=BoundedProtocol, ws="none", lifespan="off", log_config=None,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    wait_for(lambda: server.started)
    yield server, listener
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
def connect(
    monkeypatch: pytest.MonkeyPatch, server: tuple[uvicorn.Server, socket.socket]
) -> Iterator[Connect]:
    """Connect to it, with smaller numbers of connections."""
    monkeypatch.setattr(protocol, "MOST_WAITING", 3)
    monkeypatch.setattr(BoundedProtocol, "most_connections", 6)
    running, listener = server
    with ExitStack() as opened:
        yield lambda: opened.enter_context(
            socket.create_connection(listener.getsockname(), timeout=300)
        )
    wait_for(lambda: not running.server_state.connections)


def _refusal(raw: socket.socket) -> tuple[int, str]:
    """Status and code of an answer after which the connection ends."""
    answer = http.client.HTTPResponse(raw)
    answer.begin()
    assert answer.getheader("Content-Type") == "application/json"
    assert answer.getheader("Connection") == "close"
    code = json.loads(answer.read())["error"]["code"]
    return answer.status, code


def _get(path: str, *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: x", *headers, "", ""]
    return "\r\n".join(lines).encode()


def _is_served(raw: socket.socket) -> bool:
    raw.sendall(_get("/"))
    return raw.recv(9) == b"HTTP/1.1 "


def _is_closed(raw: socket.socket) -> bool:
    try:
        return raw.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize(
    ("sent", "refusal"),
    [
        (_get("/", *[f"X-{n}: {'a' * 1000}" for n in range(100)]), (431, "head_too_large")),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000, (431, "head_too_large")),
        (_get("/", *["X: a"] * 600), (431, "head_too_large")),
        (b"GET /" + b"a" * 100_000, (431, "head_too_large")),
        (b"\r\n" * 50_000, (431, "head_too_large")),
        (b"nothing like it\r\n\r\n", (400, "bad_request")),
        (_get("/", f"Content-Length: {settings.MAX_BODY_BYTES + 1}"), (413, "body_too_large")),
        (_get("/", f"Content-Length: {'9' * 19}"), (413, "body_too_large")),
        (_get("/", f"Content-Length: {'9' * 99}"), (400, "bad_request")),
        (_get("/", "Content-Length: -1"), (400, "bad_request")),
        (_get("/", "Content-Length: 1", "Content-Length: 2"), (400, "bad_request")),
        (_get("/", "Content-Length: 1", "Transfer-Encoding: chunked"), (400, "bad_request")),
    ],
    ids=[
        "many headers",
        "one header",
        "small headers",
        "path",
        "empty lines",
        "not HTTP",
        "body",
        "huge body",
        "endless length",
        "negative length",
        "two lengths",
        "length and chunks",
    ],
)
def test_what_is_too_much_is_refused(
    connect: Connect, sent: bytes, refusal: tuple[int, str]
) -> None:
    """In JSON, as all errors, whichever part of a head is without an end."""
    raw = connect()

    raw.sendall(sent)

    assert _refusal(raw) == refusal
    assert _is_closed(raw)


_CHUNKED = _get("/echo", "Transfer-Encoding: chunked")


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (_get("/echo", "Content-Length: 300000") + b"x" * 300_000, [300_000, 2]),
        (_CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", [3, 2]),
        (_CHUNKED + b"3;a=b\r\nabc\r\n0\r\n" + b"T: x\r\n" * 9000 + b"\r\n", [3, 2]),
    ],
    ids=["more than a head may have", "chunks", "trailers"],
)
def test_a_body_is_handed_on(connect: Connect, sent: bytes, told: list[int]) -> None:
    """In one segment with its head or not; trailers are left out. Another request may follow."""
    raw = connect()

    for _ in range(2):
        raw.sendall(sent)
        answer = http.client.HTTPResponse(raw)
        answer.begin()
        assert json.loads(answer.read()) == told


@pytest.mark.parametrize(
    "piece",
    [
        b"1;" + b"a" * 60_000 + b"\r\nx\r\n", b"0\r\n" + b"T: x\r\n" * 10_000,
        b"1\r\nx\r\n" * 10_000,
    ],
    ids=["extensions", "trailers", "chunks of one byte"],
)  # fmt: skip
def test_what_no_application_sees_is_bounded(connect: Connect, piece: bytes) -> None:
    """Extensions of chunks and trailers count as the body does."""
    raw = connect()
    sent = 0

    with contextlib.suppress(ConnectionError):
        raw.sendall(_CHUNKED)
        while sent < 8 * settings.MAX_BODY_BYTES:
            raw.sendall(piece)
            sent += len(piece)
            piece = piece.removeprefix(b"0\r\n")
    assert sent < 8 * settings.MAX_BODY_BYTES


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_an_answer_before_the_body_is_read_by_its_client(connect: Connect, version: str) -> None:
    """The connection ends after it, and the rest of the body goes nowhere."""
    raw = connect()
    head = _get("/", "Content-Length: 8000000").replace(b"1.1", version.encode())
    raw.sendall(head + b"x" * 100_000)

    answer = http.client.HTTPResponse(raw)
    answer.begin()
    assert answer.read() == b"ok"
    with contextlib.suppress(ConnectionError):
        raw.sendall(b"x" * 1_000_000 + _get("/echo"))
    assert _is_closed(raw)


@pytest.mark.parametrize("sent", [b"", b"GET /", b"\r\n"], ids=["nothing", "a part", "empty line"])
@pytest.mark.parametrize("earlier", [False, True], ids=["at first", "after an answer"])
def test_a_head_that_does_not_end_is_given_up(
    monkeypatch: pytest.MonkeyPatch, connect: Connect, sent: bytes, earlier: bool
) -> None:
    """A connection that asked before has a longer time while it sends nothing at all."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    raw = connect()
    if earlier:
        raw.sendall(_get("/"))
        while not raw.recv(1000).endswith(b"ok"):
            pass
        sent = sent or b"G"
    raw.sendall(sent)

    assert _is_closed(raw)


def test_requests_are_not_heaped_up(connect: Connect) -> None:
    """One may wait for the end of another, not thousands."""
    raw = connect()

    raw.sendall(_get("/in") * 3)

    while raw.recv(1000):
        pass


def test_of_many_that_wait_the_first_makes_room(
    server: tuple[uvicorn.Server, socket.socket], connect: Connect
) -> None:
    """Whoever was let in stays, and whoever comes is heard."""
    held = connect()
    held.sendall(_get("/in"))
    assert held.recv(9) == b"HTTP/1.1 "
    first, *others = [connect() for _ in range(4)]

    assert _is_closed(first)

    assert all(_is_served(raw) for raw in others)
    assert len(server[0].server_state.connections) == 4


def test_a_connection_too_many_is_refused(connect: Connect) -> None:
    """With a reason; those that are held stay."""
    held = []
    for _ in range(6):
        # One after the other: of more than three that wait to be let in, the oldest ends.
        raw = connect()
        held.append(raw)
        raw.sendall(_get("/in"))
        assert raw.recv(9) == b"HTTP/1.1 "

    assert _refusal(connect()) == (503, "too_many_connections")

    held[0].close()
    wait_for(lambda: _is_served(connect()))


def test_answers_that_nobody_reads_make_room(
    monkeypatch: pytest.MonkeyPatch, connect: Connect
) -> None:
    """The one that waits longest ends; who reads has its answer."""
    monkeypatch.setattr(protocol, "_MOST_UNREAD_BYTES", 2 * _LARGE + (1 << 20))
    held = [connect() for _ in range(3)]
    for raw in held:
        raw.sendall(_get("/large"))
        raw.recv(1, socket.MSG_PEEK)

    assert [_length(raw) >= _LARGE for raw in held] == [False, True, True]


def _length(raw: socket.socket) -> int:
    total = 0
    with contextlib.suppress(ConnectionError):
        while total < _LARGE and (piece := raw.recv(1 << 20)):
            total += len(piece)
    return total


def test_an_answer_has_a_time_to_be_read(monkeypatch: pytest.MonkeyPatch, connect: Connect) -> None:
    """Else its client holds it in memory for ever."""
    monkeypatch.setattr(protocol, "_UNREAD_SECONDS", 0.1)
    raw = connect()
    raw.sendall(_get("/large"))
    raw.recv(1)
    wait_for(lambda: not BoundedProtocol._unread)


def test_who_reads_slowly_has_the_whole_answer(
    monkeypatch: pytest.MonkeyPatch, connect: Connect
) -> None:
    """As long as something is read at all in that time."""
    monkeypatch.setattr(protocol, "_UNREAD_SECONDS", 1.0)
    raw = connect()
    raw.sendall(_get("/large"))
    total = 0
    while total < _LARGE and (piece := raw.recv(1 << 20)):
        total += len(piece)
        time.sleep(0.05)

    assert total >= _LARGE


def test_in_one_turn_no_more_is_read_of_all_than_the_bound(
    monkeypatch: pytest.MonkeyPatch, connect: Connect
) -> None:
    """The others wait for the next turn, and are then read to their end."""
    monkeypatch.setattr(protocol, "MOST_WAITING", 100)
    monkeypatch.setattr(BoundedProtocol, "most_connections", 100)
    turns = ReadTurns(most_bytes=10_000)
    monkeypatch.setattr(BoundedProtocol, "turns", turns)
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n"
    read: list[int] = []
    feed = BoundedProtocol._feed_body

    def noted(self: BoundedProtocol, data: bytes) -> bytes:
        read.append(turns._bytes)
        return feed(self, data)

    monkeypatch.setattr(BoundedProtocol, "_feed_body", noted)
    held = [connect() for _ in range(20)]
    for raw in held:
        raw.sendall(head)
    wait_for(lambda: len(turns._busy) == 20)
    senders = [threading.Thread(target=raw.sendall, args=(b"x" * 400_000,)) for raw in held]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    for raw in held:
        answer = http.client.HTTPResponse(raw)
        answer.begin()
        assert json.loads(answer.read())[0] == 400_000
    # One connection's piece may go past it, however many have sent; uvloop reads 256 KiB at most.
    assert max(read) <= 10_000 + (256 << 10)
    assert not turns._row


def test_no_line_of_the_log_is_written_for_what_a_client_sends(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """It would hide the others."""
    raw = connect()
    raw.sendall(b"\x16\x03\x01 no http\r\n\r\n")

    assert _refusal(raw) == (400, "bad_request")
    assert caplog.records == []


def test_a_head_that_was_refused_is_not_held(connect: Connect) -> None:
    """A client that reads no answer is given up later."""
    raw = connect()
    raw.sendall(b"GET / HTTP/1.1\r\n" + b"X-A: bbbbbbbb\r\n" * 10_000)
    refused = wait_for(
        lambda: [one for one in _alive() if one._is_over and one.client == raw.getsockname()]
    )

    assert refused[0].headers == []


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost",
        _get("/"),
        _get("/", "Connection: close"),
        _get("/in"),
        b"\x16\x03\x01\r\n\r\n",
        # Of an application that answers without reading it, and of one that waits for the rest.
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n" + b"x" * 60_000,
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n" + b"x" * 60_000,
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
    ],
)  # fmt: skip
def test_a_connection_that_ended_waits_for_no_collection(sent: bytes, connect: Connect) -> None:
    """A flood of them would be held until then, and everybody would wait while it runs."""
    gc.collect()
    gc.disable()
    try:
        raw = connect()
        raw.sendall(sent)
        assert _is_served(connect())
        own = raw.getsockname()
        raw.close()
        wait_for(lambda: not any(one.client == own for one in _alive()), seconds=4)
    finally:
        gc.enable()


def test_what_came_of_a_body_is_not_held_beyond_its_answer(connect: Connect) -> None:
    """The connection may stay open, and its client never hear."""
    raw = connect()
    raw.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n" + b"x" * 60_000)
    assert raw.recv(9) == b"HTTP/1.1 "
    own = [one for one in _alive() if one.client == raw.getsockname()]

    assert [one.untaken_bytes() for one in own] == [0]


def test_what_no_application_takes_makes_room(
    monkeypatch: pytest.MonkeyPatch, connect: Connect
) -> None:
    """Applications wait before they take a body, and a thousand may."""
    monkeypatch.setattr(protocol, "MOST_WAITING", 100)
    monkeypatch.setattr(BoundedProtocol, "most_connections", 100)
    monkeypatch.setattr(BoundedProtocol, "untaken", UntakenBodies(most_bytes=300_000))
    held = [connect() for _ in range(10)]
    for raw in held:
        raw.sendall(
            b"POST /late HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n" + b"x" * 60_000
        )

    assert _is_closed(held[0])
    assert sum(one.untaken_bytes() for one in _alive()) <= 300_000 * 9 // 8 + 60_000
    assert _is_served(connect())


def _alive() -> list[BoundedProtocol]:
    return [one for one in gc.get_objects() if type(one) is BoundedProtocol]
