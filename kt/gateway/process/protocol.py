"""The HTTP protocol of the gateway, with bounds on the head of a request.

The application is called when the headers are complete. Clients that never complete them, or
send ten thousand, are refused here. Who asks for an upgrade gets an answer without one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from kt.gateway.call.watch import WATCH
from kt.gateway.process.corked import Corked
from kt.gateway.wire import BODY

MAX_HEADERS = 100
MAX_HEADER_BYTES = 64 << 10
HEADER_SECONDS = 10.0
DRAIN_IDLE_SECONDS = 0.25

_FRAMING = frozenset({b"content-length", b"transfer-encoding"})
_TOO_MANY = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class TooManyHeadersError(Exception):
    """A request has too many headers; raised in the parser, which then stops."""


class _Parser(httptools.HttpRequestParser):
    """A parser that goes on where a request asks for an upgrade, which a server may ignore.

    Every JDK asks for h2c on http. The parser below takes what follows such a head for the other
    protocol, so another one reads it, as what it is: the body of the request.
    """

    def __init__(self, protocol: BoundedProtocol) -> None:
        super().__init__(protocol)
        self._protocol = protocol

    def feed_data(self, data: Any) -> None:
        """Parse; a packet may hold any number of such heads."""
        parser, rest = self, memoryview(data)
        while rest:
            try:
                httptools.HttpRequestParser.feed_data(parser, rest)
            except httptools.HttpParserUpgrade as exc:
                rest = rest[exc.args[0] :]
                parser = self._protocol.ignore_upgrade()
            else:
                rest = rest[:0]


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with limits on the head of a request and a deadline for it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parser = self._new_parser()
        self._is_repeating = False
        self._count = 0
        self._size = 0
        self._held = 0
        self._refused = False
        self._draining = False
        self._deadline: asyncio.TimerHandle | None = None
        self._is_in_head = False
        self._watcher: Callable[[], None] | None = None
        self._is_lost = False
        self._served: RequestResponseCycle | None = None
        self._corked: Corked

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._corked = Corked(transport)
        super().connection_made(self._corked)  # type: ignore[arg-type]
        self.app_state = {**self.app_state, WATCH: self.watch, BODY: self.whole_body}
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self._is_in_head = False
        self._is_lost = True
        super().connection_lost(exc)
        # The class above tells the request that came last, which may wait for this one's end.
        if self._served is not None and not self._served.response_complete:
            self._served.disconnected = True
        if self._watcher is not None:
            self._watcher()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._served = cycle
        super()._start_asgi_task(cycle, app)

    def watch(self, watcher: Callable[[], None] | None) -> None:
        """Call `watcher` when the client goes away, at once if it is gone; nobody for None."""
        self._watcher = watcher
        if watcher is not None and self._is_lost:
            watcher()
        elif watcher is not None:
            # Who does not read does not see it. A large body had stopped the reading.
            self.flow.resume_reading()

    def whole_body(self) -> bytes | None:
        """The body of the request that is served; None while more of it is to come."""
        cycle = self._served
        if cycle is None or cycle.more_body:
            return None
        data, cycle.body = bytes(cycle.body), bytearray()
        return data

    def data_received(self, data: bytes) -> None:
        # Bytes after a refusal are not read, least of all as a request.
        if self._refused:
            return
        # The parser keeps a header, or a trailer, until its end: what it hands on makes this 0.
        self._held += len(data)
        held = self._held
        super().data_received(data)
        if self._held == held > MAX_HEADER_BYTES:
            self._refused = True
            self.send_400_response("")
        # Nearly always a head is complete at once, and needs no clock.
        if self._is_in_head and self._deadline is None:
            self._arm()

    def _new_parser(self) -> _Parser:
        parser = _Parser(self)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser

    def ignore_upgrade(self) -> _Parser:
        """A parser for the body of the request whose head has just been read."""
        self.parser = self._new_parser()
        framing = [one for one in self.headers if one[0] in _FRAMING]
        lines = [b"POST / HTTP/1.1", *(name + b": " + value for name, value in framing), b"", b""]
        self._is_repeating = True
        self.parser.feed_data(b"\r\n".join(lines))
        self._is_repeating = False
        return self.parser

    def on_message_begin(self) -> None:
        if self._is_repeating:
            return
        self._count = self._size = 0
        self._is_in_head = True
        self._disarm()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        if self._is_repeating:
            return
        self._held = 0
        self._grow(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_repeating:
            return
        self._held = 0
        self._count += 1
        self._grow(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._is_repeating:
            return
        self._is_in_head = False
        self._disarm()
        super().on_headers_complete()
        if self._draining:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self._held = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        # Where an upgrade was asked for the body is still to come, by the parser after this one.
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def shutdown(self) -> None:
        """Stop after the request in progress, or one that is already on its way."""
        self._draining = True
        if self._is_idle():
            self._close_soon()
        elif not self.cycle.response_started:
            super().shutdown()

    def on_response_complete(self) -> None:
        self._corked.flush()
        super().on_response_complete()
        # A head that went out before the shutdown did not say that the connection closes, so
        # the next request may be under way; its answer says so.
        if self._draining and not self.transport.is_closing():
            self._close_soon()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, unless an answer is already on its way."""
        was_refused, self._refused = self._refused, True
        if not self._is_idle():
            # Two answers to one request would be read as the answers to two.
            self.transport.close()
        elif was_refused:
            self.transport.write(_TOO_MANY)
            self.transport.close()
        else:
            super().send_400_response(msg)

    def _grow(self, size: int) -> None:
        self._size += size
        if self._count > MAX_HEADERS or self._size > MAX_HEADER_BYTES:
            self._refused = True
            raise TooManyHeadersError

    def _arm(self) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(HEADER_SECONDS, self._late)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _close_soon(self) -> None:
        self.loop.call_later(DRAIN_IDLE_SECONDS, self._close_idle)

    def _close_idle(self) -> None:
        if self._is_idle():
            self.transport.close()

    def _late(self) -> None:
        self._refused = True
        self.transport.close()
