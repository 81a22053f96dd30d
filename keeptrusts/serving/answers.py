"""Answers of ASGI applications, and errors in the envelope that all errors have."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from keeptrusts.api import errors
from keeptrusts.api.errors import ApiError, RefusedError
from keeptrusts.api.printable import encode

log = structlog.get_logger(__name__)

JSON = (b"content-type", b"application/json")

Scope = Mapping[str, Any]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `is_authenticated`: the request had a credential that is good."""

    status: int
    body: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    is_authenticated: bool = False


def of_data(data: Any, *, status: int = 200) -> Answer:
    """An answer with `data`."""
    return Answer(status, encode({"data": data}), [JSON])


def of_error(exc: Exception) -> Answer:
    """An exception in the envelope of errors; a bug is logged, and is a 500."""
    told = errors.as_told(exc)
    if told is None:
        log.error("a request failed", exc_info=exc)
        bug = errors.envelope("internal", "The server failed; its log has the cause.")
        return Answer(500, encode(bug), [JSON])
    return Answer(told.status, encode(told.body), [*pairs(told.headers), JSON])


async def of_failure(exc: Exception) -> Answer:
    """`of_error`, for an event loop: a server's failure is noted for the health checks."""
    if isinstance(exc, ApiError):
        return of_error(exc)
    return await asyncio.to_thread(of_error, exc)


def pairs(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI wants them."""
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]


async def send_whole(send: Send, answer: Answer) -> None:
    """Send an answer in one piece."""
    headers = answer.headers
    if answer.status not in (204, 304) and not any(k == b"content-length" for k, _ in headers):
        headers = [*headers, (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def bearer(headers: Mapping[str, str]) -> str:
    """The bearer token of a request; empty without one."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers of a request by their names in lower case; of one given twice, the last.

    Raises:
        RefusedError: there are two credentials, of which each reader would choose another.
    """
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    if sum(name == "authorization" for name, _ in pairs) > 1:
        raise RefusedError(400, "bad_request", "The header Authorization is given twice.")
    return dict(pairs)
