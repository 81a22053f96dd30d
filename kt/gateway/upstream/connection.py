"""One HTTP/1.1 connection to a target. It carries one call at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from kt.gateway.wire import Headers

# Bounds of an answer's head: the bytes of a name or a value, and their number.
_FIELD_BYTES = 8190
_FIELDS = 128
# What the parser may keep of a line that does not end.
_LINE_BYTES = 2 * _FIELD_BYTES
# What is here and was not read: past this reading pauses until it is read.
_MOST_WAITING_BYTES = 1 << 18

_INTERIM = frozenset({100, 102, 103})
_BODILESS = frozenset({204, 304})


class ClosedError(ConnectionError):
    """A connection ended before the head of an answer was whole.

    `unheard`: nothing at all had come of the answer.
    """

    def __init__(self, *, unheard: bool) -> None:
        super().__init__("The connection ended before its answer.")
        self.unheard = unheard


class BrokenError(ConnectionError):
    """A connection ended within an answer, or what came is no body."""


class NotHttpError(Exception):
    """What came is no answer of HTTP."""


class Endpoint(NamedTuple):
    """The place of a server, which is spoken to over TLS when it `is_secure`."""

    host: str
    port: int
    is_secure: bool


class Connection(asyncio.Protocol):
    """A connection, of which `send`, `answer`, `read` and `release` make one call.

    `status` and `headers` are those of the last answer; their names are in lower case.
    `was_used` is true when it has carried a call before. `released` is told of the end of each
    call, and whether the connection can carry another; if not, it is closed.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, endpoint: Endpoint, released: Released
    ) -> None:
        self.status = 0
        self.headers: Headers = []
        self.was_used = False
        self.kept_until = 0.0
        self._loop = loop
        self._endpoint = endpoint
        self._released = released
        self._transport: asyncio.Transport | None = None
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        # What servers get wrong and everybody reads.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        self._waiter: asyncio.Future[None] | None = None
        self._held_bytes = 0
        self._is_lost = self._is_called = False
        self._forget()

    def _forget(self) -> None:
        """Forget the last answer."""
        self._has_head = self._is_whole = self._is_heard = False
        self._can_be_kept = self._lasts = False
        self._failure: Exception | None = None
        self._pieces: list[bytes] = []
        self._waiting_bytes = 0
        self._is_paused = False
        self.headers = []

    @property
    def is_usable(self) -> bool:
        """True while a call can be sent."""
        transport = self._transport
        return transport is not None and not self._is_lost and not transport.is_closing()

    def send(self, head: bytes, body: bytes) -> None:
        """Send a call, whose answer is to be read."""
        assert self._transport is not None
        self._forget()
        self._is_called = True
        if self._is_lost:
            self._failure = ClosedError(unheard=True)
        else:
            self._transport.writelines((head, body))

    async def answer(self, seconds: float) -> None:
        """Wait for the head of the answer.

        Raises:
            TimeoutError: it did not come in that time.
            ClosedError, NotHttpError: it will not come.
        """
        while not self._has_head:
            if self._failure is not None:
                raise self._failure
            await self._wait(seconds)

    async def read(self, seconds: float) -> bytes:
        """The next bytes of the body, none at its end.

        Raises:
            TimeoutError: none came in that time.
            BrokenError: no more will come.
        """
        while not self._pieces:
            if self._is_whole:
                return b""
            if self._failure is not None:
                raise self._failure
            await self._wait(seconds)
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._pieces = []
        self._waiting_bytes = 0
        if self._is_paused and not self._is_lost and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()
        return data

    def release(self) -> None:
        """End the call; the connection is kept when all was sent and answered."""
        if not self._is_called:
            return
        self._is_called = False
        assert self._transport is not None
        is_sent = not self._transport.get_write_buffer_size()
        can_be_kept = self._can_be_kept and self.is_usable and is_sent and not self._is_paused
        if can_be_kept:
            self.was_used = True
        else:
            self._transport.close()
        self._released(self, self._endpoint, can_be_kept)

    def close(self) -> None:
        """Close the connection, whatever is under way."""
        if self._transport is not None:
            self._transport.close()

    async def _wait(self, seconds: float) -> None:
        """Wait until something comes, or nothing more will."""
        # A timer of its own: `asyncio.timeout` costs three times as much.
        waiter = self._waiter = self._loop.create_future()
        clock = self._loop.call_later(seconds, _expire, waiter)
        try:
            await waiter
        finally:
            clock.cancel()
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, failure: Exception) -> None:
        if self._failure is None and not self._is_whole:
            self._failure = failure
        self._can_be_kept = False
        self._wake()

    # Of `asyncio.Protocol`.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if not self._is_called or self._parser is None:
            # Nobody asked: what comes now would be read as the answer to the next call.
            self.close()
            return
        self._is_heard = True
        # The parser keeps a line until its end: what it hands on makes this 0.
        self._held_bytes += len(data)
        held = self._held_bytes
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._can_be_kept = False
        except HttpParserError:
            self._refuse()
        if self._held_bytes == held > _LINE_BYTES:
            self._refuse()

    def _refuse(self) -> None:
        """Fail by what came, and read no more."""
        self._fail(BrokenError("It is no body.") if self._has_head else NotHttpError())
        self._parser = None
        self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        self._parser = None
        if self._has_head and self._lasts and self._failure is None and not _is_reset(exc):
            self._is_whole = True
        elif self._has_head:
            self._fail(BrokenError("The connection ended in the middle of its answer."))
        else:
            self._fail(ClosedError(unheard=not self._is_heard))
        self._wake()

    # Of the parser.

    def on_message_begin(self) -> None:
        self._held_bytes = 0
        if self._is_whole:
            # More than was asked for.
            self._can_be_kept = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self._held_bytes = 0
        if self._has_head:
            # A trailer, which says nothing of the answer.
            return
        is_large = len(name) > _FIELD_BYTES or len(value) > _FIELD_BYTES
        if is_large or len(self.headers) == _FIELDS or b"\0" in value:
            raise NotHttpError
        # The parser leaves the space behind a value.
        self.headers.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        self._held_bytes = 0
        if self._is_whole:
            return
        assert self._parser is not None
        self.status = self._parser.get_status_code()
        if self.status not in _INTERIM:
            self._has_head = True
            self._lasts = not _is_framed(self.headers) and self.status not in _BODILESS
            self._wake()

    def on_body(self, body: bytes) -> None:
        self._held_bytes = 0
        if self._is_whole:
            return
        self._pieces.append(body)
        self._waiting_bytes += len(body)
        if self._waiting_bytes > _MOST_WAITING_BYTES and not self._is_paused:
            assert self._transport is not None
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def on_message_complete(self) -> None:
        self._held_bytes = 0
        if not self._has_head:
            # A hint, before the answer.
            self.headers = []
        elif not self._is_whole:
            assert self._parser is not None
            self._is_whole = True
            self._can_be_kept = self._parser.should_keep_alive()
            self._wake()


Released: TypeAlias = Callable[[Connection, Endpoint, bool], None]


def _expire(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())


def _is_reset(exc: Exception | None) -> bool:
    """True for an end that is none of an answer that lasts until its connection ends."""
    return isinstance(exc, OSError)


def _is_framed(headers: Headers) -> bool:
    """True when a head says where its body ends."""
    last = dict(headers)
    coding = last.get(b"transfer-encoding")
    if coding is not None:
        return coding.rpartition(b",")[2].strip().lower() == b"chunked"
    return b"content-length" in last
