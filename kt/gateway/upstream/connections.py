"""Calls to real targets, over one pool of kept-alive connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from kt.gateway.errors import UpstreamError
from kt.gateway.options import Timeouts
from kt.gateway.policy.targets import UpstreamTarget
from kt.gateway.upstream.body import Body
from kt.gateway.upstream.outgoing import Outlet, outlet
from kt.gateway.upstream.reply import Call
from kt.gateway.wire import Headers

if TYPE_CHECKING:
    import aiohttp
    from aiohttp.http_parser import RawResponseMessage

_CONNECTIONS = 1000
_OUTLETS = 1000
_BUFFER_BYTES = 1 << 17
_INTERIM = frozenset({100, 102, 103})
_UPGRADES = 1
_REDIRECTS = 3
# Shorter than servers' usual time, so that no connection is used while they close it.
_KEEP_ALIVE_SECONDS = 4.0

# Headers of a target that do not reach the client: the connection's, and the gateway's own.
_KEPT_BACK = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te"}
    | {b"trailer", b"transfer-encoding", b"upgrade", b"content-length", b"content-encoding"}
    | {b"set-cookie", b"server", b"date", b"x-request-id", b"alt-svc", b"location"}
    | {b"strict-transport-security"}
)
_KEPT_BACK_PREFIX = b"x-keeptrusts-"
_PLAIN = frozenset({"", "identity", "chunked"})


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
        self.is_encoded = _is_encoded(head)
        self.headers: Headers = [
            (name, value)
            for name, value in ((raw.lower(), value) for raw, value in head.raw_headers)
            if _may_pass(name)
        ]

    async def read(self) -> bytes:
        pieces = [piece async for piece in self.chunks()]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def chunks(self) -> AsyncIterator[bytes]:
        size = 0
        while data := await self._next():
            size += len(data)
            if size > self._limit:
                message = f"The answer is larger than {self._limit} bytes."
                raise UpstreamError(message, trigger="", code="response_too_large")
            yield data

    async def _next(self) -> bytes:
        import aiohttp

        try:
            return await self._body.read(self._idle_seconds)
        except TimeoutError as exc:
            raise UpstreamError("The target stopped answering.", trigger="timeout") from exc
        except (aiohttp.ClientError, OSError) as exc:
            message = "The target broke off its answer."
            raise UpstreamError(message, trigger="server_error") from exc

    def close(self) -> None:
        self._body.close()


def _is_encoded(head: RawResponseMessage) -> bool:
    """True when a body is encoded, so that its bytes are not its text."""
    codings = [head.headers.get(name, "") for name in ("content-encoding", "transfer-encoding")]
    return not {one.strip().lower() for one in ",".join(codings).split(",")} <= _PLAIN


def _may_pass(name: bytes) -> bool:
    return name not in _KEPT_BACK and not name.startswith(_KEPT_BACK_PREFIX)


class Upstream:
    """The pool of connections, made on first use: a gateway that only mocks imports no aiohttp."""

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._connector: aiohttp.TCPConnector | None = None
        self._outlets: dict[tuple[UpstreamTarget, str], Outlet] = {}

    async def call(self, target: UpstreamTarget, call: Call) -> HttpReply:
        """Send a call and wait for the head of its answer.

        Tried again only when no connection could be made, since nothing was sent then.

        Raises:
            UpstreamError: no connection, no answer in time, or a redirect.
        """
        import aiohttp

        try:
            return await self._send(target, call)
        except aiohttp.ClientConnectorError:
            return await self._send_or_fail(target, call)
        except _failures() as exc:
            raise _translated(exc) from exc

    async def _send_or_fail(self, target: UpstreamTarget, call: Call) -> HttpReply:
        try:
            return await self._send(target, call)
        except _failures() as exc:
            raise _translated(exc) from exc

    async def _send(self, target: UpstreamTarget, call: Call) -> HttpReply:
        where = self._outlet(target, call.path)
        async with asyncio.timeout(self._timeouts.first_byte_seconds):
            connection = await self._connect(where)
            try:
                head, body = await _exchange(connection, where.head(call), call.data)
            except BaseException:
                connection.close()
                raise
        limit, idle_seconds = call.max_response_bytes, self._timeouts.idle_seconds
        reply = HttpReply(head, body, limit=limit, idle_seconds=idle_seconds)
        problem = _unusable(reply)
        if problem:
            reply.close()
            raise UpstreamError(problem, trigger="server_error")
        return reply

    def _outlet(self, target: UpstreamTarget, path: str) -> Outlet:
        key = (target, path)
        if key not in self._outlets:
            # Reloads may bring ever new targets.
            if len(self._outlets) >= _OUTLETS:
                self._outlets.clear()
            self._outlets[key] = outlet(target, path)
        return self._outlets[key]

    async def _connect(self, where: Outlet) -> aiohttp.connector.Connection:
        import aiohttp

        if self._connector is None:
            self._connector = aiohttp.TCPConnector(
                limit=_CONNECTIONS, keepalive_timeout=_KEEP_ALIVE_SECONDS
            )
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._timeouts.connect_seconds)
        return await self._connector.connect(where.request, traces=[], timeout=timeout)

    async def close(self) -> None:
        """Close every connection."""
        if self._connector is not None:
            await self._connector.close()


async def _exchange(
    connection: aiohttp.connector.Connection, head: bytes, data: bytes
) -> tuple[RawResponseMessage, Body]:
    """Send a request; returns the head of its answer, and the body to be read."""
    protocol = connection.protocol
    assert protocol is not None
    assert protocol.transport is not None
    protocol.set_response_params(
        read_until_eof=True, auto_decompress=False, read_bufsize=_BUFFER_BYTES
    )
    protocol.transport.writelines((head, data))
    message, stream = await protocol.read()
    while message.code in _INTERIM:
        message, stream = await protocol.read()
    return message, Body(connection, message, stream)


def _failures() -> tuple[type[Exception], ...]:
    """The exceptions of aiohttp and the system when a target fails."""
    import aiohttp
    from aiohttp.http_exceptions import HttpProcessingError

    return aiohttp.ClientError, HttpProcessingError, OSError


def _unusable(reply: HttpReply) -> str:
    if reply.status // 100 in (_UPGRADES, _REDIRECTS):
        return f"The target answered {reply.status}; no redirect or upgrade is followed."
    if reply.is_encoded:
        return "The target compressed its answer although it was asked not to."
    return ""


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
