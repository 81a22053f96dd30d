"""One connection of HTTP/1.1, for one request at a time whose whole answer is wanted.

It reads plain answers, which nearly all are. What is framed by the end of its connection, or is no
HTTP, ends the exchange, and the caller has another way.
"""

import asyncio
import select
from collections.abc import Callable
from dataclasses import dataclass, field

import httptools

_SWITCHING = 101
_FINE = 200
# Bounds of an answer: its fields, with those of hints and trailers, the bytes of one, and those of
# a line without an end.
_FIELDS = 128
_FIELD_BYTES = 8190
_LINE_BYTES = 2 * _FIELD_BYTES


class NotPlainError(Exception):
    """There was no plain answer."""


class UnheardError(NotPlainError):
    """Nothing at all came of an answer."""


@dataclass(slots=True)
class Answer:
    """The status of an answer, and its headers by lower-case name, the first of each."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)


Sink = Callable[[bytes], object]
"""What takes the pieces of a body as they come."""
Receiver = Callable[[Answer], Sink]
"""What is told of the head of a 200, once it is there, and says who takes its body."""


class Exchange(asyncio.Protocol):
    """A connection, told of its end by `lost`. `is_usable` while another request can be sent."""

    def __init__(self, lost: Callable[["Exchange"], object]) -> None:
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[Answer] | None = None
        self.is_usable = True
        self._forget(lambda _: lambda _: None)

    def _forget(self, receive: Receiver) -> None:
        self._answer, self._receive = Answer(), receive
        self._sink: Sink | None = None
        self._pieces: list[bytes] = []
        self._has_head = self._is_whole = self._is_heard = False
        self._line_bytes = self._fields = 0

    def is_quiet(self) -> bool:
        """True while the last answer is all that came; what came since may still wait unread."""
        if self._transport is None:
            return False
        waiting = select.poll()
        waiting.register(self._transport.get_extra_info("socket"), select.POLLIN)
        return not waiting.poll(0)

    async def ask(self, request: bytes, receive: Receiver) -> Answer:
        """Send a request, and hand its answer, if that is a 200, to `receive` as it comes.

        Raises:
            NotPlainError: the answer is none that can be read here.
            Exception: what `receive`, or the sink that it gave, raised.
        """
        if self._transport is None or not self.is_usable:
            raise UnheardError
        self._forget(receive)
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            self._transport.write(request)
            return await self._waiter
        except BaseException:
            self.close()
            raise
        finally:
            self._waiter = None

    def close(self) -> None:
        """Close the connection, whatever is under way."""
        self.is_usable = False
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close the connection at once, whatever is not sent yet."""
        self.is_usable = False
        if self._transport is not None:
            self._transport.abort()

    def _fail(self, failure: Exception) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(failure)
        self.close()

    # Of `asyncio.Protocol`.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._waiter is None or self._waiter.done():
            self.close()  # Nobody asked: it would be read as the answer to the next request.
            return
        self._is_heard = True
        # The parser keeps a line until its end: what it hands on makes this 0.
        before = self._line_bytes = self._line_bytes + len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.is_usable = False
            if not self._is_whole:  # Else the answer is good, and what follows it is not.
                self._fail(NotPlainError())
                return
        if self._line_bytes == before > _LINE_BYTES:
            self._fail(NotPlainError())
        self._hand_on()

    def _hand_on(self) -> None:
        pieces, self._pieces = self._pieces, []
        if self._waiter is None or self._waiter.done():
            return
        try:
            if self._sink is None and self._has_head and self._answer.status == _FINE:
                self._sink = self._receive(self._answer)
            if self._sink is not None and pieces:
                # As one, however small a server makes its chunks: each costs its reader a copy.
                self._sink(b"".join(pieces))
        except Exception as exc:  # noqa: BLE001 - it is raised where the answer is waited for.
            self._fail(exc)
        else:
            if self._is_whole:
                self._waiter.set_result(self._answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(NotPlainError() if self._is_heard else UnheardError())
        self._lost(self)

    # Of the parser.

    def on_message_begin(self) -> None:
        self._line_bytes = 0
        self._fields += 1  # Or hints without any might go on for ever.
        if self._is_whole:
            self.is_usable = False  # More than was asked for.

    def on_header(self, name: bytes, value: bytes) -> None:
        self._line_bytes = 0
        self._fields += 1
        if self._fields > _FIELDS or max(len(name), len(value)) > _FIELD_BYTES:
            raise NotPlainError
        if self._has_head:
            return  # A trailer, which says nothing of the answer.
        text = value.decode("utf-8", "surrogateescape").strip(" \t")
        self._answer.headers.setdefault(name.decode("ascii").lower(), text)

    def on_headers_complete(self) -> None:
        self._line_bytes = 0
        if self._is_whole:
            return
        self._answer.status = self._parser.get_status_code()
        if self._answer.status < _FINE and self._answer.status != _SWITCHING:
            return
        if self._answer.status != _FINE:
            # It says all; a body may be long, or never end.
            self._has_head = self._is_whole = True
            self.is_usable = False
            return
        if not self._is_framed():
            raise NotPlainError
        self._has_head = True

    def _is_framed(self) -> bool:
        headers = self._answer.headers
        if "transfer-encoding" in headers:
            return headers["transfer-encoding"].lower() == "chunked"
        return "content-length" in headers

    def on_body(self, body: bytes) -> None:
        self._line_bytes = 0
        if not self._is_whole:
            self._pieces.append(body)

    def on_message_complete(self) -> None:
        self._line_bytes = 0
        if not self._has_head:
            self._answer = Answer()  # A hint, before the answer.
        elif not self._is_whole:
            self._is_whole = True
            self.is_usable = self.is_usable and self._parser.should_keep_alive()
