"""Calls to real targets, over one pool of kept-alive connections."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from functools import lru_cache

from kt.gateway.errors import UpstreamError
from kt.gateway.options import Timeouts
from kt.gateway.policy.targets import UpstreamTarget
from kt.gateway.upstream.connection import BrokenError, ClosedError, Connection, NotHttpError
from kt.gateway.upstream.inflating import CODINGS, InflateError, Inflater
from kt.gateway.upstream.outgoing import Outlet, outlet
from kt.gateway.upstream.pool import Pool, UnreachableError, tls_context
from kt.gateway.upstream.reply import Call
from kt.gateway.wire import Headers

_OUTLETS = 1000
_UPGRADES = 1
_REDIRECTS = 3
_ONCE = "idempotency-key"

# A connection that was closed while it was idle fails as soon as something is sent on it.
_AT_ONCE_SECONDS = 1.0

# Headers of a target that do not reach the client: the connection's, and the gateway's own.
_KEPT_BACK = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te"}
    | {b"trailer", b"transfer-encoding", b"upgrade", b"content-length", b"content-encoding"}
    | {b"set-cookie", b"server", b"date", b"x-request-id", b"alt-svc", b"location"}
    | {b"strict-transport-security"}
)
_KEPT_BACK_PREFIXES = (b"x-keeptrusts-", b"access-control-")
_PLAIN = frozenset({"", "identity", "chunked"})
_CONTENT, _TRANSFER = b"content-encoding", b"transfer-encoding"
_NAMED_CODINGS = frozenset({"br", "zstd", "compress", "gzip", "x-gzip", "deflate"})


class HttpReply:
    """A `reply.Reply` over HTTP; it holds its connection until it is closed."""

    def __init__(self, connection: Connection, *, limit: int, idle_seconds: float) -> None:
        self._connection = connection
        self._limit = limit
        self._idle_seconds = idle_seconds
        self._came = self._size = 0
        self.status = connection.status
        first = dict(reversed(connection.headers))
        content_type = first.get(b"content-type", b"").decode("latin-1")
        self.content_type = content_type.partition(";")[0].lower()
        self.problem, self._inflater = "", None
        if _CONTENT in first or _TRANSFER in first:
            self.problem, self._inflater = _decoding(connection.headers)
        self.headers: Headers = [one for one in connection.headers if _may_pass(one[0])]

    async def read(self) -> bytes:
        pieces: list[bytes] = []
        while data := await self._next():
            pieces.extend(self._bounded(data))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def chunks(self) -> AsyncIterator[bytes]:
        while data := await self._next():
            for piece in self._bounded(data):
                yield piece

    async def _next(self) -> bytes:
        try:
            data = await self._connection.read(self._idle_seconds)
            if not data and self._inflater is not None:
                self._inflater.finish()
        except TimeoutError as exc:
            raise UpstreamError("The target stopped answering.", trigger="timeout") from exc
        except (BrokenError, InflateError) as exc:
            message = "The target broke off its answer."
            raise UpstreamError(message, trigger="server_error") from exc
        return data

    def _bounded(self, data: bytes) -> Iterator[bytes]:
        """The text that bytes stand for, as long as the answer is not too large."""
        self._came += len(data)
        for piece in (data,) if self._inflater is None else self._inflated(data):
            self._size += len(piece)
            # Compressed bytes may go on for ever without standing for any.
            if max(self._size, self._came) > self._limit:
                message = f"The answer is larger than {self._limit} bytes."
                raise UpstreamError(message, trigger="", code="response_too_large")
            yield piece

    def _inflated(self, data: bytes) -> Iterator[bytes]:
        assert self._inflater is not None
        try:
            yield from self._inflater.pieces(data)
        except InflateError as exc:
            message = "The target's answer is not compressed as its head says."
            raise UpstreamError(message, trigger="", code="unreadable_answer") from exc

    def close(self) -> None:
        self._connection.release()


def _decoding(headers: Headers) -> tuple[str, Inflater | None]:
    """Why a body's bytes cannot become text, "" when they can; what inflates them, if they must."""
    content, transfer = _codings(headers, _CONTENT), _codings(headers, _TRANSFER)
    if not content and not transfer:
        return "", None
    if len(content) == 1 and content[0] in CODINGS and not transfer:
        return "", Inflater(content[0])
    said = "+".join(one if one in _NAMED_CODINGS else "unknown" for one in (*content, *transfer))
    return f"The target compressed its answer ({said}) although it was asked not to.", None


