"""Connections to targets: how many, for how long, to which address, and used again when."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

import pytest
import uvloop

from kt.gateway.errors import UpstreamError
from kt.gateway.options import Timeouts
from kt.gateway.policy.targets import UpstreamTarget
from kt.gateway.upstream.connections import Upstream
from kt.gateway.upstream.reply import Call
from tests.kt.gateway.support import free_port

POOL = "kt.gateway.upstream.pool"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CALL = Call("/v1/chat/completions", "m", {}, b"{}", {}, stream=False, max_response_bytes=1 << 24)
SECONDS = 20
_T = TypeVar("_T")


def run(what: Coroutine[Any, Any, _T]) -> _T:
    return uvloop.run(asyncio.wait_for(what, SECONDS))


@contextlib.asynccontextmanager
async def serving(
    answer: bytes = OK, then: Callable[[asyncio.StreamWriter], Awaitable[None]] | None = None
) -> AsyncIterator[tuple[UpstreamTarget, list[int]]]:
    """A server that answers each call, and then does something; a target, and its connections.

    For each connection the list says how many calls came over it.
    """
    lines: list[int] = []
    tasks = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        number = len(lines)
        lines.append(0)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"{}"):
                lines[number] += 1
                writer.write(answer)
                if then is not None:
                    await then(writer)
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield UpstreamTarget("a", "local", "*", f"http://127.0.0.1:{port}", "openai"), lines
    finally:
        server.close()
        await asyncio.gather(*tasks)


async def asked(upstream: Upstream, target: UpstreamTarget) -> bytes | str:
    try:
        reply = await upstream.call(target, CALL)
        try:
            return await reply.read()
        finally:
            reply.close()
    except UpstreamError as exc:
        return exc.message


def test_no_more_connections_are_in_use_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes later waits for a place, and for no longer than for an answer."""
    monkeypatch.setattr(f"{POOL}._MOST_AT_ONCE", 2)

    async def crowd() -> None:
        upstream = Upstream(Timeouts(first_byte_seconds=0.5))
        async with serving() as (target, lines):
            answers = await asyncio.gather(*(asked(upstream, target) for _ in range(20)))
            assert answers == [b"ok"] * 20
            assert (len(lines), sum(lines)) == (2, 20)
            held = [await upstream.call(target, CALL) for _ in range(2)]
            assert await asked(upstream, target) == "The target did not answer in time."
            held[0].close()
            assert await asked(upstream, target) == b"ok"
            held[1].close()
            await upstream.close()

    run(crowd())


def test_a_connection_is_kept_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its server sees that it is closed then."""
    monkeypatch.setattr(f"{POOL}._KEEP_ALIVE_SECONDS", 0.2)

    async def wait() -> None:
        upstream = Upstream(Timeouts())
        async with serving() as (target, lines):
            for _ in range(3):
                assert await asked(upstream, target) == b"ok"
            assert lines == [3]
            await asyncio.sleep(0.5)
            assert await asked(upstream, target) == b"ok"
            assert lines == [3, 1]
        # The server ended all of its connections, though the pool is still open.
        await upstream.close()

    run(wait())


@pytest.mark.parametrize("more", [b"x", OK, b"HTTP/1.1 100 Continue\r\n\r\n"])
@pytest.mark.parametrize("pause_seconds", [0, 0.05])
def test_what_nobody_asked_for_is_no_answer_to_the_next_call(
    more: bytes, pause_seconds: float
) -> None:
    """Whether it comes with an answer or after it."""

    async def add(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(pause_seconds)
        writer.write(more)

    async def twice() -> list[int]:
        upstream = Upstream(Timeouts())
        async with serving(then=add) as (target, lines):
            for _ in range(2):
                assert await asked(upstream, target) == b"ok"
                await asyncio.sleep(0.1)
            await upstream.close()
        return lines

    assert run(twice()) == [1, 1]


def test_a_line_that_does_not_end_is_not_kept() -> None:
    """In a head, in a chunk's length and in a trailer."""
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    rows = {
        b"HTTP/1.1 200 ": "The target's answer is not HTTP.",
        b"HTTP/1.1 200 OK\r\nx-endless: ": "The target's answer is not HTTP.",
        chunked + b"2;a=": "The target broke off its answer.",
        chunked + b"0\r\nx-endless: ": "The target broke off its answer.",
    }

    async def go_on(writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            writer.write(b"a" * 4096)
            await writer.drain()

    async def ask(start: bytes) -> bytes | str:
        upstream = Upstream(Timeouts())
        async with serving(start, go_on) as (target, _):
            try:
                return await asked(upstream, target)
            finally:
                await upstream.close()

    assert [run(ask(start)) for start in rows] == list(rows.values())


def test_what_nobody_reads_is_not_collected() -> None:
    """A target that sends faster than its client reads has to wait."""
    sent = 0

    async def flood(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        for _ in range(512):
            writer.write(b"x" * (1 << 16))
            await writer.drain()
            sent += 1 << 16
        writer.close()

    async def slow() -> int:
        upstream = Upstream(Timeouts())
        length = 512 << 16
        head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % length
        async with serving(head, flood) as (target, _):
            reply = await upstream.call(target, replace(CALL, max_response_bytes=2 * length))
            await asyncio.sleep(0.3)
            held = sent
            assert len(await reply.read()) == length
            reply.close()
            await upstream.close()
            return held

    # What the system's own buffers take, on both sides, is much less than what was to come.
    assert run(slow()) < 16 << 20


def test_a_host_is_looked_up_once_and_any_of_its_addresses_will_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By all that call it at once; one address may be dead."""
    asking = []

    async def look_up(host: str, port: int) -> list[Any]:
        asking.append(host)
        await asyncio.sleep(0.01)
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*kind, ("127.0.0.1", free_port())), (*kind, ("127.0.0.1", port))]

    monkeypatch.setattr(f"{POOL}._look_up", look_up)

    async def crowd() -> None:
        upstream = Upstream(Timeouts())
        async with serving() as (target, lines):
            named = UpstreamTarget(
                "a", "local", "*", target.base_url.replace("127.0.0.1", "model.test"), "openai"
            )
            assert await asyncio.gather(*(asked(upstream, named) for _ in range(4))) == [b"ok"] * 4
            assert len(lines) == 4
            await upstream.close()

    run(crowd())
    assert asking == ["model.test"]


@pytest.mark.parametrize(
    "url", ["http:///v1", "http://:80/v1", "http://h:99999/v1", f"http://{'x' * 64}.test/v1"]
)
def test_an_address_that_is_none_cannot_be_reached(url: str) -> None:
    """Nobody is called in its place."""

    async def ask() -> bytes | str:
        return await asked(Upstream(Timeouts()), UpstreamTarget("a", "local", "*", url, "openai"))

    assert run(ask()) == "The target could not be reached."


def test_a_host_without_an_address_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked up anew by the next call, and by its second try."""
    asking = []

    async def look_up(host: str, _: int) -> list[Any]:
        asking.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(f"{POOL}._look_up", look_up)

    async def ask() -> bytes | str:
        upstream = Upstream(Timeouts())
        return await asked(upstream, UpstreamTarget("a", "local", "*", "http://x.test", "openai"))

    assert run(ask()) == "The target could not be reached."
    assert asking == ["x.test"] * 2
