"""Calls to real targets, over one session of kept-alive connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from kt.gateway.errors import UpstreamError
from kt.gateway.options import Timeouts
from kt.gateway.reply import Call
from kt.gateway.targets import Target
from kt.gateway.wire import Headers

if TYPE_CHECKING:
    import aiohttp

_CONNECTIONS = 1000
_REDIRECTS = 3
# Shorter than what servers commonly keep, so that an idle connection is not used as they close it.
_KEEP_ALIVE_SECONDS = 4.0

# A client's header reaches a target only when it is one of these; no credential is.
_FORWARDED = frozenset(
    {"accept", "user-agent", "openai-beta", "anthropic-beta", "anthropic-version"}
    | {"idempotency-key"}
)
_FORWARDED_PREFIX = "x-stainless-"
_ANTHROPIC_VERSION = "2023-06-01"

# A target's header reaches the client unless it speaks of the connection or is the gateway's own.
_KEPT_BACK = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "content-length", "content-encoding", "set-cookie"}
    | {"server", "date", "x-request-id", "alt-svc", "strict-transport-security", "location"}
)
_KEPT_BACK_PREFIX = "x-keeptrusts-"


class HttpReply:
    """An answer over HTTP, as `reply.Reply` describes one."""

    def __init__(self, response: aiohttp.ClientResponse, limit: int, idle_seconds: float) -> None:
        self._response = response
        self._limit = limit
        self._idle_seconds = idle_seconds
        self.status = response.status
        self.content_type = response.headers.get("content-type", "").partition(";")[0].lower()
        self.headers: Headers = [
            (name.lower(), value)
            for name, value in response.raw_headers
            if _may_pass(name.decode("latin-1").lower())
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
            async with asyncio.timeout(self._idle_seconds):
                return await self._response.content.readany()
        except TimeoutError as exc:
            raise UpstreamError("The target stopped answering.", trigger="timeout") from exc
        except (aiohttp.ClientError, OSError) as exc:
            message = "The target broke off its answer."
            raise UpstreamError(message, trigger="server_error") from exc

    def close(self) -> None:
        # A body read to its end gives its connection back; any other connection is closed.
        if not self._response.content.at_eof():
            self._response.close()
        self._response.release()


def _may_pass(name: str) -> bool:
    return name not in _KEPT_BACK and not name.startswith(_KEPT_BACK_PREFIX)


class Upstream:
    """The session, made on first use: a gateway that only mocks never imports aiohttp."""

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._session: aiohttp.ClientSession | None = None

    async def call(self, target: Target, call: Call) -> HttpReply:
        """Send a call and wait for the head of its answer.

        Sent once more only when no connection could be made: then nothing was sent.

        Raises:
            UpstreamError: no connection, no answer in time, or a redirect.
        """
        import aiohttp

        try:
            return await self._send(target, call)
        except aiohttp.ClientConnectorError:
            return await self._send_or_fail(target, call)
        except (aiohttp.ClientError, OSError) as exc:
            raise _translated(exc) from exc

    async def _send_or_fail(self, target: Target, call: Call) -> HttpReply:
        import aiohttp

        try:
            return await self._send(target, call)
        except (aiohttp.ClientError, OSError) as exc:
            raise _translated(exc) from exc

    async def _send(self, target: Target, call: Call) -> HttpReply:
        async with asyncio.timeout(self._timeouts.first_byte_seconds):
            response = await self.session().post(
                _url(target, call),
                data=call.data,
                headers=_headers(target, call),
                allow_redirects=False,
            )
        reply = HttpReply(response, call.max_response_bytes, self._timeouts.idle_seconds)
        problem = _unusable(response)
        if problem:
            reply.close()
            raise UpstreamError(problem, trigger="server_error")
        return reply

    def session(self) -> aiohttp.ClientSession:
        """The session of this event loop."""
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=_CONNECTIONS, keepalive_timeout=_KEEP_ALIVE_SECONDS
                ),
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=self._timeouts.connect_seconds
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                read_bufsize=1 << 17,
            )
        return self._session

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()


def _unusable(response: aiohttp.ClientResponse) -> str:
    if response.status // 100 == _REDIRECTS:
        return "The target answered with a redirect, which is not followed."
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        return "The target compressed its answer although it was asked not to."
    return ""


def _url(target: Target, call: Call) -> str:
    return target.base_url + call.path.removeprefix("/v1")


def _headers(target: Target, call: Call) -> dict[str, str]:
    headers = {
        name: value
        for name, value in call.headers.items()
        if name in _FORWARDED or name.startswith(_FORWARDED_PREFIX)
    }
    if target.format == "anthropic":
        headers.setdefault("anthropic-version", _ANTHROPIC_VERSION)
    # What is compressed could not be judged as it comes.
    headers |= {"content-type": "application/json", "accept-encoding": "identity"}
    return headers | dict(target.headers)


def _translated(exc: Exception) -> UpstreamError:
    """What aiohttp and the system raise, as one of ours."""
    if isinstance(exc, TimeoutError):
        return UpstreamError("The target did not answer in time.", trigger="timeout")
    return UpstreamError("The target could not be reached.", trigger="server_error")
