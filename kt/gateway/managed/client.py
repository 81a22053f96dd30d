"""The client of the control plane over HTTP."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp

from kt import __version__
from kt.addresses import base_url, is_loopback
from kt.gateway.errors import UpstreamError
from kt.gateway.managed.identity import Identity
from kt.gateway.managed.statement import Signed, StatementError, decode, parse
from kt.gateway.stream import sse
from kt.policy.files import MAX_BYTES
from kt.tracing import context, present

_LOG = logging.getLogger("kt.gateway")

_T = TypeVar("_T")

_TIMEOUT = aiohttp.ClientTimeout(total=15)
# Three pings; one comes every ten seconds.
_STREAM_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=30)
_MOST_JSON_BYTES = 256 << 10
# Of client keys; the control plane hands out no more.
MOST_LIST_BYTES = 4 << 20
_NOT_MODIFIED = 304
# 409: the id of an enrolment is taken.
_REFUSALS = (401, 403, 409, 410)
_NOT_FOUND = 404
# Headers with what an answer tells besides, in the order of `Pulled`.
_NEWS = ("Events", "Gateway-Url", "Client-Keys")
# An address at which nobody answered is left alone for so long.
_AVOIDED_SECONDS = 300.0
# What to do at this end, behind the control plane's own words.
_REMEDIES = {
    "id_taken": "give another --gateway-id, or the --gateway-token of that gateway",
    "permission_denied": "give the --gateway-token of this --gateway-id",
}
_MOST_SAID = 300
# Final when the control plane itself answers so, and not a proxy.
_NEVER = (400, 413, 422)


class ContactError(Exception):
    """A request to the control plane failed. `code` is a gateway's problem code.

    `retry_after` is in seconds, 0 when the answer has none. `is_final`: the same request will
    always be refused. `is_answered`: the control plane itself refused, and nothing on the way.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retry_after: float = 0.0,
        is_final: bool = False,
        is_answered: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after
        self.is_final = is_final
        self.is_answered = is_answered


