"""HTTP for event streams, with bounds that hold before the application is called.

Streams stay open for days, and gateways are admitted at once. All other connections get few
bytes, little time and a limited number of places.
"""

import asyncio
from typing import Any, ClassVar

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MAX_HEAD_BYTES = 64 << 10
HEAD_SECONDS = 10.0
# Connections that serve no admitted gateway. Of more, the one that waits longest ends, so that
# clients that only occupy connections make room for gateways, which are admitted at once.
MOST_WAITING = 1000

_MALFORMED = (400, "bad_request", "The request is malformed.")
_BODY = (400, "body_not_allowed", "Send no body; no request here takes one.")
_HEAD = (431, "head_too_large", f"The head of a request is over {MAX_HEAD_BYTES} bytes.")
_CROWDED = (503, "too_many_connections", "No connection is free; try again in a few seconds.")


class BoundExceededError(Exception):
    """A bound was exceeded; raised into the parser, which stops reading."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with bounds on the bytes and time of heads and on connections.

    It puts `admit` into a request's state, which the application calls once it knows the gateway.
    """

    most_connections: ClassVar[int] = 20_000
    _waiting: ClassVar[dict["BoundedProtocol", None]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._size = 0
        self._refusal: tuple[int, str, str] | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            self._refuse(_CROWDED)
            return
        self._arm()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self._waiting.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # Whatever comes after a refusal is not read, least of all as a request.
        if self._refusal is not None:
            return
        self._size += len(data)
        if self._size > MAX_HEAD_BYTES:
            self._refuse(_HEAD)
            return
        if self._is_idle() and self._deadline is None:
            self._arm()
        super().data_received(data)

    def on_message_begin(self) -> None:
        if self.pipeline:
            raise BoundExceededError  # One may wait for the end of another.
        self._arm()
        super().on_message_begin()
        self.scope["state"]["admit"] = self._admit

    def on_headers_complete(self) -> None:
        self._disarm()
        self._size = 0
        if any(
            name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
            for name, value in self.headers
        ):
            self._refusal = _BODY
            raise BoundExceededError
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing():
            self._wait()

    def send_400_response(self, msg: str) -> None:
        """Answer a request that is not HTTP or not allowed."""
        self._refuse(self._refusal or _MALFORMED)

    def _refuse(self, refusal: tuple[int, str, str]) -> None:
        self._refusal = refusal
        if self._is_idle():
            # Beside an answer that is under way, another would be read as a part of it.
            self.transport.write(_answer(*refusal))
        self.transport.close()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _wait(self) -> None:
        self._waiting.pop(self, None)
        self._waiting[self] = None
        if len(self._waiting) > MOST_WAITING:
            next(iter(self._waiting)).transport.abort()

    def _admit(self) -> None:
        self._waiting.pop(self, None)

    def _arm(self) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _answer(status: int, code: str, message: str) -> bytes:
    body = orjson.dumps({"error": {"code": code, "message": message, "details": []}})
    head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
    return STATUS_LINE[status] + head % len(body) + body
