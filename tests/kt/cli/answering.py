"""A server in the place of a control plane."""

from __future__ import annotations

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from tests.support.httpserver import HTTPServer


class Asked(NamedTuple):
    """A request as it came: its method, path with query, headers, and body as JSON, if any."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


class Answers:
    """A server on loopback that answers what it is told to, and remembers what it was asked.

    An answer is given by path, or by method and path where the method matters, else `otherwise`.
    Of several in turn the last is given again and again.
    """

    def __init__(self) -> None:
        self.by_path: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.in_turn: dict[str, list[tuple[int, dict[str, str], bytes]]] = {}
        self.otherwise: tuple[int, dict[str, str], bytes] = 404, {}, b"{}"
        self.asked: list[tuple[str, str]] = []
        self.requests: list[Asked] = []
        answers = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answers.asked.append((self.path, self.headers["authorization"]))
                data = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = json.loads(data) if data else None
                answers.requests.append(Asked(self.command, self.path, headers, body))
                status, headers, body = answers.answer(self.command, self.path)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def wear(self, context: ssl.SSLContext) -> None:
        """Speak TLS from now on; whoever does not trust it is no error here."""
        self._server.handle_error = lambda *_: None
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )

    def answer(self, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
        """What a request is answered now."""
        name = f"{method} {path}"
        if turns := self.in_turn.get(name):
            return turns.pop(0) if len(turns) > 1 else turns[0]
        return self.by_path.get(name) or self.by_path.get(path, self.otherwise)

    def says(self, path: str, rows: Any, status: int = 200, **headers: str) -> None:
        """Answer a path with rows under `data`."""
        self.by_path[path] = status, headers, json.dumps({"data": rows}).encode()

    def says_whole(self, path: str, body: Any, status: int = 200, **headers: str) -> None:
        """Answer a path with a body."""
        self.by_path[path] = status, headers, json.dumps(body).encode()

    def written(self) -> list[Asked]:
        """What was asked to be changed."""
        return [one for one in self.requests if one.method != "GET"]

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
