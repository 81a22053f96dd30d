"""Readiness, as probes ask for it."""

import http.client
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keeptrusts.parent.readiness import Readiness, answer
from keeptrusts.processes import alive
from tests.support.stack import free_port

LOOKS = {
    "web": lambda: True, "poller": lambda: True, "poller.2": lambda: False, "beat": lambda: True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "status", "checks"),
    [
        ("/readyz", 503, {"web": "ok", "poller": "ok", "poller.2": "down", "beat": "ok"}),
        ("/readyz/web", 200, {"web": "ok"}),
        ("/readyz/poller", 503, {"poller": "ok", "poller.2": "down"}),
        ("/readyz/", 503, {"web": "ok", "poller": "ok", "poller.2": "down", "beat": "ok"}),
        ("/readyz/syncer", 404, None),
        ("/readyz/poller.2", 404, None),
        ("/readyz/web/x", 404, None),
        ("/", 404, None),
        ("/readyzweb", 404, None),
        ("http://host/readyz", 404, None),
    ],
)
def test_of_all_and_of_a_role(path: str, status: int, checks: dict[str, str] | None) -> None:
    """A role is ready when each of its processes is."""
    told, body = answer(path, LOOKS, ending=False)

    assert (told, body.get("checks")) == (status, checks)
    assert (status == 200) == ("error" not in body)


def test_what_ends_is_not_ready() -> None:
    """So that nobody is sent here any more."""
    status, body = answer("/readyz/web", LOOKS, ending=True)

    assert (status, body["checks"]) == (503, {"web": "down"})


@pytest.fixture
def port() -> Iterator[int]:
    """Where it is answered."""
    number = free_port()
    readiness = Readiness("127.0.0.1", number, {"web": lambda: True})
    readiness.start()
    yield number
    readiness._server.shutdown()
    readiness._server.server_close()


def test_a_probe_is_answered_while_others_say_nothing(port: int) -> None:
    """They are given up after seconds, and take few places."""
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(8)]
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    asked.request("GET", "/readyz")
    told = asked.getresponse()

    assert (told.status, json.loads(told.read())) == (
        200,
        {"status": "ok", "checks": {"web": "ok"}},
    )
    for one in silent:
        one.close()


def test_what_is_no_http_ends_nothing(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    """And is not told to anybody."""
    for sent in (b"\0" * 100, b"GET /readyz", b"POST /readyz HTTP/1.1\r\n\r\n", b"x" * 70_000):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(sent)

    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    asked.request("GET", "/readyz")

    assert asked.getresponse().status == 200
    assert capfd.readouterr() == ("", "")


def test_a_part_that_gives_no_sign_is_not_alive(tmp_path: Path) -> None:
    """Nor one that gave it before another start, long ago, or in a future that was set back."""
    alive.begin(tmp_path)
    assert not alive.is_alive(tmp_path, "poller")
    alive.sign(tmp_path, "poller")
    assert alive.is_alive(tmp_path, "poller")

    sign = tmp_path / "alive" / "poller"
    for at in (time.time() - 11, time.time() + 3600):
        os.utime(sign, (at, at))
        assert not alive.is_alive(tmp_path, "poller")
    alive.sign(tmp_path, "poller")
    assert alive.is_alive(tmp_path, "poller")

    alive.begin(tmp_path)
    assert not alive.is_alive(tmp_path, "poller")
