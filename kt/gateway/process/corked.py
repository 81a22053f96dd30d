"""A transport that writes once in each turn of the event loop.

Head and body of an answer are two ASGI messages, and would be two packets.
"""

from __future__ import annotations

import asyncio


class Corked:
    """The part of a transport that uvicorn's protocol uses."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._pieces: list[bytes] = []
        self.get_extra_info = transport.get_extra_info
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading

    def write(self, data: bytes) -> None:
        """Write before this turn of the event loop ends."""
        if not self._pieces:
            self._loop.call_soon(self._flush)
        self._pieces.append(data)

    def close(self) -> None:
        """Write what is pending, and close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        data = b"".join(self._pieces)
        self._pieces.clear()
        if data and not self.is_closing():
            self._transport.write(data)
