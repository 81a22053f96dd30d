"""A kept connection that its target closes just when it is used again."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
import uvloop

from kt.gateway.errors import UpstreamError
from kt.gateway.options import Timeouts
from kt.gateway.policy.targets import UpstreamTarget
from kt.gateway.upstream.connections import Upstream
from kt.gateway.upstream.reply import Call

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CALL = Call("/v1/chat/completions", "m", {}, b"{}", {}, stream=False, max_response_bytes=1 << 20)
ONCE = replace(CALL, headers={"idempotency-key": "k"})
UNANSWERED = "The target closed the connection before it answered."
Second = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read the call, and close."""
    await reader.readuntil(b"{}")
    writer.close()


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read the call, and reset."""
    await reader.readuntil(b"{}")
    line = writer.get_extra_info("socket")
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def begins(said: bytes) -> Second:
    """Read the call, say something, and close."""

    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(said)
        await writer.drain()
        writer.close()

    return begin


SOON, LATE = 60.0, 0.0
CASES: dict[str, tuple[float, Call, Second, str, int]] = {
    "closed": (SOON, CALL, closes, "ok", 2),
    "reset": (SOON, CALL, resets, "ok", 2),
    "closed late": (LATE, CALL, closes, UNANSWERED, 1),
    "closed late, to be done once": (LATE, ONCE, closes, "ok", 2),
    "within a head": (SOON, CALL, begins(b"HTTP/1.1 20"), UNANSWERED, 1),
    "after a hint": (SOON, CALL, begins(b"HTTP/1.1 103 Early Hints\r\n\r\n"), UNANSWERED, 1),
    "within a body": (SOON, CALL, begins(OK[:-1]), "The target broke off its answer.", 1),
}


@pytest.mark.parametrize(("soon", "call", "second", "outcome", "lines"), CASES.values(), ids=CASES)
def test_a_call_is_sent_again_where_it_cannot_have_been_heard(
    monkeypatch: pytest.MonkeyPatch,
    soon: float,
    call: Call,
    second: Second,
    outcome: str,
    lines: int,
) -> None:
    """Over a new connection, once; `soon` is how long a close says so."""
    monkeypatch.setattr("kt.gateway.upstream.connections._AT_ONCE_SECONDS", soon)

    async def run() -> tuple[list[str], int]:
        async with serving(second) as (url, opened):
            found = await asked(url, call, 2)
            return found, len(opened)

    assert uvloop.run(run()) == (["ok", outcome], lines)


def test_a_new_connection_that_is_closed_is_not_tried_again() -> None:
    """Its target has heard the call."""

    async def run() -> tuple[list[str], int]:
        async with serving(closes, kept=False) as (url, opened):
            return await asked(url, CALL, 1), len(opened)

    assert uvloop.run(run()) == ([UNANSWERED], 1)


def test_a_call_is_sent_twice_at_most() -> None:
    """However many kept connections are closed."""

    async def run() -> tuple[list[str], int]:
        async with serving(closes, always=True) as (url, opened):
            return await asked(url, CALL, 2), len(opened)

    assert uvloop.run(run()) == (["ok", UNANSWERED], 2)


async def asked(url: str, call: Call, times: int) -> list[str]:
    """What comes of some calls, one after the other."""
    upstream = Upstream(Timeouts())
    target = UpstreamTarget("a", "local", "*", url, "openai")
    found = []
    for _ in range(times):
        try:
            reply = await upstream.call(target, call)
            try:
                found.append((await reply.read()).decode())
            finally:
                reply.close()
        except UpstreamError as exc:
            found.append(exc.message)
    await upstream.close()
    return found


@contextlib.asynccontextmanager
async def serving(
    second: Second, *, kept: bool = True, always: bool = False
) -> AsyncIterator[tuple[str, list[int]]]:
    """A server whose first connection answers once (when `kept`), then does what `second` does.

    Others answer, or do with `always` as `second` does. Its url, and an entry for each connection.
    """
    opened: list[int] = []
    lines = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(len(opened))
        lines.add(asyncio.current_task())
        is_first = len(opened) == 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if (is_first and kept) or not (is_first or always):
                await reader.readuntil(b"{}")
                writer.write(OK)
            if is_first or always:
                await second(reader, writer)
            await reader.read()
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", opened
    finally:
        server.close()
        await asyncio.gather(*lines)
