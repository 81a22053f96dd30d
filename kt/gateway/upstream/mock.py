"""The mock provider: deterministic answers in process, without a network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from kt.gateway.upstream import mockwords
from kt.gateway.upstream.mockscript import Line, choose
from kt.gateway.upstream.reply import Call
from kt.gateway.wire import JSON, Headers

_FIRST_ERROR = 400
_EVENTS: Headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]


class MockReply:
    """A `reply.Reply` of the mock."""

    def __init__(self, call: Call, line: Line) -> None:
        self._call = call
        self._line = line
        self.status = line.status
        self._streams = call.stream and line.status < _FIRST_ERROR
        self.headers = _EVENTS if self._streams else JSON
        self.content_type = "text/event-stream" if self._streams else "application/json"

    async def read(self) -> bytes:
        if self.status >= _FIRST_ERROR:
            error = {"type": "mock_error", "message": "The mock was told to fail.", "code": "mock"}
            return json.dumps({"error": error}).encode()
        answer = mockwords.whole(self._call.path, self._call.body, self._line)
        return json.dumps(answer, separators=(",", ":")).encode()

    async def chunks(self) -> AsyncIterator[bytes]:
        if not self._streams:
            yield await self.read()
            return
        for event in mockwords.stream(self._call.path, self._call.body, self._line):
            yield event
            await asyncio.sleep(self._line.chunk_delay_ms / 1000)

    def close(self) -> None:
        """Do nothing: the mock has no connection."""


async def answer(call: Call, script: tuple[Line, ...]) -> MockReply:
    """Answer a call, by the script or with an echo."""
    line = choose(script, mockwords.asked(call.body))
    if line.delay_ms:
        await asyncio.sleep(line.delay_ms / 1000)
    return MockReply(call, line)
