"""Calls to real targets, over one pool of kept-alive connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING
from weakref import WeakSet

from kt.gateway.errors import UpstreamError
from kt.gateway.options import Timeouts
from kt.gateway.policy.targets import UpstreamTarget
from kt.gateway.upstream.body import Body
from kt.gateway.upstream.inflating import CODINGS, InflateError, Inflater
from kt.gateway.upstream.outgoing import Outlet, outlet
from kt.gateway.upstream.reply import Call
from kt.gateway.wire import Headers

if TYPE_CHECKING:
    import aiohttp
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.http_parser import RawResponseMessage

_CONNECTIONS = 1000
_OUTLETS = 1000
_BUFFER_BYTES = 1 << 17
_INTERIM = frozenset({100, 102, 103})
_UPGRADES = 1
_REDIRECTS = 3
# Shorter than servers' usual time, so that no connection is used while they close it.
_KEEP_ALIVE_SECONDS = 4.0
_ONCE = "idempotency-key"

# Headers of a target that do not reach the client: the connection's, and the gateway's own.
_KEPT_BACK = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te"}
    | {b"trailer", b"transfer-encoding", b"upgrade", b"content-length", b"content-encoding"}
    | {b"set-cookie", b"server", b"date", b"x-request-id", b"alt-svc", b"location"}
    | {b"strict-transport-security"}
)
_KEPT_BACK_PREFIXES = (b"x-keeptrusts-", b"access-control-")
_PLAIN = frozenset({"", "identity", "chunked"})
_NAMED_CODINGS = frozenset({"br", "zstd", "compress", "gzip", "x-gzip", "deflate"})
# A connection that was closed while it was idle fails as soon as something is sent on it.
_AT_ONCE_SECONDS = 1.0


class HttpReply:
    """A `reply.Reply` over HTTP."""

    def __init__(
        self,
        head: RawResponseMessage,
        body: Body,
        *,
        limit: int,
        idle_seconds: float,
    ) -> None:
        self._body = body
        self._limit = limit
        self._idle_seconds = idle_seconds
        self.status = head.code
        self.content_type = head.headers.get("content-type", "").partition(";")[0].lower()
        self.problem, self._inflater = _decoding(head)
        self.headers: Headers = [
            (name, value)
            for name, value in ((raw.lower(), value) for raw, value in head.raw_headers)
            if _may_pass(name)
        ]

    async def read(self) -> bytes:
        pieces = [piece async for piece in self.chunks()]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def chunks(self) -> AsyncIterator[bytes]:
        size = came = 0
        while data := await self._next():
            came += len(data)
            for piece in (data,) if self._inflater is None else self._inflated(data):
                size += len(piece)
                # Compressed bytes may go on for ever without standing for any.
                if max(size, came) > self._limit:
                    message = f"The answer is larger than {self._limit} bytes."
                    raise UpstreamError(message, trigger="", code="response_too_large")
                yield piece

    async def _next(self) -> bytes:
        import aiohttp

        try:
            data = await self._body.read(self._idle_seconds)
            if not data and self._inflater is not None:
                self._inflater.finish()
        except TimeoutError as exc:
            raise UpstreamError("The target stopped answering.", trigger="timeout") from exc
        except (aiohttp.ClientError, OSError, InflateError) as exc:
            message = "The target broke off its answer."
            raise UpstreamError(message, trigger="server_error") from exc
        return data

    def _inflated(self, data: bytes) -> Iterator[bytes]:
        assert self._inflater is not None
        try:
            yield from self._inflater.pieces(data)
        except InflateError as exc:
            message = "The target's answer is not compressed as its head says."
            raise UpstreamError(message, trigger="", code="unreadable_answer") from exc

    def close(self) -> None:
        self._body.close()


def _decoding(head: RawResponseMessage) -> tuple[str, Inflater | None]:
    """Why a body's bytes cannot become text, "" when they can; what inflates them, if they must."""
    content = _codings(head, "content-encoding")
    if not content and not _codings(head, "transfer-encoding"):
        return "", None
    if len(content) == 1 and content[0] in CODINGS and not _codings(head, "transfer-encoding"):
        return "", Inflater(content[0])
    names = [*content, *_codings(head, "transfer-encoding")]
    said = "+".join(name if name in _NAMED_CODINGS else "unknown" for name in names)
    return f"The target compressed its answer ({said}) although it was asked not to.", None


def _codings(head: RawResponseMessage, name: str) -> list[str]:
    given = ",".join(head.headers.getall(name, ()))
    return [one for one in (part.strip().lower() for part in given.split(",")) if one not in _PLAIN]


def _may_pass(name: bytes) -> bool:
    return name not in _KEPT_BACK and not name.startswith(_KEPT_BACK_PREFIXES)


