"""Clients that send nothing whole: nobody else waits for them, and the servers do not grow."""

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.security import hostile
from tests.support.repo import policy
from tests.support.stack import ROOT, Stack, descendants, title

EVENTS = ("configuration", "report", "decisions", "events")
_SIGNED = "X-Hub-Signature-256: sha256=" + "0" * 64 + "\r\n"
_UNFINISHED_EACH = 4
# Of a server that is not held up; its machine may be busy.
_SECONDS = 20


@pytest.fixture(scope="module")
def gateway(shared_stack: Stack) -> dict[str, Any]:
    """A registered gateway."""
    body = {"id": f"doors-{uuid4().hex[:8]}"}
    row: dict[str, Any] = shared_stack.request("POST", "/v1/gateways", body).data
    return row


def _routes(stack: Stack, gateway_id: str) -> Iterator[tuple[int, str, str]]:
    """Port, method and path of everything that there is."""
    for row in stack.get("/")["paths"]:
        path = row["path"].replace("{gateway_id}", gateway_id)
        while "{" in path:
            path = path[: path.index("{")] + str(uuid4()) + path[path.index("}") + 1 :]
        yield from ((stack.port, method, path) for method in row["methods"])
    for name in EVENTS:
        for method in ("GET", "POST"):
            yield stack.events_port, method, f"/v1/gateways/{gateway_id}/{name}"


def _begin(port: int, method: str, path: str, credential: str) -> socket.socket:
    raw = socket.create_connection(("127.0.0.1", port), timeout=_SECONDS)
    raw.sendall(
        f"{method} {path} HTTP/1.1\r\nHost: x\r\n{credential}Content-Type: application/json\r\n"
        "Content-Length: 1000\r\n\r\n{".encode()
    )
    return raw


def _ask(port: int, method: str, path: str, token: str = "", body: bytes = b"") -> int:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers["Content-Type"] = "application/json"
    line.request(method, path, body or None, headers)
    status = line.getresponse().status
    line.close()
    return status


def _report() -> bytes:
    report = {
        "running": None, "health": "ok", "problem": None, "kt_version": "0.1.0",
        "started_at": "2026-01-31T12:00:00Z", "stopping": False, "counters": {}, "stream": False,
    }  # fmt: skip
    return json.dumps(report).encode()


def _served(stack: Stack, gateway: dict[str, Any]) -> list[int]:
    """The statuses that health checks, people, forges and gateways get now."""
    own, token = f"/v1/gateways/{gateway['id']}", gateway["token"]
    return [
        _ask(stack.port, "GET", "/readyz"),
        _ask(stack.events_port, "GET", "/readyz"),
        _ask(stack.port, "GET", "/v1/whoami", stack.token()),
        _ask(stack.port, "POST", f"/v1/git-repos/{uuid4()}/webhook", body=b"{}"),
        _ask(stack.port, "POST", f"{own}/report", token, _report()),
        _ask(stack.port, "GET", f"{own}/configuration", token),
        _ask(stack.port, "GET", f"{own}/client-keys", token),
        _ask(stack.events_port, "POST", f"{own}/report", token, _report()),
        _ask(stack.events_port, "GET", f"{own}/configuration", token),
    ]


SERVED = [200, 200, 200, 401, 200, 404, 404, 200, 404]


@pytest.mark.parametrize("credential", ["nobody's", "an admin's", "a gateway's", "a forge's"])
def test_unfinished_bodies_hold_up_nobody(
    shared_stack: Stack, gateway: dict[str, Any], credential: str
) -> None:
    """On each route of each server, all at the same time."""
    line = {
        "nobody's": "",
        "an admin's": f"Authorization: Bearer {shared_stack.token()}\r\n",
        "a gateway's": f"Authorization: Bearer {gateway['token']}\r\n",
        "a forge's": _SIGNED,
    }[credential]
    with ExitStack() as held:
        for route in list(_routes(shared_stack, gateway["id"])):
            for _ in range(_UNFINISHED_EACH):
                held.enter_context(_begin(*route, line))

        assert _served(shared_stack, gateway) == SERVED


def test_guessed_tokens_hold_up_nobody(shared_stack: Stack, gateway: dict[str, Any]) -> None:
    """They wait longer each, in the process that they ask; who has a token does not."""
    own = f"/v1/gateways/{gateway['id']}/configuration"
    asked = [
        (shared_stack.port, "/v1/whoami"),
        (shared_stack.port, own),
        (shared_stack.events_port, own),
    ]
    assert _served(shared_stack, gateway) == SERVED
    with ExitStack() as held:
        for port, path in asked:
            for number in range(60):
                raw = held.enter_context(socket.create_connection(("127.0.0.1", port)))
                head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ktg_no{number}"
                raw.sendall(f"{head}\r\n\r\n".encode())

        began = time.monotonic()
        assert _served(shared_stack, gateway) == SERVED
        honest = time.monotonic() - began
        for port, path in asked:
            began = time.monotonic()
            assert _ask(port, "GET", path, "ktg_no") == 401
            assert time.monotonic() - began - honest / len(SERVED) > 1.0


