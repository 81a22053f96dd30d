"""The body of a target's answer, as it comes over one connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import aiohttp
    from aiohttp.http_parser import RawResponseMessage


class Body:
    """What follows a head. It fails when its connection goes before it is whole.

    Without a length or chunks a body lasts until its connection is closed, and aiohttp takes a
    reset for that too. Where chunks end in what is no chunk, it leaves a reader waiting.
    """

    def __init__(
        self,
        connection: aiohttp.connector.Connection,
        head: RawResponseMessage,
        stream: aiohttp.StreamReader,
    ) -> None:
        from aiohttp import EMPTY_PAYLOAD

        assert connection.protocol is not None
        self._connection = connection
        self._protocol = connection.protocol
        self._stream = stream
        has_length = head.chunked or "content-length" in head.headers
        self._lasts = not has_length and stream is not EMPTY_PAYLOAD
        self._closed = self._protocol.closed
        if self._closed is None:
            self._end()
        else:
            self._closed.remove_done_callback(_heed)
            self._closed.add_done_callback(self._wake)

    async def read(self, idle_seconds: float) -> bytes:
        """The next bytes, none at the end.

        Raises:
            TimeoutError: none came in that time.
            aiohttp.ClientError, OSError: the connection went.
        """
        if self._stream.is_eof():
            # All of it is here: nothing to wait for, and no clock to set.
            data = self._stream.read_nowait()
        else:
            async with asyncio.timeout(idle_seconds):
                data = await self._stream.readany()
        lost = self._protocol.exception()
        if not data and self._lasts and isinstance(lost, OSError):
            raise lost
        return data

    def _wake(self, closed: asyncio.Future[None]) -> None:
        _heed(closed)
        self._end()

    def _end(self) -> None:
        """Fail what is not whole, now that the connection is gone."""
        from aiohttp import ClientPayloadError

        if not self._stream.is_eof() and self._stream.exception() is None:
            self._stream.set_exception(ClientPayloadError("The connection ended in its middle."))

    def close(self) -> None:
        """Let go of the connection, to be used again when all was sent and answered."""
        if self._closed is not None:
            self._closed.remove_done_callback(self._wake)
            self._closed.add_done_callback(_heed)
        transport = self._connection.transport
        unsent = transport is not None and transport.get_write_buffer_size()
        if unsent or not self._stream.at_eof():
            self._connection.close()
        self._connection.release()


def _heed(closed: asyncio.Future[None]) -> None:
    """Take note of how a connection ended, which asyncio else logs as overlooked."""
    if not closed.cancelled():
        closed.exception()
