"""Answers to a managed gateway that no control plane gives."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import aiohttp
import pytest

from kt.gateway.managed.client import Client, ContactError, _why
from kt.gateway.managed.identity import Identity
from tests.support.httpserver import HTTPServer

WHO = Identity("ktg_token", "pin")
ENVELOPE = b'{"error": {"code": "invalid", "message": "", "details": []}}'


@pytest.fixture
def asked() -> list[str]:
    """The paths that were asked for."""
    return []


@pytest.fixture
def answering(asked: list[str]) -> Iterator[Callable[..., str]]:
    """Start a server that refuses everything with these bytes; its url."""
    servers = []

    def start(body: bytes, status: int = 400) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked.append(self.path)
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def failure(url: str, work: Callable[[Client], Awaitable[Any]]) -> ContactError:
    """How it ends to ask there."""

    async def ask() -> ContactError:
        client = Client(url, "edge-1")
        try:
            with pytest.raises(ContactError) as caught:
                await work(client)
        finally:
            await client.close()
        return caught.value

    return asyncio.run(ask())


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/"])
def test_the_version_stands_in_a_path_once(
    answering: Callable[[bytes], str], asked: list[str], end: str
) -> None:
    """Whether an operator, or the header that says where events are, gives it or not."""
    failure(answering(ENVELOPE) + end, lambda client: client.decide(WHO, {}))

    assert asked == ["/v1/gateways/edge-1/decisions"]


@pytest.mark.parametrize(("body", "is_final"), [(ENVELOPE, True), (b"<html>", False), (b"", False)])
def test_only_a_control_plane_refuses_for_good(
    answering: Callable[[bytes], str], body: bytes, is_final: bool
) -> None:
    """A proxy that stands in for it for a while must not cost decisions."""
    found = failure(answering(body), lambda client: client.decide(WHO, {}))

    assert (found.code, found.is_final) == ("control_plane_unreachable", is_final)


@pytest.mark.parametrize(
    "url", [f"https://{'a' * 70}.example", "https://a..example", "https://a:99999", "https://[::1"]
)
def test_an_address_that_is_none_is_not_reached(url: str) -> None:
    """Whoever names it, an operator or the header that says where events are."""
    found = failure(url, lambda client: client.decide(WHO, {}))

    assert found.code == "control_plane_unreachable"


@pytest.mark.parametrize(
    ("status", "error", "code", "message"),
    [
        (
            403,
            {"code": "permission_denied", "message": "No, you are another gateway."},
            "token_refused",
            (
                "the control plane answered 403 permission_denied: No, you are another gateway; "
                "give the --gateway-token of this --gateway-id"
            ),
        ),
        (
            409,
            {"code": "id_taken", "message": "The id 'edge-1' is taken; choose another."},
            "token_refused",
            (
                "the control plane answered 409 id_taken: The id 'edge-1' is taken; choose another"
                "; give another --gateway-id, or the --gateway-token of that gateway"
            ),
        ),
        (
            500,
            {"code": "internal", "message": "a\nb\x1b[31m\u202ec" + "d" * 999},
            "control_plane_unreachable",
            "the control plane answered 500 internal: a b [31m c" + "d" * 290,
        ),
        (503, {"code": "down"}, "control_plane_unreachable", "the control plane answered 503 down"),
        (401, [], "token_refused", "the control plane answered 401"),
    ],
)
def test_a_refusal_is_told_in_the_control_planes_words(
    answering: Callable[..., str], status: int, error: object, code: str, message: str
) -> None:
    """On one line, and with what to do at this end where that is known."""
    url = answering(json.dumps({"error": error}).encode(), status)
    found = failure(url, lambda client: client.enrol(WHO))

    assert (found.code, str(found)) == (code, message)


def test_a_control_plane_that_is_away_is_told_in_words() -> None:
    """The name of a class of a library tells an operator nothing."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    found = failure(url, lambda client: client.decide(WHO, {}))

    words = "the control plane cannot be reached: no connection could be made: Connection refused"
    assert str(found) == words


@pytest.mark.parametrize("kind", [one for _, one in inspect.getmembers(aiohttp, inspect.isclass)])
def test_no_failure_is_told_by_its_class(kind: type) -> None:
    """Whatever a later release of the library raises."""
    if issubclass(kind, aiohttp.ClientError):
        assert not re.search(r"[a-z][A-Z]|Error", _why(kind.__new__(kind)))


def _near(url: str, gateway_url: str, times: int = 2) -> list[str]:
    """The codes of reports that are sent to a gateway's own url, one after the other."""

    async def ask() -> list[str]:
        client = Client(url, "edge-1")
        client.gateway_url = gateway_url
        codes = []
        try:
            for _ in range(times):
                with pytest.raises(ContactError) as caught:
                    await client.report(WHO, {})
                codes.append(f"{caught.value.is_answered} {caught.value}"[:40])
        finally:
            await client.close()
        return codes

    return asyncio.run(ask())


def test_reports_go_to_the_nearer_url(answering: Callable[..., str], asked: list[str]) -> None:
    """What the control plane itself refuses there is refused."""
    codes = _near("http://127.0.0.1:9", answering(ENVELOPE))

    assert (len(asked), {code.split()[0] for code in codes}) == (2, {"True"})


@pytest.mark.parametrize("near", ["nobody", "a proxy", "another server"])
def test_who_is_not_answered_there_asks_the_api(
    answering: Callable[..., str], asked: list[str], near: str
) -> None:
    """At once, and for some minutes without asking there again."""
    there = {
        "nobody": lambda: "http://127.0.0.1:9",
        "a proxy": lambda: answering(b"<html>bad gateway</html>", 502),
        "another server": lambda: answering(b"", 404),
    }[near]()
    api = answering(ENVELOPE)

    codes = _near(api, there, times=3)

    assert {code.split()[0] for code in codes} == {"True"}
    assert len(asked) == (3 if near == "nobody" else 4)
