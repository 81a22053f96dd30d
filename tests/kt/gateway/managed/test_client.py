"""Answers to a managed gateway that no control plane gives."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from kt.gateway.managed.client import Client, ContactError
from kt.gateway.managed.identity import Identity

WHO = Identity("ktg_token", "pin")
ENVELOPE = b'{"error": {"code": "invalid", "message": "", "details": []}}'


@pytest.fixture
def asked() -> list[str]:
    """The paths that were asked for."""
    return []


@pytest.fixture
def answering(asked: list[str]) -> Iterator[Callable[[bytes], str]]:
    """Start a server that refuses everything with 400 and these bytes; its url."""
    servers = []

    def start(body: bytes) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked.append(self.path)
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(400)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
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