def test_what_the_servers_cannot_read_is_told_in_the_envelope(shared_stack: Stack) -> None:
    """Whatever it is, as long as it is HTTP enough to be answered."""
    for port in (shared_stack.port, shared_stack.events_port):
        for sent, status in {
            b"nonsense\r\n\r\n": 400,
            b"GET / HTTP/9.9\r\n\r\n": 400,
            b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n": 400,
            b"GET / HTTP/1.1\r\nA\x00: b\r\n\r\n": 400,
            b"GET /\xff HTTP/1.1\r\n\r\n": 400,
            b"GET / HTTP/1.1\r\nA: " + b"b" * 70_000 + b"\r\n\r\n": 431,
            b"POST /v1/tokens HTTP/1.1\r\nContent-Length: 9000000\r\n\r\n": 413,
            b"GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n": 404,
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n": 400,
        }.items():
            with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as raw:
                raw.sendall(sent)
                answer = http.client.HTTPResponse(raw)
                answer.begin()
                error = json.loads(answer.read())["error"]
                assert error.pop("request_id") == answer.getheader("X-Request-Id"), sent
                assert (answer.status, set(error)) == (status, {"code", "message", "details"}), sent


def _memory(stack: Stack) -> dict[int, int]:
    """Resident KiB of the servers' processes, by pid."""
    assert stack.process is not None
    found = {}
    for pid, line in descendants(stack.process.pid).items():
        if line in (title("web"), title("streams")):
            status = Path(f"/proc/{pid}/status").read_text()
            found[pid] = int(status.partition("VmRSS:")[2].split()[0])
    return found


def _times(stack: Stack, gateway: dict[str, Any], seconds: float) -> list[float]:
    """How long honest requests take, one after the other."""
    own, token, times = f"/v1/gateways/{gateway['id']}", gateway["token"], []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for port, method, path, who, body in (
            (stack.port, "GET", "/v1/whoami", stack.token(), b""),
            (stack.port, "GET", "/v1/configurations", stack.token(), b""),
            # A report is answered once it is recorded with others of its second.
            (stack.port, "GET", f"{own}/configuration", token, b""),
            (stack.events_port, "GET", f"{own}/configuration", token, b""),
        ):
            began = time.monotonic()
            assert _ask(port, method, path, who, body) == 200
            times.append(time.monotonic() - began)
        time.sleep(0.02)
    return times


@pytest.mark.soak
@pytest.mark.parametrize("kind", hostile.KINDS)
def test_load_without_a_token(embedded_stack: Stack, kind: str) -> None:
    """A thousand connections to each server, and to one by way of the other, for two minutes:
    nothing restarts, grows or waits long.

    SOAK_LOAD_SECONDS is for another time than two minutes.
    """
    seconds = float(os.environ.get("SOAK_LOAD_SECONDS", "120"))
    stack = embedded_stack.start()
    stack.request("POST", "/v1/configurations", {"id": "chat", "content": policy("Chat")})
    row = stack.request("POST", "/v1/gateways", {"id": "honest", "configuration": "chat"}).data
    quiet = statistics.quantiles(_times(stack, row, 10), n=100)[98]
    before = _memory(stack)
    paths = [
        (stack.port, f"/v1/git-repos/{uuid4()}/webhook"),
        (stack.port, "/v1/gateways/honest/report"),
        (stack.events_port, "/v1/gateways/honest/report"),
    ]
    attackers = [
        subprocess.Popen(
            [
                sys.executable, "-m", "tests.security.hostile", kind, "1000", str(seconds),
                str(port), path,
            ],
            cwd=ROOT,
        )
        for port, path in paths
    ]  # fmt: skip
    try:
        loaded = statistics.quantiles(_times(stack, row, seconds - 5), n=100)[98]
    finally:
        for attacker in attackers:
            attacker.kill()
            attacker.wait()
    after = _memory(stack)

    grown = {pid: (after[pid] - before[pid]) // 1024 for pid in before if pid in after}
    print(f"{kind}: p99 {1000 * quiet:.1f} → {1000 * loaded:.1f} ms", end=", ")
    print(f"ratio {loaded / quiet:.1f}; grown {max(grown.values(), default=0)} MiB")
    assert after.keys() == before.keys()
    assert max(grown.values()) < 100