class Upstream:
    """The pool of connections, made on first use: a gateway that only mocks imports no aiohttp."""

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._connector: aiohttp.TCPConnector | None = None
        self._unpooled: aiohttp.TCPConnector | None = None
        self._kept: WeakSet[ResponseHandler] = WeakSet()
        self._outlets: dict[tuple[UpstreamTarget, str, str], Outlet] = {}

    async def call(self, target: UpstreamTarget, call: Call) -> HttpReply:
        """Send a call and wait for the head of its answer.

        Tried again, once, when nothing can have been done: no connection could be made, or the
        target had closed a kept one before the call reached it.

        Raises:
            UpstreamError: no connection, no answer in time, or a redirect.
        """
        import aiohttp

        try:
            return await self._send(target, call)
        except (aiohttp.ClientConnectorError, StaleError) as exc:
            return await self._send_again(target, call, fresh=isinstance(exc, StaleError))
        except _failures() as exc:
            raise _translated(exc) from exc

    async def _send_again(self, target: UpstreamTarget, call: Call, *, fresh: bool) -> HttpReply:
        try:
            return await self._send(target, call, fresh=fresh)
        except _failures() as exc:
            raise _translated(exc) from exc

    async def _send(self, target: UpstreamTarget, call: Call, *, fresh: bool = False) -> HttpReply:
        where = self._outlet(target, call.path, call.method)
        async with asyncio.timeout(self._timeouts.first_byte_seconds):
            connection = await self._connect(where, fresh=fresh)
            assert connection.protocol is not None
            kept = connection.protocol in self._kept
            try:
                head, body = await _exchange(connection, where.head(call), call, kept=kept)
            except BaseException:
                connection.close()
                raise
            if not kept:
                self._kept.add(connection.protocol)
        limit, idle_seconds = call.max_response_bytes, self._timeouts.idle_seconds
        reply = HttpReply(head, body, limit=limit, idle_seconds=idle_seconds)
        if reply.status // 100 in (_UPGRADES, _REDIRECTS):
            reply.close()
            message = f"The target answered {reply.status}; no redirect or upgrade is followed."
            raise UpstreamError(message, trigger="server_error")
        if reply.problem:
            reply.close()
            raise UpstreamError(reply.problem, trigger="server_error", code="unreadable_answer")
        return reply

    def _outlet(self, target: UpstreamTarget, path: str, method: str) -> Outlet:
        key = (target, path, method)
        if key not in self._outlets:
            # Reloads may bring ever new targets.
            if len(self._outlets) >= _OUTLETS:
                self._outlets.clear()
            self._outlets[key] = outlet(target, path, method)
        return self._outlets[key]

    async def _connect(self, where: Outlet, *, fresh: bool) -> aiohttp.connector.Connection:
        import aiohttp

        if self._connector is None:
            self._connector = aiohttp.TCPConnector(
                limit=_CONNECTIONS, keepalive_timeout=_KEEP_ALIVE_SECONDS
            )
        if fresh and self._unpooled is None:
            self._unpooled = aiohttp.TCPConnector(limit=_CONNECTIONS, force_close=True)
        connector = self._unpooled if fresh else self._connector
        assert connector is not None
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._timeouts.connect_seconds)
        return await connector.connect(where.request, traces=[], timeout=timeout)

    async def close(self) -> None:
        """Close every connection."""
        for connector in (self._connector, self._unpooled):
            if connector is not None:
                await connector.close()


class StaleError(ConnectionError):
    """A kept connection was closed before the call that was sent on it had any answer."""


async def _exchange(
    connection: aiohttp.connector.Connection, head: bytes, call: Call, *, kept: bool
) -> tuple[RawResponseMessage, Body]:
    """Send a request; returns the head of its answer, and the body to be read.

    Raises:
        StaleError: the connection was `kept`, and is gone; the call may be sent again.
    """
    import aiohttp

    protocol = connection.protocol
    assert protocol is not None
    assert protocol.transport is not None
    sent = time.monotonic()
    protocol.set_response_params(
        read_until_eof=True, auto_decompress=False, read_bufsize=_BUFFER_BYTES
    )
    protocol.transport.writelines((head, call.data))
    try:
        message, stream = await protocol.read()
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as exc:
        # A target that closes later may have done the work; with a key it does it once.
        is_soon = time.monotonic() - sent < _AT_ONCE_SECONDS or _ONCE in call.headers
        if kept and is_soon and not _has_begun(exc):
            raise StaleError from exc
        raise
    while message.code in _INTERIM:
        message, stream = await protocol.read()
    return message, Body(connection, message, stream)


def _has_begun(exc: Exception) -> bool:
    """True when a connection ended within the head of an answer."""
    return not isinstance(getattr(exc, "message", ""), str)


def _failures() -> tuple[type[Exception], ...]:
    """The exceptions of aiohttp and the system when a target fails."""
    import aiohttp
    from aiohttp.http_exceptions import HttpProcessingError

    return aiohttp.ClientError, HttpProcessingError, OSError


def _translated(exc: Exception) -> UpstreamError:
    """An exception of aiohttp or the system as an `UpstreamError`."""
    import aiohttp
    from aiohttp.http_exceptions import HttpProcessingError

    if isinstance(exc, TimeoutError):
        return UpstreamError("The target did not answer in time.", trigger="timeout")
    if isinstance(exc, aiohttp.ClientConnectorError):
        message = "The target could not be reached."
    elif isinstance(exc, HttpProcessingError):
        message = "The target's answer is not HTTP."
    else:
        message = "The target closed the connection before it answered."
    return UpstreamError(message, trigger="server_error")
