"""One port for people, forges and gateways: what each process answers is asked of the other."""

import http.client
import json
import os
import signal
import socket
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.support.events import Events
from tests.support.repo import policy
from tests.support.stack import Stack, title, wait_for

_SECONDS = 60
# More than is read with the head.
_LARGE = 600_000


@pytest.fixture
def gateway(shared_stack: Stack) -> dict[str, Any]:
    """A gateway with a policy of its own."""
    name = f"one-{uuid4().hex[:8]}"
    made = {"id": name, "content": policy("First")}
    assert shared_stack.request("POST", "/v1/configurations", made).status == 201
    body = {"id": name, "configuration": name}
    row: dict[str, Any] = shared_stack.request("POST", "/v1/gateways", body).data
    return row


@pytest.fixture
def line(shared_stack: Stack) -> Iterator[http.client.HTTPConnection]:
    """A connection that is opened once."""
    opened = http.client.HTTPConnection("127.0.0.1", shared_stack.port, timeout=_SECONDS)
    opened.connect()
    opened.auto_open = 0
    yield opened
    opened.close()


def _ask(
    line: http.client.HTTPConnection, method: str, path: str, token: str, body: bytes | None = None
) -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    line.request(method, path, body, headers)
    answer = line.getresponse()
    return answer.status, answer.read()


def _report(**fields: Any) -> bytes:
    report = {
        "running": None, "health": "ok", "problem": None, "kt_version": "0.1.0",
        "started_at": "2026-01-31T12:00:00Z", "stopping": False, "counters": {}, "stream": False,
        **fields,
    }  # fmt: skip
    return json.dumps(report).encode()


def test_one_connection_reaches_both(
    shared_stack: Stack, gateway: dict[str, Any], line: http.client.HTTPConnection
) -> None:
    """To and fro, with bodies too; each sees the client's address, not the other process's."""
    own, token, admin = f"/v1/gateways/{gateway['id']}", gateway["token"], shared_stack.token()
    large = json.dumps({"name": "x" * _LARGE}).encode()
    for _ in range(3):
        assert _ask(line, "GET", "/v1/whoami", admin)[0] == 200
        assert _ask(line, "GET", f"{own}/configuration", token) == (200, policy("First").encode())
        assert _ask(line, "POST", f"{own}/report", token, _report())[0] == 200
        assert _ask(line, "GET", f"{own}/client-keys", token)[0] == 404
        assert _ask(line, "POST", f"{own}/decisions", token, large)[0] == 400
        assert _ask(line, "POST", "/v1/tokens", admin, large)[0] == 400


def test_events_come_by_the_one_address(shared_stack: Stack, gateway: dict[str, Any]) -> None:
    """The one that gateways are told; a change is told there at once."""
    assert gateway["events_url"] == shared_stack.url
    stream = Events(shared_stack.port, f"/v1/gateways/{gateway['id']}/events", gateway["token"])
    try:
        first = stream.next()
        change = {"content": policy("Second"), "override": True}
        path = f"/v1/configurations/{gateway['id']}"
        assert shared_stack.request("PATCH", path, change).status == 200
        assert int(stream.next().id) > int(first.id)
    finally:
        stream.close()


def test_a_request_that_was_sent_too_early_has_to_be_sent_again(
    shared_stack: Stack, gateway: dict[str, Any]
) -> None:
    """Of two that were sent at once, each for another process, the first is answered."""
    rest = f"HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway['token']}\r\n\r\n"
    both = f"GET /healthz {rest}GET /v1/gateways/{gateway['id']}/events {rest}"
    with socket.create_connection(("127.0.0.1", shared_stack.port), timeout=_SECONDS) as raw:
        raw.sendall(both.encode())
        answered = b""
        while piece := raw.recv(65536):
            answered += piece
    assert answered.count(b"HTTP/1.1 200") <= 1
    assert b"event-stream" not in answered


def test_either_process_may_end(shared_stack: Stack, gateway: dict[str, Any]) -> None:
    """A stream outlives the web; without the process of streams the web answers what it can."""
    stack, own, token = shared_stack, f"/v1/gateways/{gateway['id']}", gateway["token"]
    stream = Events(stack.port, f"{own}/events", token)
    stream.next()

    _kill(stack, title("web"))
    wait_for(stack.is_healthy)
    change = {"content": policy("Second"), "override": True}
    path = f"/v1/configurations/{gateway['id']}"
    assert stack.request("PATCH", path, change).status == 200
    stream.next()

    _kill(stack, title("streams"))
    with pytest.raises(EOFError):
        _read_all(stream)
    stream.close()
    statuses = set(iter(lambda: _status(stack, f"{own}/configuration", token), 200))
    assert statuses <= {0, 503}
    wait_for(lambda: _is_streamed(stack, own, token))


def _status(stack: Stack, path: str, token: str) -> int:
    """The status of an answer; 0 where its process ended with the request."""
    try:
        return stack.request("GET", path, token=token).status
    except (OSError, http.client.HTTPException):
        return 0


def _is_streamed(stack: Stack, own: str, token: str) -> bool:
    stream = Events(stack.port, f"{own}/events", token)
    stream.close()
    return stream.status == 200


def _read_all(stream: Events) -> None:
    while True:
        stream.next()


def _kill(stack: Stack, name: str) -> None:
    os.kill(next(pid for pid, line in stack.children().items() if name in line), signal.SIGKILL)
