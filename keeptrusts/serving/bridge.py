"""The bridge to Django: whole requests, answered by a WSGI application in threads."""

import asyncio
import io
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from keeptrusts.api.views import AUTHENTICATED
from keeptrusts.observed import traces
from keeptrusts.serving.answers import Answer, Scope
from keeptrusts.serving.encodings import Encoder, chosen, plain

WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# The body is whole, so what framed it is no more; the others are about this hop alone.
_OF_THE_HOP = frozenset(
    {"transfer-encoding", "connection", "keep-alive", "te", "trailer", "expect"}
)
_VALIDATORS = frozenset({"HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH"})


class Bridge:
    """A WSGI application behind an event loop, with answers in the coding that a client likes."""

    def __init__(self, app: WSGIApp, *, threads: int) -> None:
        self._app = app
        self._encoder = Encoder()
        self._threads = ThreadPoolExecutor(threads, "request")

    async def answer(self, scope: Scope, body: bytes) -> Answer:
        """The application's answer to a request, made in a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._answer, environ(scope, body))

    def _answer(self, request: dict[str, Any]) -> Answer:
        known = request.get("HTTP_IF_NONE_MATCH", "")
        for name in _VALIDATORS & request.keys():
            request[name] = plain(request[name])
        coding = chosen(request.get("HTTP_ACCEPT_ENCODING", ""))
        return self._encoder.encode(self._said(request), coding, known=known)

    def _said(self, request: dict[str, Any]) -> Answer:
        said: list[Any] = []
        result = self._app(request, lambda status, headers, _=None: said.extend((status, headers)))
        try:
            body = b"".join(result)
        finally:
            if hasattr(result, "close"):
                result.close()  # With it Django ends the request.
        status, headers = said
        pairs = [(name.lower().encode("latin-1"), v.encode("latin-1")) for name, v in headers]
        return Answer(int(status[:3]), body, pairs, request.get(AUTHENTICATED, False))


def environ(scope: Scope, body: bytes) -> dict[str, Any]:
    """A request as WSGI wants it.

    A header whose name has an underscore is left out: it would be taken for one with a dash,
    which whoever stands before this server did not see.

    Source: PEP 3333.
    """
    host, port = scope.get("server") or ("", None)
    client = scope.get("client") or ("", None)
    request = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode("utf-8", "replace").decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if "_" in name or name in _OF_THE_HOP:
            continue
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        request[key] = f"{request[key]},{value}" if key in request else value
    request["CONTENT_LENGTH"] = str(len(body))
    request[traces.REQUEST] = traces.current()
    return request
