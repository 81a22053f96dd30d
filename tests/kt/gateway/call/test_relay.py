"""The relay of a stream, in process: what goes when, while a target speaks, is silent or fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import wraps
from typing import Any

import pytest

from kt.gateway.call import relay as relays
from kt.gateway.call.relay import Relay
from kt.gateway.errors import PolicyViolationError, UpstreamError
from kt.gateway.stream.guard import Guard
from kt.gateway.stream.protocols import protocol_of
from kt.gateway.stream.sse import Splitter
from tests.kt.gateway.stream.streams import (
    BLOCKING,
    MESSAGES,
    REDACTING,
    chunk,
    content,
    judge,
    sse,
)
from tests.kt.gateway.support import CHAT

HELLO = sse(*(chunk({"content": word}) for word in ("Good ", "morning, ", "Ann")))
END = sse(chunk({}, "stop"), "[DONE]")


def run(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """A test with a loop of its own."""

    @wraps(test)
    def wrapped(*args: Any, **named: Any) -> None:
        asyncio.run(test(*args, **named))  # type: ignore[arg-type]

    return wrapped


class Client:
    """What a client has received."""

    def __init__(self) -> None:
        self.data = b""
        self.came = asyncio.Event()

    async def write(self, data: bytes) -> None:
        self.data += data
        self.came.set()

    async def until(self, holds: Callable[[bytes], bool]) -> None:
        """Wait until what was received is enough."""
        async with asyncio.timeout(30):
            while not holds(self.data):
                self.came.clear()
                await self.came.wait()


def relayed(
    client: Client,
    chunks: AsyncIterator[bytes],
    path: str = CHAT,
    policy: tuple[str, str] | None = BLOCKING,
) -> asyncio.Task[None]:
    """A relay at work."""
    guard = Guard(judge(policy), protocol_of(path)) if policy else None
    relay = Relay(path, Splitter(1 << 24), guard, client.write)
    return asyncio.create_task(relay.run(chunks, lambda _: None))


async def then_silence(*pieces: bytes, until: asyncio.Event) -> AsyncIterator[bytes]:
    """Pieces, and the end when it is told."""
    for piece in pieces:
        yield piece
    await until.wait()


@run
async def test_words_do_not_wait_for_more_words() -> None:
    """They are judged though they are few."""
    client, told = Client(), asyncio.Event()
    task = relayed(client, then_silence(HELLO, until=told))
    await client.until(lambda data: b"Good" in data)
    told.set()
    await task

    assert client.data == HELLO


@pytest.mark.parametrize("policy", [BLOCKING, None], ids=["judged", "as it comes"])
@pytest.mark.parametrize(
    ("path", "sign"),
    [(CHAT, b": \n\n"), (MESSAGES, b'event: ping\ndata: {"type": "ping"}\n\n')],
)
@run
async def test_silence_is_filled(
    path: str, sign: bytes, policy: tuple[str, str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what each protocol has for it, also while text is held back."""
    monkeypatch.setattr(relays, "QUIET_SECONDS", 0.02)
    client, told = Client(), asyncio.Event()
    task = relayed(
        client, then_silence(sse(chunk({"content": "Project "})), until=told), path, policy
    )
    await client.until(lambda data: data.count(sign) > 2)
    told.set()
    await task

    assert client.data.replace(sign, b"") == sse(chunk({"content": "Project "}))


async def failing(*pieces: bytes) -> AsyncIterator[bytes]:
    """Pieces, and then no more."""
    for piece in pieces:
        yield piece
    raise UpstreamError("The target is gone.", trigger="")


@run
async def test_what_was_held_goes_before_a_failure_is_told() -> None:
    """Judged as the end of the text."""
    client = Client()
    pieces = [
        sse(chunk({"content": text})) for text in ("Write to ann@exa", "mple.org about Project")
    ]
    with pytest.raises(UpstreamError):
        await relayed(client, failing(*pieces), policy=REDACTING)

    assert content(client.data) == "Write to [REDACTED:EMAIL] about Project"


@run
async def test_what_was_held_and_is_stopped_does_not_go() -> None:
    """The policy's reason is told, not the target's."""
    client = Client()
    with pytest.raises(PolicyViolationError):
        await relayed(client, failing(sse(chunk({"content": "about Project Falcon"}))))

    assert client.data == b""


@run
async def test_many_events_at_once_leave_others_their_turn() -> None:
    """After each few of them."""
    client, turns, over = Client(), 0, False

    async def other() -> None:
        nonlocal turns
        while not over:
            turns += 1
            await asyncio.sleep(0)

    data = b"".join(sse(chunk({"content": "word "})) for _ in range(2_000)) + END
    beside = asyncio.create_task(other())
    await relayed(client, then_silence(data, until=_set()))
    over = True
    await beside

    assert client.data == data
    assert turns >= 2_000 // 32


def _set() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@run
async def test_a_client_that_goes_away_ends_it() -> None:
    """Nothing is read any more."""
    closed = asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        try:
            yield HELLO
            await asyncio.sleep(60)
        finally:
            closed.set()

    client = Client()
    task = relayed(client, chunks())
    await client.until(lambda data: b"Good" in data)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert closed.is_set()
