"""A transport that writes the head of an answer together with what follows it.

Head and body are two ASGI messages, and would be two system calls and two packets.
"""

from __future__ import annotations

import asyncio

_HEAD = b"HTTP/1.1 "
# This one is for a client that waits for it.
_CONTINUE = b"HTTP/1.1 100 "


class Corked:
    """The part of a transport that uvicorn's protocol uses."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._held = b""
        self.get_extra_info = transport.get_extra_info
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading

    def write(self, data: bytes) -> None:
        """Write at once, but for a head. What only looks like one is held no longer than it."""
        self._held += data
        if not data.startswith(_HEAD) or data.startswith(_CONTINUE):
            self.flush()

    def flush(self) -> None:
        """Write what is held, of an answer that is whole."""
        data, self._held = self._held, b""
        if data and not self.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Write what is held, and close."""
        self.flush()
        self._transport.close()
