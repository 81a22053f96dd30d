"""HTTP with bounds that hold before the application is called.

Event streams stay open for days, and requests wait for a thread. Connections that are neither get
few bytes, little time and a limited number of places.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import httptools
from django.conf import settings
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from keeptrusts.api.errors import body_too_large, envelope
from keeptrusts.api.printable import encode
from keeptrusts.serving import answers, manners
from keeptrusts.serving.connections.passing import Outlet
from keeptrusts.serving.connections.turns import ReadTurns
from keeptrusts.serving.connections.untaken import UntakenBodies

MAX_HEAD_BYTES = 64 << 10
HEAD_SECONDS = 10.0
# A chunked body and what frames its pieces, as long as these are not tiny.
_MOST_SENT_BYTES = 2 * settings.MAX_BODY_BYTES
_MOST_CHUNKS = 20_000
_MOST_HEADERS = 500
# Connections whose request is not whole. Of more, the one that waits longest ends, so that clients
# that only occupy connections make room for others, whose requests are whole at once.
MOST_WAITING = 1000
# Answers that wait for their clients to read them: of more, the oldest ends; so does one of which
# nothing is read for so long.
_MOST_UNREAD_BYTES = 64 << 20
_UNREAD_SECONDS = 30.0
# Of a head that comes in pieces: gateways' are a tenth of it.
_MOST_KEPT_BYTES = 16 << 10
# Closed with bytes unread, a connection is reset, and the client may lose the answer.
_LINGER_SECONDS = 2.0

# What clients send is no matter for the log, where a line for each request would hide the others;
# a request that is passed on is malformed too, as the parser sees it.
_LOGGER = logging.getLogger("uvicorn.error.protocol")
_LOGGER.setLevel(logging.ERROR)

_Refusal = tuple[int, str, str]
_MALFORMED = (400, "bad_request", "The request is malformed.")
_HEAD = (
    431, "head_too_large",
    f"The head of a request is over {MAX_HEAD_BYTES} bytes, or has over {_MOST_HEADERS} headers.",
)  # fmt: skip
_BODY = (413, "body_too_large", body_too_large(settings.MAX_BODY_BYTES).message)
_CROWDED = (503, "too_many_connections", "No connection is free; try again in a few seconds.")
_DOWN = (503, "unavailable", "The process that answers this does not run; try again in a second.")


class BoundExceededError(Exception):
    """A bound was exceeded; raised into the parser, which stops reading."""


class LeavingError(Exception):
    """Another server answers this request; raised into the parser, which stops reading."""


@dataclass(frozen=True, slots=True)
class Exit:
    """The way of requests that another server answers.

    `takes` is asked about `METHOD /path`. Those of connections that came from there, the guests,
    have to go back, also while it does not run; others are answered here then.
    """

    outlet: Outlet
    takes: Callable[[str], Any]
    only_guests: bool


class _Flow(FlowControl):
    """uvicorn's flow control, of a connection that may be held up by others as well."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self._is_held = False

    def pause_reading(self) -> None:
        if self._is_held:
            self.read_paused = True
        else:
            super().pause_reading()

    def resume_reading(self) -> None:
        if self._is_held:
            self.read_paused = False
        else:
            super().resume_reading()

    def hold(self) -> None:
        """Read nothing, whatever the application asks for."""
        if not self._is_held:
            self._is_held = True
            if not self.read_paused and not self._transport.is_closing():
                self._transport.pause_reading()

    def release(self) -> None:
        """Read again, unless the application waits."""
        if self._is_held:
            self._is_held = False
            if not self.read_paused and not self._transport.is_closing():
                self._transport.resume_reading()


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with bounds on the bytes and time of heads, on bodies and connections.

    It puts `admit` into a request's state, which the application calls once the request is whole,
    `is_gone`, which says whether the client went away, and `end`, which closes its connection.
    """

    most_connections: ClassVar[int] = 20_000
    exit: ClassVar[Exit | None] = None
    _waiting: ClassVar[dict["BoundedProtocol", None]] = {}
    _unread: ClassVar[dict["BoundedProtocol", int]] = {}
    turns: ClassVar[ReadTurns] = ReadTurns()
    untaken: ClassVar[UntakenBodies] = UntakenBodies()
    flow: _Flow

    def __init__(self, *args: Any, came: bytes = b"", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _LOGGER
        # What came of a request whose head is not whole, and is passed on with it; None where that
        # was too much, or began before an answer was over.
        self._came: bytes | None = came
        self._is_guest, self._is_leaving = bool(came), False
        self._size = 0
        self._in_head = True
        self._refusal: _Refusal | None = None
        self._is_over = False
        self._chunks = 0
        self._unread_deadline: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = _Flow(transport)
        transport.set_write_buffer_limits(high=0)  # So that it is told of anything unread.
        if len(self.connections) > self.most_connections:
            self._refuse(_CROWDED)
            return
        self._arm(HEAD_SECONDS)
        self._wait()
        if self._came:
            self.data_received(self._came)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self._waiting.pop(self, None)
        self.turns.forget(self)
        self.untaken.forget(self)
        self._forget_unread()
        super().connection_lost(exc)
        # Connection and request refer to each other, by what the application may call: a flood of
        # them would wait with all that they hold for a collection, and everybody for that.
        self.cycle = self.scope = None  # type: ignore[assignment]
        self._unset_keepalive_if_required()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._look_at_unread(None)
        if sum(self._unread.values()) > _MOST_UNREAD_BYTES:
            next(iter(self._unread)).transport.abort()

    def resume_writing(self) -> None:
        self._forget_unread()
        super().resume_writing()

    def _look_at_unread(self, before: int | None) -> None:
        """End the connection if nothing was read since there were `before` bytes; look again."""
        size = self.transport.get_write_buffer_size()
        if before is not None and size >= before:
            self.transport.abort()
            return
        self._unread[self] = size
        self._unread_deadline = self.loop.call_later(_UNREAD_SECONDS, self._look_at_unread, size)

    def _forget_unread(self) -> None:
        self._unread.pop(self, None)
        if self._unread_deadline is not None:
            self._unread_deadline.cancel()
            self._unread_deadline = None

    def data_received(self, data: bytes) -> None:
        self.turns.count(self, len(data), _idle)
        if self._in_head and not self._size:
            self._came = data
        elif self._in_head and self._came is not None:
            self._came += data
        while data and not self._is_over:
            data = self._feed_head(data) if self._in_head else self._feed_body(data)
        if self._came is not None and len(self._came) > _MOST_KEPT_BYTES:
            self._came = None
        self.turns.settle(self, is_busy=self._is_over or self._is_in_the_middle())

    def _is_in_the_middle(self) -> bool:
        return not self._in_head or self._size > 0

    def is_lost(self) -> bool:
        """Whether it is closed, or will be at once."""
        return bool(self.transport.is_closing())

    def hold(self) -> None:
        """Read nothing more, whatever the application asks for."""
        self.flow.hold()

    def release(self) -> None:
        """Read again, if the application is ready."""
        self.flow.release()

    def _feed_head(self, data: bytes) -> bytes:
        """Parse what may belong to a head, and return the rest."""
        if self._is_idle() and self._deadline is None:
            self._arm(HEAD_SECONDS)
        room = MAX_HEAD_BYTES - self._size
        self._size += min(room, len(data))
        super().data_received(data[:room])
        if self._in_head and len(data) > room and not self._is_over:
            self._refuse(_HEAD)
        return data[room:]

    def _feed_body(self, data: bytes) -> bytes:
        self._size += len(data)
        super().data_received(data)
        # Also what no application sees: the extensions of chunks.
        if self._size > _MOST_SENT_BYTES and not self._in_head:
            self._refuse(_BODY)
        return b""

    def on_message_begin(self) -> None:
        if self.pipeline:
            raise BoundExceededError  # One may wait for the end of another.
        self._arm(HEAD_SECONDS)
        super().on_message_begin()
        self.scope["state"]["admit"] = self._admit
        self.scope["state"]["is_gone"] = self.transport.is_closing
        self.scope["state"]["end"] = self.end

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # Trailers are ignored.
        if len(self.headers) >= _MOST_HEADERS:
            self._refusal = _HEAD
            raise BoundExceededError
        super().on_header(name, value)

    def on_chunk_header(self) -> None:
        """Count a chunk: each takes more time than its bytes."""
        self._chunks += 1
        if self._chunks > _MOST_CHUNKS:
            self._refusal = _BODY
            raise BoundExceededError

    def on_headers_complete(self) -> None:
        self._disarm()
        self._size, self._in_head, self._chunks = 0, False, 0
        if any(name == b"content-length" and _is_too_long(value) for name, value in self.headers):
            self._refusal = _BODY
            raise BoundExceededError
        if self._goes_elsewhere():
            raise LeavingError
        self._came = None
        super().on_headers_complete()

    def _goes_elsewhere(self) -> bool:
        """Whether another server is to answer, which gets the connection as it is now.

        What it would answer is answered here while it does not run, and of a head that was too
        long to be kept.

        Raises:
            BoundExceededError: it would, and cannot be reached; or an answer is still under way
                on this connection, and its client must open another.
        """
        there = self.exit
        if there is None or (there.only_guests and not self._is_guest):
            return False
        path = httptools.parse_url(self.url).path.decode("ascii")
        if not there.takes(f"{self.parser.get_method().decode('ascii')} {path}"):
            return False
        if not there.outlet.is_open():
            if there.only_guests:
                self._refusal = _DOWN
                raise BoundExceededError
            return False
        if self._is_idle() and self._came is None and not there.only_guests:
            return False
        if not self._is_idle() or self._came is None:
            raise BoundExceededError
        self._is_leaving = True
        return True

    def _leave(self) -> None:
        assert self.exit is not None and self._came is not None
        try:
            client = socket.socket(fileno=os.dup(_number(self.transport)))
        except OSError:
            self._refuse(_CROWDED)
            return
        self._is_over = True
        self.exit.outlet.send(client, self._came)
        self._came = None
        self.transport.abort()

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self.untaken.count(self, len(body))

    def untaken_bytes(self) -> int:
        """How much came of a body, and was not taken by the application."""
        return len(self.cycle.body) if self.cycle is not None else 0

    def end(self) -> None:
        """Close it at once, whatever is under way."""
        self.transport.abort()

    def on_message_complete(self) -> None:
        self._size, self._in_head = 0, True
        super().on_message_complete()
        self.headers = []  # Those of the next are not read yet.

    def on_response_complete(self) -> None:
        if self.cycle.response_complete:
            self.cycle.body = bytearray()  # The connection may stay, with what nobody takes.
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if self._in_head:
            self._wait()
        else:
            self._linger()

    def send_400_response(self, msg: str) -> None:
        """Answer a request that is not HTTP, not allowed or not answered here."""
        if self._is_leaving:
            self._leave()
        else:
            self._refuse(self._refusal or _MALFORMED)

    def _refuse(self, refusal: _Refusal) -> None:
        said = _answer(*refusal, self.headers)
        self._came = None
        if self._in_head and self.headers:
            self.headers.clear()  # A thousand that are refused would hold as many heads.
        if self._is_idle():
            # Beside an answer that is under way, another would be read as a part of it.
            self.transport.write(said)
            self._linger()
        else:
            self._is_over = True
            self.transport.close()

    def _linger(self) -> None:
        """End the connection once the client has read its answer; what it sends is not read."""
        self._is_over = True
        self._waiting.pop(self, None)
        self._unset_keepalive_if_required()
        self._arm(_LINGER_SECONDS)
        self.transport.write_eof()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _wait(self) -> None:
        self._waiting.pop(self, None)
        self._waiting[self] = None
        if len(self._waiting) > MOST_WAITING:
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            oldest.transport.abort()

    def _admit(self) -> None:
        self._waiting.pop(self, None)

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(seconds, self.transport.abort)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def refuse(client: socket.socket) -> None:
    """Answer a connection that the other server did not take after all."""
    with contextlib.suppress(OSError):  # Its client went, or reads nothing.
        client.setblocking(False)
        client.send(_answer(*_DOWN))
        client.shutdown(socket.SHUT_WR)


def _number(transport: asyncio.Transport) -> int:
    """The number of the open file of a connection."""
    number: int = transport.get_extra_info("socket").fileno()
    return number


def _idle() -> list[BoundedProtocol]:
    """Connections that are in the middle of nothing."""
    return [one for one in BoundedProtocol._waiting if not one._is_in_the_middle()]


def _is_too_long(length: bytes) -> bool:
    """Whether a Content-Length is over the bound; the parser let only digits pass."""
    return len(length) > 18 or int(length) > settings.MAX_BODY_BYTES


def _answer(status: int, code: str, message: str, read: manners.Pairs | None = None) -> bytes:
    """A whole answer to a request of which these headers were read."""
    request_id, common = manners.refused(read)
    body = encode(envelope(code, message, request_id=request_id))
    own = [answers.JSON, (b"content-length", b"%d" % len(body)), (b"connection", b"close")]
    lines = [b"%b: %b\r\n" % pair for pair in (*own, *common)]
    return b"".join([STATUS_LINE[status], *lines, b"\r\n", body])
