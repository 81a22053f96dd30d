"""A receiver of notifications on loopback, which answers as it is told, and lies as others do."""

import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any, Self

import orjson

from tests.support.httpserver import HTTPServer

Answer = tuple[int, dict[str, str], bytes]
OK: Answer = (200, {}, b"")


@dataclass(frozen=True)
class Received:
    """A request that arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def data(self) -> Any:
        return orjson.loads(self.body)["data"]


class Receiver:
    """`answer` gives the answer to each request, `behave` acts on a socket in place of one."""

    def __init__(self, port: int = 0) -> None:
        self.received: list[Received] = []
        self.answer: Callable[[Received], Answer] = lambda _: OK
        self.behave: Callable[[socket.socket], None] | None = None
        self._server = HTTPServer(("127.0.0.1", port), self._handler())
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def messages(self) -> list[str]:
        """The messages of all events that arrived."""
        return [one.data["message"] for one in self.received]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                one = Received(self.path, headers, body)
                receiver.received.append(one)
                if receiver.behave is not None:
                    receiver.behave(self.connection)
                    self.close_connection = True
                    return
                status, more, content = receiver.answer(one)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **more}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


def resets(connection: socket.socket) -> None:
    """End the connection by a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def half_a_head(connection: socket.socket) -> None:
    """Begin an answer and end."""
    connection.sendall(b"HTTP/1.1 200 O")


def half_a_body(connection: socket.socket) -> None:
    """Take it, and say less than was promised."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")


def no_http(connection: socket.socket) -> None:
    """Answer in another protocol."""
    connection.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")


def endless(connection: socket.socket) -> None:
    """Take it, and talk for as long as somebody listens."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    try:
        while True:
            connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
    except OSError:
        return


def hangs(connection: socket.socket) -> None:
    """Say nothing until the caller goes."""
    connection.settimeout(30)
    try:
        connection.recv(1)
    except OSError:
        return


def drips(connection: socket.socket) -> None:
    """Send the head of an answer a byte at a time, for ever."""
    try:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while True:
            connection.sendall(b"H")
            time.sleep(0.02)
    except OSError:
        return
