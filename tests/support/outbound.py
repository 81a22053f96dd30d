"""A proxy on loopback as companies have one: CONNECT for https, absolute urls for http."""

import base64
import contextlib
import http.client
import selectors
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from urllib.parse import urlsplit

from gitrepos.forge.proxy import Proxy
from tests.support.httpserver import HTTPServer
from tests.support.stack import PATIENCE_SECONDS

_HOP = {"connection", "keep-alive", "proxy-authorization", "proxy-connection", "transfer-encoding"}


class Outbound:
    """A proxy. With `tls` it is served over https, at 127.0.0.1.

    `places` maps names that it alone knows to addresses with ports; what is not there it takes as
    it stands. With `login` (`USER:PASSWORD`) it wants that. Knobs: `status`, which it answers to
    everything; `hangs`, so that it answers nothing; `drops`, so that it ends each connection.
    `asked` has (method, target) of each request, `headers` its headers.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, login: str = "") -> None:
        self.tls, self.login = tls, login
        self.places: dict[str, tuple[str, int]] = {}
        self.status = 0
        self.hangs = threading.Event()
        self.hangs.set()
        self.drops = False
        self.asked: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self._server = HTTPServer(("127.0.0.1", 0), _Handler)
        self._server.outbound = self  # type: ignore[attr-defined]
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> "Outbound":
        self._thread.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.hangs.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The url for the setting."""
        login = f"{self.login}@" if self.login else ""
        return f"{'https' if self.tls else 'http'}://{login}127.0.0.1:{self.port}"

    def setting(self, *exceptions: str) -> Proxy:
        """The proxy as calls take it."""
        user, _, password = self.login.partition(":")
        scheme = "https" if self.tls else "http"
        return Proxy(scheme, "127.0.0.1", self.port, user, password, exceptions)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        outbound: Outbound = self.server.outbound  # type: ignore[attr-defined]
        if outbound.tls:
            self.request = outbound.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def do_CONNECT(self) -> None:
        if self._refuses():
            return
        host, _, port = self.path.rpartition(":")
        with contextlib.ExitStack() as stack:
            try:
                far = stack.enter_context(socket.create_connection(self._place(host, int(port))))
            except OSError:
                self._say(502)
                return
            self.send_response(200, "Connection established")
            self.end_headers()
            self.close_connection = True
            _join(self.connection, far)

    def do_GET(self) -> None:
        self._forward()

    def do_POST(self) -> None:
        self._forward()

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def _forward(self) -> None:
        if self._refuses():
            return
        target = urlsplit(self.path)
        body = self._body()
        place = self._place(target.hostname or "", target.port or 80)
        line = http.client.HTTPConnection(*place, timeout=300)
        sent = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        tail = f"{target.path}?{target.query}" if target.query else target.path
        try:
            line.request(self.command, tail, body or None, sent)
            answer = line.getresponse()
            content = answer.read()
        except OSError:
            self._say(502)
            return
        finally:
            line.close()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {*_HOP, "content-length", "date", "server"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _refuses(self) -> bool:
        """Note the request, and answer it here if a knob says so."""
        outbound: Outbound = self.server.outbound  # type: ignore[attr-defined]
        outbound.asked.append((self.command, self.path))
        outbound.headers.append(dict(self.headers.items()))
        outbound.hangs.wait(2 * PATIENCE_SECONDS)
        expected = "Basic " + base64.b64encode(outbound.login.encode()).decode()
        if outbound.drops:
            self.close_connection = True
        elif outbound.login and self.headers.get("Proxy-Authorization") != expected:
            self._say(407)
        elif outbound.status:
            self._say(outbound.status)
        else:
            return False
        return True

    def _say(self, status: int) -> None:
        self.close_connection = True
        self.send_response(status)
        if status == 407:
            self.send_header("Proxy-Authenticate", 'Basic realm="proxy"')
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    def _place(self, host: str, port: int) -> tuple[str, int]:
        outbound: Outbound = self.server.outbound  # type: ignore[attr-defined]
        return outbound.places.get(host, (host, port))


def _join(near: socket.socket, far: socket.socket) -> None:
    """Pass bytes both ways, in one thread: two must not use one TLS connection."""
    other = {near: far, far: near}
    with contextlib.suppress(OSError), selectors.DefaultSelector() as selector:
        for one in other:
            selector.register(one, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                source: socket.socket = key.fileobj  # type: ignore[assignment]
                data = source.recv(65_536)
                while isinstance(source, ssl.SSLSocket) and source.pending():
                    data += source.recv(65_536)
                if not data:
                    return
                other[source].sendall(data)
