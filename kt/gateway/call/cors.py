"""Pages of other origins (CORS): those that the operator allows may call the gateway."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from kt.gateway.wire import Headers, Message, Send

# What pages may read; the gateway's own pages are none of them.
_PATHS = ("/v1/", "/openai/")
_METHODS = b"GET, POST"
_SECONDS = b"600"
_NAMES = re.compile(r"[A-Za-z0-9_, -]{1,2000}")
# What a page may read of an answer beside its body.
_EXPOSED = (
    b"retry-after, x-keeptrusts-config-hash, x-keeptrusts-verdict, x-request-id, x-should-retry"
)
_VARY = (b"vary", b"origin")


def allowed(path: str, headers: Mapping[str, str], origins: Collection[str]) -> str:
    """The origin of a page that may make this call, "" for any other."""
    origin = headers.get("origin", "")
    return origin if path.startswith(_PATHS) and origin.lower() in origins else ""


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """True for a browser that asks whether it may call, before it does."""
    return method == "OPTIONS" and "access-control-request-method" in headers


def preflight(origin: str, headers: Mapping[str, str]) -> Headers:
    """The answer to a preflight: what a page of an allowed origin may send."""
    asked = headers.get("access-control-request-headers", "")
    names: Headers = []
    if _NAMES.fullmatch(asked):
        names.append((b"access-control-allow-headers", asked.encode()))
    return [
        (b"access-control-allow-origin", origin.encode()),
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-max-age", _SECONDS),
        *names,
        _VARY,
    ]


def opened(send: Send, origin: str) -> Send:
    """Send answers with leave for the page to read them; without, when it has no such leave."""
    more: Headers = [_VARY]
    if origin:
        more.append((b"access-control-allow-origin", origin.encode()))
        more.append((b"access-control-expose-headers", _EXPOSED))

    async def send_opened(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *more]}
        await send(message)

    return send_opened
