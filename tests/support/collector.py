"""A collector of traces on loopback, which reads OTLP's JSON as strictly as one does."""

import json
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.httpserver import HTTPServer

_HEX = {"traceId": 32, "spanId": 16, "parentSpanId": 16}
_VALUES = {"stringValue": str, "intValue": str, "doubleValue": float, "boolValue": bool}


class Collector:
    """What came: `spans` with plain attributes, `resources` and `headers` of requests.

    `status` is what it answers, `more` headers with it; while `hangs` is set it answers nothing.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, *, port: int = 0) -> None:
        self.spans: list[dict[str, Any]] = []
        self.resources: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.bodies: list[bytes] = []
        self.status = 200
        self.location = ""
        self.more: dict[str, str] = {}
        self.hangs = threading.Event()
        self.released = threading.Event()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.headers.append({k.lower(): v for k, v in self.headers.items()})
                collector.paths.append(self.path)
                collector.bodies.append(body)
                if collector.hangs.is_set():
                    collector.released.wait(60)
                    return
                if collector.status == 200:
                    collector.take(json.loads(body))
                self.send_response(collector.status)
                for name, value in collector.more.items():
                    self.send_header(name, value)
                if collector.location:
                    self.send_header("location", collector.location)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._server = HTTPServer(("127.0.0.1", port), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if tls is not None else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, request: dict[str, Any]) -> None:
        """Read a request, and fail on what a collector would refuse."""
        [whole] = request["resourceSpans"]
        [scope] = whole["scopeSpans"]
        assert scope["scope"]["name"] == "keeptrusts"
        assert re.fullmatch(r"https://opentelemetry.io/schemas/\d+\.\d+\.\d+", scope["schemaUrl"])
        self.resources.append(_plain(whole["resource"]["attributes"]))
        for span in scope["spans"]:
            for name, digits in _HEX.items():
                assert name not in span or re.fullmatch(f"[0-9a-f]{{{digits}}}", span[name])
            assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
            assert span["kind"] in range(1, 6)
            assert span["status"] in ({}, {"code": 2})
            self.spans.append({**span, "attributes": _plain(span["attributes"])})

    def close(self) -> None:
        """Refuse connections from now on."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


def _plain(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in attributes:
        [(kind, value)] = one["value"].items()
        assert isinstance(value, _VALUES[kind]) and one["key"] not in found
        found[one["key"]] = int(value) if kind == "intValue" else value
    return found


@contextmanager
def collecting(tls: ssl.SSLContext | None = None, *, port: int = 0) -> Iterator[Collector]:
    """A collector until the end of the block, by https where `tls` is given."""
    collector = Collector(tls, port=port)
    try:
        yield collector
    finally:
        collector.close()