class GoneError(ContactError):
    """The content with this hash is no longer the newest."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """The policy bound to this gateway, None when it is the one that it has.

    `events_url`, the `gateway_url` for all else that a gateway asks often, and the ETag of its
    client keys are "" when the answer has none.
    """

    policy: tuple[Signed, bytes] | None
    events_url: str
    gateway_url: str
    keys_etag: str


@dataclass(frozen=True, slots=True)
class Event:
    """An event. `name` is "configuration", "goodbye" or another; `retry_seconds` may be 0."""

    name: str
    data: bytes
    retry_seconds: float


class Client:
    """The client, with one session. It follows no redirect and uses no proxy.

    Pulls, reports and decisions go to `gateway_url`, once it is known, and to the API's url while
    no control plane answers there: not every network lets gateways reach both.
    """

    def __init__(self, api_url: str, gateway: str) -> None:
        self._api = base_url(api_url)
        self._gateway = gateway
        self.gateway_url = ""
        self._avoided_until = 0.0
        self._session = aiohttp.ClientSession(
            timeout=_TIMEOUT,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            headers={"User-Agent": f"keeptrusts-gateway/{__version__}"},
            read_bufsize=1 << 18,
            max_field_size=64 << 10,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def enrol(self, identity: Identity) -> dict[str, Any]:
        """Register this gateway with an enrolment token; returns its row, with its `token`.

        Raises:
            ContactError: there is no answer, or a refusal.
        """
        url = f"{self._api}/v1/gateways/enrol"
        return await self._post(url, identity, {"id": self._gateway})

    async def pull(self, identity: Identity, etag: str) -> Pulled:
        """The policy bound to this gateway, unless `etag` is still its ETag.

        Raises:
            ContactError: there is no answer, or a refusal.
            StatementError: the answer is not a statement.
        """
        headers = {"If-None-Match": f'"{etag}"'} if etag else {}

        async def ask(base: str) -> Pulled:
            url = f"{base}/configuration"
            async with self._answer("GET", url, identity, headers=headers) as answer:
                told = answer.headers
                events, gateway, keys = (told.get(f"Keeptrusts-{name}", "") for name in _NEWS)
                news = self._reached(events), self._reached(gateway), keys
                if answer.status == _NOT_MODIFIED:
                    return Pulled(None, *news)
                await _check(answer)
                present.enter(context.heard(told.get(context.HEADER)))
                content = await _read(answer, MAX_BYTES)
                return Pulled((_from_headers(told), content), *news)

        return await self._near(ask)

    async def client_keys(self, identity: Identity) -> tuple[Signed, bytes]:
        """The list of client keys of this gateway; raises as `pull` does."""
        async with self._answer("GET", f"{self._own()}/client-keys", identity) as answer:
            await _check(answer)
            return _from_headers(answer.headers), await _read(answer, MOST_LIST_BYTES)

    async def content(
        self, identity: Identity, events_url: str, content_hash: str, *, most: int = MAX_BYTES
    ) -> bytes:
        """A policy, or a list of client keys, by its hash, from the process of event streams.

        Raises:
            ContactError: there is no answer, or a refusal.
            GoneError: it is no longer the newest.
        """
        url = f"{self._own(events_url)}/contents/{content_hash}"
        async with self._answer("GET", url, identity) as answer:
            if answer.status == _NOT_FOUND:
                raise GoneError("content_mismatch", "it was replaced meanwhile")
            await _check(answer)
            present.enter(context.heard(answer.headers.get(context.HEADER)))
            return await _read(answer, most)

    async def events(self, identity: Identity, events_url: str) -> AsyncGenerator[Event, None]:
        """The events of a stream, until it ends.

        Raises:
            ContactError: the stream was refused, or broke off.
        """
        url = f"{self._own(events_url)}/events"
        headers = {"Accept": "text/event-stream"}
        async with self._answer(
            "GET", url, identity, headers=headers, timeout=_STREAM_TIMEOUT
        ) as answer:
            await _check(answer)
            splitter = sse.Splitter(_MOST_JSON_BYTES)
            # The stream is open; its first bytes may take a while.
            yield Event("open", b"", 0.0)
            async for data in answer.content.iter_any():
                for event in splitter.feed(data):
                    yield _event(event)

    async def report(self, identity: Identity, body: Mapping[str, Any]) -> dict[str, Any]:
        """Report what runs; returns the answer, with the ETag and the report interval.

        Raises:
            ContactError: the report was not taken.
        """
        return await self._near(lambda base: self._post(f"{base}/report", identity, body))

    async def decide(self, identity: Identity, body: Mapping[str, Any]) -> None:
        """Send a batch of decisions.

        Raises:
            ContactError: the batch was not taken.
        """
        await self._near(lambda base: self._post(f"{base}/decisions", identity, body))

    async def _near(self, ask: Callable[[str], Awaitable[_T]]) -> _T:
        """Ask at `gateway_url`; at the API's url without one, or if nobody answers there."""
        if self.gateway_url and time.monotonic() >= self._avoided_until:
            try:
                return await ask(self._own(self.gateway_url))
            except ContactError as exc:
                if exc.is_answered:
                    raise
                _LOG.info("asking at the API's url: %s: %s", self.gateway_url, exc)
                self._avoided_until = time.monotonic() + _AVOIDED_SECONDS
        return await ask(self._own())

    def _reached(self, told: str) -> str:
        """An address that the control plane tells, as it is from here.

        One on its own loopback it has from its own settings: it is behind a proxy, and the API's
        url is known here.
        """
        is_own = bool(told) and is_loopback(_host(told)) and not is_loopback(_host(self._api))
        return self._api if is_own else told

    @asynccontextmanager
    async def _answer(
        self,
        method: str,
        url: str,
        identity: Identity,
        *,
        headers: Mapping[str, str] = MappingProxyType({}),
        data: bytes | None = None,
        timeout: aiohttp.ClientTimeout = _TIMEOUT,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A context with the answer to a request.

        Raises:
            ContactError: aiohttp or the system failed, also while the answer was read.
        """
        try:
            async with self._session.request(
                method,
                url,
                headers={"Authorization": f"Bearer {identity.token}", **headers},
                data=data,
                timeout=timeout,
                allow_redirects=False,
            ) as answer:
                yield answer
        except TimeoutError as exc:
            raise _unreachable("no answer in time") from exc
        # UnicodeError: a host name that the resolver cannot encode.
        except (aiohttp.ClientError, OSError, UnicodeError, UpstreamError) as exc:
            raise _unreachable(_why(exc)) from exc

    def _own(self, base: str = "") -> str:
        return f"{base_url(base) or self._api}/v1/gateways/{self._gateway}"

    async def _post(self, url: str, identity: Identity, body: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        data = json.dumps(body, separators=(",", ":")).encode()
        async with self._answer("POST", url, identity, headers=headers, data=data) as answer:
            await _check(answer)
            return _data(await _read(answer, _MOST_JSON_BYTES))


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


async def _check(answer: aiohttp.ClientResponse) -> None:
    """Check the status of an answer.

    Raises:
        ContactError: it is not a 2xx.
    """
    status = answer.status
    if status // 100 == 2:
        return
    code, said = _said(await _read(answer, _MOST_JSON_BYTES))
    words = ": ".join(filter(None, (f"the control plane answered {status} {code}".rstrip(), said)))
    message = "; ".join(filter(None, (words.rstrip("."), _REMEDIES.get(code))))
    if status in _REFUSALS:
        raise ContactError("token_refused", message, is_answered=bool(code))
    if status == _NOT_FOUND and code == "not_bound":
        unbound = "no configuration is bound to this gateway"
        raise ContactError("not_bound", unbound, is_answered=True)
    raise ContactError(
        "control_plane_unreachable",
        message,
        retry_after=_retry_after(answer),
        is_final=bool(code) and status in _NEVER,
        is_answered=bool(code),
    )


def _retry_after(answer: aiohttp.ClientResponse) -> float:
    text = answer.headers.get("Retry-After", "")
    return float(text[:4]) if text.isascii() and text.isdigit() else 0.0


async def _read(answer: aiohttp.ClientResponse, most: int) -> bytes:
    data = bytearray()
    async for piece in answer.content.iter_any():
        data += piece
        if len(data) > most:
            raise _unreachable(f"its answer has more than {most} bytes")
    return bytes(data)


def _from_headers(headers: Mapping[str, str]) -> Signed:
    chain = decode(headers.get("Keeptrusts-Key-Chain", ""))
    try:
        links = json.loads(chain)
    except (ValueError, RecursionError) as exc:
        raise StatementError("statement_forged", "the key chain is not JSON") from exc
    return parse(
        {
            "statement": headers.get("Keeptrusts-Statement"),
            "signature": headers.get("Keeptrusts-Signature"),
            "key": headers.get("Keeptrusts-Key"),
            "chain": links,
        }
    )


def _event(event: bytes) -> Event:
    retry = sse.field(event, b"retry") or b""
    return Event(
        (sse.field(event, b"event") or b"").decode("utf-8", "replace"),
        sse.field(event, b"data") or b"",
        int(retry[:6]) / 1000 if retry.isdigit() else 0.0,
    )


def _data(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)["data"]
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        raise _unreachable("its answer has no data") from exc
    return data if isinstance(data, dict) else {}


def _said(body: bytes) -> tuple[str, str]:
    """The code and the message of an error, "" for one that is not there; each a short line."""
    try:
        error = json.loads(body)["error"]
        return _line(error["code"], 60), _line(error.get("message") or "", _MOST_SAID)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "", ""


def _line(text: object, most: int) -> str:
    plain = "".join(char if char.isprintable() else " " for char in str(text)[: 2 * most])
    return " ".join(plain.split())[:most]


def _why(exc: Exception) -> str:
    """What failed, in words, since the name of a class tells an operator nothing."""
    for kind, words in _FAILURES:
        if isinstance(exc, kind):
            # Of asyncio's own words, only the number is of the system.
            number = getattr(exc, "errno", None) if words == _UNCONNECTED else None
            return f"{words}: {os.strerror(number)}" if number else words
    return "no answer that can be used"


_UNCONNECTED = "no connection could be made"
# The first that fits: subclasses stand before what they are made of.
_FAILURES: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorCertificateError, "its certificate is not trusted"),
    (aiohttp.ClientSSLError, "no encrypted connection could be made"),
    (aiohttp.ClientConnectorDNSError, "its host name cannot be resolved"),
    (aiohttp.ClientConnectorError, _UNCONNECTED),
    (aiohttp.InvalidURL, "its url cannot be used"),
    (UnicodeError, "its url cannot be used"),
    (aiohttp.ClientConnectionError, "the connection broke off"),
    (aiohttp.ClientPayloadError, "its answer broke off"),
    (OSError, _UNCONNECTED),
)


def _unreachable(why: str) -> ContactError:
    return ContactError("control_plane_unreachable", f"the control plane cannot be reached: {why}")
