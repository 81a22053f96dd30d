"""An open stream of one listener."""

import asyncio
from collections.abc import Mapping
from typing import Any

from access.bearers import Bearer
from gateways.feed import listener
from gateways.feed.listener import Credential, Ear, Listener
from tests.keeptrusts.serving.asking import settle

_WHOSE = Credential(Bearer("token", "1", "a", "viewer"), "kt_secret", "10.0.0.1")


class _Client:
    """A client that reads while it is let."""

    def __init__(self) -> None:
        self.reads = asyncio.Event()
        self.reads.set()
        self.sent: list[tuple[bytes, bool]] = []
        self.is_ended = False
        self.listener = Listener(Ear(frozenset(), None), _WHOSE, self._send, self._end)

    async def _send(self, message: Mapping[str, Any]) -> None:
        self.sent.append((message["body"], message["more_body"]))
        await self.reads.wait()

    def _end(self) -> None:
        self.is_ended = True


def test_what_waits_is_sent_together() -> None:
    """In its order; the last of it ends the stream."""

    async def work() -> None:
        client = _Client()
        client.reads.clear()
        client.listener.tell(b"a")
        await settle()
        for data in (b"b", b"c"):
            client.listener.tell(data)
        client.reads.set()
        await settle()
        client.listener.say_goodbye(b"d")
        client.listener.tell(b"never")
        await settle()
        assert client.sent == [(b"a", True), (b"bc", True), (b"d", False)]

    asyncio.run(work())


def test_whoever_does_not_read_is_let_go() -> None:
    """Once too much waits; who reads late, but reads, stays."""

    async def work() -> None:
        slow, quick = _Client(), _Client()
        slow.reads.clear()
        piece = bytes(listener._MOST_WAITING_BYTES // 4)
        for _ in range(6):
            for client in (slow, quick):
                client.listener.tell(piece)
            await settle()
        assert (slow.is_ended, quick.is_ended) == (True, False)
        assert sum(len(data) for data, _ in quick.sent) == 6 * len(piece)
        assert len(slow.sent) == 1

    asyncio.run(work())


def test_a_token_is_not_shown() -> None:
    """By whatever prints whose stream it is."""
    assert "kt_secret" not in repr(_WHOSE)
