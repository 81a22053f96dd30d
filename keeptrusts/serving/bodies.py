"""Bodies of requests, read whole by an event loop: bounded in bytes, in time and all together."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from django.conf import settings

from keeptrusts.api.errors import RefusedError, body_too_large

Receive = Callable[[], Awaitable[Mapping[str, Any]]]

# Of all requests that are not answered yet.
_MOST_HELD_BYTES = 32 << 20
# A body has this time, and what it takes at this pace.
_SECONDS = 10.0
_BYTES_PER_SECOND = 64 << 10


class ClientLeftError(Exception):
    """The client went away before its request was whole."""


class _Reading:
    """A body as far as it was read, with the time at which it is given up.

    `size` is what of it counts as held.
    """

    def __init__(self) -> None:
        self.data = bytearray()
        self.size = 0
        self.is_crowded_out = False
        self.deadline: asyncio.Timeout | None = None


class Bodies:
    """The bodies of one process, bounded together.

    Where they are too much, the one that was begun first and is not whole yet makes room.
    """

    def __init__(
        self, *, most_bytes: int = _MOST_HELD_BYTES, seconds: float = _SECONDS,
        bytes_per_second: int = _BYTES_PER_SECOND,
    ) -> None:  # fmt: skip
        self._most, self._seconds, self._pace = most_bytes, seconds, bytes_per_second
        self._held = 0
        self._unfinished: dict[_Reading, None] = {}

    @asynccontextmanager
    async def whole(
        self, receive: Receive, *, most: int = settings.MAX_BODY_BYTES
    ) -> AsyncIterator[bytes]:
        """The body of a request, which counts as held until the end of the block.

        Raises:
            RefusedError: it is too slow (`body_too_slow`), or all are too much (`unavailable`).
            TooLargeError: it is over `most` bytes.
            ClientLeftError: the client went away.
        """
        reading = _Reading()
        self._unfinished[reading] = None
        try:
            yield await self._read(reading, receive, most)
        finally:
            self._unfinished.pop(reading, None)
            self._held -= reading.size
            # Whoever holds the error, and so this frame, holds no body.
            reading.data, reading.size = bytearray(), 0

    async def _read(self, reading: _Reading, receive: Receive, most: int) -> bytes:
        begun = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(begun + self._seconds) as deadline:
                reading.deadline = deadline
                while await self._read_piece(reading, receive, most):
                    paced = reading.size / self._pace
                    deadline.reschedule(begun + self._seconds + paced)
        except TimeoutError:
            raise _crowded() if reading.is_crowded_out else _slow() from None
        if reading.is_crowded_out:
            raise _crowded()
        self._unfinished.pop(reading, None)
        body, reading.data = bytes(reading.data), bytearray()  # Held once.
        return body

    async def _read_piece(self, reading: _Reading, receive: Receive, most: int) -> bool:
        """Read a piece; False when it is the last."""
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeftError
        piece = message.get("body", b"")
        if reading.is_crowded_out:
            return False
        reading.data += piece
        reading.size += len(piece)
        self._held += len(piece)
        if reading.size > most:
            raise body_too_large(most)
        while self._held > self._most and self._make_room():
            pass
        return bool(message.get("more_body", False)) and not reading.is_crowded_out

    def _make_room(self) -> bool:
        """Let the oldest go at once: what many send in one turn is not held until they hear it."""
        oldest = next(iter(self._unfinished), None)
        if oldest is None or oldest.deadline is None:
            return False
        del self._unfinished[oldest]
        oldest.is_crowded_out = True
        self._held -= oldest.size
        oldest.data, oldest.size = bytearray(), 0
        oldest.deadline.reschedule(0)
        return True


def _slow() -> RefusedError:
    message = "The body came too slowly; send it at once, and not slower than 64 KiB a second."
    return RefusedError(408, "body_too_slow", message)


def _crowded() -> RefusedError:
    message = "Too many large bodies are being sent; try again in a few seconds."
    return RefusedError(503, "unavailable", message, headers={"Retry-After": "2"})