def _codings(headers: Headers, name: bytes) -> list[str]:
    given = ",".join(value.decode("latin-1") for own, value in headers if own == name)
    return [one for one in (part.strip().lower() for part in given.split(",")) if one not in _PLAIN]


@lru_cache(maxsize=1000)
def _may_pass(name: bytes) -> bool:
    return name not in _KEPT_BACK and not name.startswith(_KEPT_BACK_PREFIXES)


class Upstream:
    """The calls to all targets; the pool of connections is made on first use."""

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._pool: Pool | None = None
        self._outlets: dict[tuple[UpstreamTarget, str, str], Outlet] = {}

    def prepare_tls(self) -> None:
        """Read the authorities that are trusted, for which a first call would else wait."""
        tls_context()

    async def call(self, target: UpstreamTarget, call: Call) -> HttpReply:
        """Send a call and wait for the head of its answer.

        Tried again, once, when nothing can have been done: no connection could be made, or the
        target had closed a kept one before the call reached it.

        Raises:
            UpstreamError: no connection, no answer in time, or a redirect.
        """
        try:
            where = self._outlet(target, call.path, call.method)
        except ValueError as exc:
            raise _translated(UnreachableError()) from exc
        try:
            connection = await self._send(where, call)
        except (UnreachableError, StaleError) as exc:
            connection = await self._send_again(where, call, is_new=isinstance(exc, StaleError))
        except _FAILURES as exc:
            raise _translated(exc) from exc
        limit, idle_seconds = call.max_response_bytes, self._timeouts.idle_seconds
        reply = HttpReply(connection, limit=limit, idle_seconds=idle_seconds)
        if reply.status // 100 in (_UPGRADES, _REDIRECTS):
            reply.close()
            message = f"The target answered {reply.status}; no redirect or upgrade is followed."
            raise UpstreamError(message, trigger="server_error")
        if reply.problem:
            reply.close()
            raise UpstreamError(reply.problem, trigger="server_error", code="unreadable_answer")
        return reply

    async def _send_again(self, where: Outlet, call: Call, *, is_new: bool) -> Connection:
        try:
            return await self._send(where, call, is_new=is_new)
        except _FAILURES as exc:
            raise _translated(exc) from exc

    async def _send(self, where: Outlet, call: Call, *, is_new: bool = False) -> Connection:
        """Send a call, and wait for the head of its answer; the connection that has it.

        Raises:
            StaleError: the connection was a kept one, and is gone; the call may be sent again.
        """
        if self._pool is None:
            self._pool = Pool()
        began, seconds = time.monotonic(), self._timeouts.first_byte_seconds
        connection = await self._pool.take(
            where.endpoint,
            is_new=is_new,
            seconds=seconds,
            connect_seconds=self._timeouts.connect_seconds,
        )
        sent = time.monotonic()
        try:
            connection.send(where.head(call), call.data)
            await connection.answer(began + seconds - sent)
        except ClosedError as exc:
            connection.release()
            # A target that closes later may have done the work; with a key it does it once.
            is_soon = time.monotonic() - sent < _AT_ONCE_SECONDS or _ONCE in call.headers
            if connection.was_used and is_soon and exc.unheard:
                raise StaleError from exc
            raise
        except BaseException:
            connection.release()
            raise
        return connection

    def _outlet(self, target: UpstreamTarget, path: str, method: str) -> Outlet:
        key = (target, path, method)
        found = self._outlets.get(key)
        if found is None:
            # Reloads may bring ever new targets.
            if len(self._outlets) >= _OUTLETS:
                self._outlets.clear()
            found = self._outlets[key] = outlet(target, path, method)
        return found

    async def close(self) -> None:
        """Close every connection."""
        if self._pool is not None:
            await self._pool.close()


class StaleError(ConnectionError):
    """A kept connection was closed before the call that was sent on it had any answer."""


_FAILURES = (UnreachableError, NotHttpError, OSError)


def _translated(exc: Exception) -> UpstreamError:
    """A failure of a connection as an `UpstreamError`."""
    if isinstance(exc, TimeoutError):
        return UpstreamError("The target did not answer in time.", trigger="timeout")
    if isinstance(exc, UnreachableError):
        message = "The target could not be reached."
    elif isinstance(exc, NotHttpError):
        message = "The target's answer is not HTTP."
    else:
        message = "The target closed the connection before it answered."
    return UpstreamError(message, trigger="server_error")
