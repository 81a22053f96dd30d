"""Reading requests and writing answers over ASGI, within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from kt.gateway.errors import (
    GatewayError,
    InvalidRequestError,
    SlowRequestError,
    TooLargeError,
    UnsupportedEncodingError,
    envelope,
)

Message = dict[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

JSON: Headers = [(b"content-type", b"application/json")]
BODY = "keeptrusts.body"
"""The key of a request's state under which its server has a function: it gives the body when all
of that is here, else None. Nearly always it is, and reading it takes neither a message nor a clock.
"""
BODY_SECONDS = 120.0
BODY_IDLE_SECONDS = 30.0


class DisconnectedError(Exception):
    """The client went away, so that nobody waits for the answer."""


def headers_of(scope: Scope) -> dict[str, str]:
    """A request's headers by lower-case name; repeated ones are joined by commas."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def read_body(
    scope: Scope, receive: Receive, headers: dict[str, str], *, limit: int
) -> bytes:
    """Read a request's body, of at most `limit` bytes and within two minutes.

    Raises:
        GatewayError: too large, too slow, compressed, or a length that is no number.
        DisconnectedError: the client went away.
    """
    _check_headers(headers, limit)
    data: bytes | None = scope["state"][BODY]()
    if data is not None:
        _check_size(len(data), limit)
        return data
    end = asyncio.get_running_loop().time() + BODY_SECONDS
    try:
        async with asyncio.timeout(BODY_IDLE_SECONDS) as clock:
            return await _collect(receive, limit, clock, end)
    except TimeoutError as exc:
        raise SlowRequestError("The body did not arrive in time.") from exc


def _check_headers(headers: dict[str, str], limit: int) -> None:
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedEncodingError("Send the body without Content-Encoding.")
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise InvalidRequestError("Content-Length is not a number.")
    _check_size(int(length[:20]), limit)


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise TooLargeError(f"The body is larger than {limit} bytes.")


async def _collect(receive: Receive, limit: int, clock: asyncio.Timeout, end: float) -> bytes:
    chunks = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise DisconnectedError
        chunks += message.get("body", b"")
        _check_size(len(chunks), limit)
        if not message.get("more_body"):
            return bytes(chunks)
        clock.reschedule(min(end, asyncio.get_running_loop().time() + BODY_IDLE_SECONDS))


async def respond(send: Send, status: int, body: bytes, headers: Iterable[Any] = JSON) -> None:
    """Send a whole answer."""
    await start(send, status, [*headers, (b"content-length", str(len(body)).encode())])
    await send({"type": "http.response.body", "body": body})


async def refuse(
    send: Send, error: GatewayError, path: str, asked: Mapping[str, str], headers: Headers
) -> None:
    """Send an error in the envelope of its client, whose own headers are `asked`."""
    extra: Headers = []
    if isinstance(error, TooLargeError | SlowRequestError):
        # The rest of the body is not read.
        extra.append((b"connection", b"close"))
    body = envelope(error, path, asked)
    await respond(send, error.status, body, [*JSON, *headers, *error.headers, *extra])


async def start(send: Send, status: int, headers: Headers) -> None:
    """Send the head of an answer."""
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def send_chunk(send: Send, data: bytes, *, last: bool = False) -> None:
    """Send a piece of an answer whose length is not known."""
    await send({"type": "http.response.body", "body": data, "more_body": not last})
