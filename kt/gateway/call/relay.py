"""A stream on its way from a target to a client: judged as it comes, and never silent for long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial

from kt.gateway.errors import MESSAGES_PATH, UpstreamError
from kt.gateway.stream.guard import Guard
from kt.gateway.stream.sse import Splitter

# A client or a load balancer gives up on a connection that says nothing, often after a minute.
QUIET_SECONDS = 10.0
# What is not worth judging by itself is judged when it has waited for so long. Before the first
# byte a little longer: until then a status can say that the answer is stopped.
_PAUSE_SECONDS = 0.1
_FIRST_SECONDS = 0.5
# Events that are judged before other calls have their turn: some milliseconds of work.
_AT_ONCE = 32
_AT_ONCE_BYTES = 16 << 10
# What a target has sent and nobody has judged yet.
_AHEAD_BYTES = 64 << 10
# An event of this size is judged in a thread.
_LARGE_BYTES = 128 << 10

_COMMENT = b": \n\n"
_PING = b'event: ping\ndata: {"type": "ping"}\n\n'

Write = Callable[[bytes], Awaitable[None]]


class Relay:
    """The relay of one stream. `guard` is None where no policy looks at answers.

    `write` sends bytes to the client, at once.
    """

    def __init__(self, path: str, splitter: Splitter, guard: Guard | None, write: Write) -> None:
        self._splitter = splitter
        self._guard = guard
        self._write = write
        self._sign_of_life = _PING if path == MESSAGES_PATH else _COMMENT
        self._sent_at = time.monotonic()
        self._unjudged_since: float | None = None
        self._has_begun = False
        self.size = 0

    async def run(self, chunks: AsyncIterator[bytes], note: Callable[[list[bytes]], None]) -> None:
        """Pass on all events; `note` is told of those that no guard reads.

        Raises:
            PolicyViolationError: the answer must stop.
            UpstreamError: the target failed, or its stream cannot be read.
        """
        arrivals = Arrivals(chunks)
        try:
            await self._pass_all(arrivals, note)
        except UpstreamError:
            # The client gets what the target said before it is told that the target failed.
            await self._finish(is_broken=True)
            raise
        finally:
            await arrivals.close()
        await self._finish()

    async def _pass_all(self, arrivals: Arrivals, note: Callable[[list[bytes]], None]) -> None:
        while True:
            data = await arrivals.next(self._patience())
            if data is None:
                await self._pass(self._splitter.rest(), note)
                return
            self.size += len(data)
            await self._pass(self._splitter.feed(data), note)
            await self._pass_time()

    def _patience(self) -> float:
        """The seconds for which nothing need be done if nothing comes."""
        due = self._sent_at + QUIET_SECONDS
        if self._unjudged_since is not None:
            due = min(due, self._unjudged_since + self._pause)
        return max(0.0, due - time.monotonic())

    @property
    def _pause(self) -> float:
        return _PAUSE_SECONDS if self._has_begun else _FIRST_SECONDS

    async def _pass_time(self) -> None:
        """Do what is to do when some time has gone by."""
        now = time.monotonic()
        if self._guard is not None:
            if self._unjudged_since is not None and now - self._unjudged_since >= self._pause:
                await self._send(self._guard.flush())
                self._unjudged_since = None
            if not self._guard.has_unjudged:
                self._unjudged_since = None
            elif self._unjudged_since is None:
                self._unjudged_since = now
        if now - self._sent_at >= QUIET_SECONDS:
            await self._send(self._sign_of_life)

    async def _pass(self, events: list[bytes], note: Callable[[list[bytes]], None]) -> None:
        if self._guard is None:
            note(events)
            await self._send(b"".join(events))
            return
        for batch, size in _batches(events):
            if size > _LARGE_BYTES:
                await self._send(await asyncio.to_thread(self._guard.feed, batch))
            else:
                await self._send(self._guard.feed(batch))
                if len(events) > len(batch):
                    await asyncio.sleep(0)

    async def _finish(self, *, is_broken: bool = False) -> None:
        if self._guard is None:
            return
        large = self.size > _LARGE_BYTES
        finish = partial(self._guard.finish, is_broken=is_broken)
        last = await asyncio.to_thread(finish) if large else finish()
        await self._guard.conclude()
        await self._send(last)

    async def _send(self, data: bytes) -> None:
        if data:
            self._sent_at = time.monotonic()
            self._has_begun = True
            await self._write(data)


def _batches(events: list[bytes]) -> Iterator[tuple[list[bytes], int]]:
    """The events in batches of which each takes some milliseconds, with their sizes."""
    batch: list[bytes] = []
    size = 0
    for event in events:
        batch.append(event)
        size += len(event)
        if len(batch) == _AT_ONCE or size > _AT_ONCE_BYTES:
            yield batch, size
            batch, size = [], 0
    if batch:
        yield batch, size


class Arrivals:
    """The pieces of a body, for which one can wait a while without losing the next.

    They are read ahead as far as they are there, up to `_AHEAD_BYTES`.
    """

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._here = bytearray()
        self._came = asyncio.Event()
        self._room = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    async def next(self, seconds: float) -> bytes | None:
        """What has come; b"" when nothing did in that time, and None at the end.

        Raises:
            UpstreamError: the target failed.
        """
        if not self._came.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._came.wait()
        data = bytes(self._here)
        self._here.clear()
        self._room.set()
        if not self._reader.done():
            self._came.clear()
        elif not data:
            self._reader.result()
            return None
        return data

    async def _read(self) -> None:
        try:
            async for piece in self._chunks:
                self._here += piece
                self._came.set()
                if len(self._here) > _AHEAD_BYTES:
                    self._room.clear()
                    await self._room.wait()
        finally:
            self._came.set()

    async def close(self) -> None:
        """Stop waiting for what is to come."""
        self._reader.cancel()
        with suppress(asyncio.CancelledError, UpstreamError):
            await self._reader
