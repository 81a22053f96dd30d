"""A proxy between a gateway and its control plane, which may change or stop what passes."""

import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from urllib.parse import urlsplit

from tests.support.httpserver import HTTPServer

_LEFT_OUT = {"connection", "content-length", "keep-alive", "transfer-encoding", "date", "server"}
_EVENTS = ("/events", "/contents/")


@dataclass(frozen=True)
class Passing:
    """An answer that passes. Header names are in lower case."""

    path: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def but(self, body: bytes | None = None, **headers: str) -> "Passing":
        """The same with other headers (`_` for `-`) or another body."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        changed = self.body if body is None else body
        return replace(self, body=changed, headers={**self.headers, **named})


class Proxy:
    """A proxy of a control plane and its event streams, for which it names its own address.

    `twist` makes another answer of one, `twist_event` another block of an event stream. While
    `is_cut`, nothing passes and nothing is answered, as when a network is partitioned.
    """

    def __init__(self, api: str, events: str) -> None:
        self.twist: Callable[[Passing], Passing] = lambda answer: answer
        self.twist_event: Callable[[bytes], bytes] = lambda block: block
        self.passed: list[Passing] = []
        self._api, self._events = api, events
        self._open = threading.Event()
        self._open.set()
        self._server = HTTPServer(("127.0.0.1", 0), _Handler)
        self._server.proxy = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._open.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def cut(self) -> None:
        """Let nothing pass."""
        self._open.clear()

    def mend(self) -> None:
        """Let everything pass again."""
        self._open.set()

    def wait(self) -> None:
        """Wait while the line is cut."""
        self._open.wait()

    def connect(self, path: str) -> http.client.HTTPConnection:
        """A connection to the server of a path: the API or the event streams."""
        is_event = any(part in path for part in _EVENTS)
        address = urlsplit(self._events if is_event else self._api)
        return http.client.HTTPConnection(address.hostname or "", address.port, timeout=300)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A small answer would wait for the acknowledgement of its head.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._forward()

    def do_POST(self) -> None:
        self._forward()

    def _forward(self) -> None:
        proxy: Proxy = self.server.proxy  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        proxy.wait()
        self.close_connection = True
        line = proxy.connect(self.path)
        try:
            headers = {name: value for name, value in self.headers.items() if name != "Host"}
            line.request(self.command, self.path, body or None, headers)
            answer = line.getresponse()
            named = {
                name.lower(): value
                for name, value in answer.getheaders()
                if name.lower() not in _LEFT_OUT
            }
            for name in {"keeptrusts-events", "keeptrusts-gateway-url"} & named.keys():
                named[name] = proxy.url
            if named.get("content-type", "").startswith("text/event-stream"):
                self._relay(proxy, answer, named)
            else:
                passing = Passing(self.path, answer.status, named, answer.read())
                proxy.passed.append(passing)
                self._send(proxy.twist(passing))
        except (OSError, http.client.HTTPException):
            pass  # One of the two went away, which is the other's to notice.
        finally:
            line.close()

    def _send(self, answer: Passing) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _relay(
        self, proxy: Proxy, answer: http.client.HTTPResponse, headers: dict[str, str]
    ) -> None:
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        block = b""
        while line := answer.readline():
            block += line
            if line.strip():
                continue
            proxy.wait()
            self.wfile.write(proxy.twist_event(block))
            block = b""

    def log_message(self, *_: object) -> None:
        """Log nothing."""
