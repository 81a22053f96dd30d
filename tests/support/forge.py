"""A forge on loopback: real `git http-backend`, with knobs for the faults of forges."""

import base64
import contextlib
import gzip
import itertools
import os
import ssl
import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from tests.support.httpserver import HTTPServer
from tests.support.repo import Repo
from tests.support.stack import PATIENCE_SECONDS

Reply = tuple[int, dict[str, str], bytes]


class Late:
    """An answer that is ready (`reached`) and waits to be sent until `release`."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._released = threading.Event()

    def release(self) -> None:
        self._released.set()

    def hold(self) -> None:
        self.reached.set()
        self._released.wait(2 * PATIENCE_SECONDS)


class Forge:
    """A forge that serves every repository made by `repository` under `url`.

    Knobs, each by repository name: `tokens` (the token that is wanted), `answers` (status,
    headers and body to send instead), `holds` (an event to wait for before answering),
    `git_holds` (the same, before answering git's own first request alone),
    `twists` (what makes another answer of git's own, given the method; a `Content-Length` of
    its own may promise more than it sends), `streams` (what writes the whole answer to the request
    for a pack, for as long as it likes), `instead` (given the method and body of a request, the
    answer to it, or what writes the answer, or None for git's own), `old` (answered as a server
    does that knows no protocol version 2), `dumb` (its files are handed out, as by a server without
    git), `gzips` (answers come compressed to whoever says that it reads that).
    `requests` lists (method, path) as they arrive, `authorizations` the path and header of those
    that carry a credential, `connections` the client's end of each; `sent_bytes` counts the bodies
    of answers. With `tls` it is served over https. With `remembers` the same request gets the same
    answer again without a git process, for benchmarks of clients.
    """

    def __init__(
        self,
        root: Path,
        port: int = 0,
        *,
        tls: ssl.SSLContext | None = None,
        remembers: bool = False,
    ) -> None:
        self.root = root
        self.tls = tls
        self.sent_bytes = 0
        self.remembers = remembers
        self.remembered: dict[tuple[object, ...], Reply] = {}
        self.tokens: dict[str, str] = {}
        self.answers: dict[str, Reply] = {}
        self.holds: dict[str, threading.Event] = {}
        self.git_holds: dict[str, threading.Event] = {}
        self.lates: dict[str, Late] = {}
        self.aliases: dict[str, str] = {}
        self.twists: dict[str, Callable[[str, Reply], Reply]] = {}
        self.streams: dict[str, Callable[[BinaryIO], None]] = {}
        self.instead: dict[
            str, Callable[[str, bytes], Reply | Callable[[BinaryIO], None] | None]
        ] = {}
        self.old: set[str] = set()
        self.dumb: set[str] = set()
        self.gzips: set[str] = set()
        self.connections: list[tuple[str, int]] = []
        self.requests: list[tuple[str, str]] = []
        self.authorizations: list[tuple[str, str]] = []
        self._count = itertools.count(1)
        self._server = HTTPServer(("127.0.0.1", port), _Handler)
        self._server.forge = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.port = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> "Forge":
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for hold in (*self.holds.values(), *self.git_holds.values()):
            hold.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def repository(self, clone: Path, *, object_format: str = "sha1") -> Repo:
        """A new repository with branch main and no commit."""
        name = f"repo-{os.getpid()}-{next(self._count)}.git"
        bare = self.root / name
        repo = Repo(bare, clone, f"{self.url}/{name}")
        repo.make(self.root, object_format)
        return repo

    def alias(self, repo: Repo) -> str:
        """Another name under which the same repository is served."""
        name = f"alias-{os.getpid()}-{next(self._count)}.git"
        self.aliases[name] = repo.bare.name
        return name

    def hold_late(self, repo: Repo) -> "Late":
        """Delay the next pack of a repository: it is made at once, and sent when released."""
        late = self.lates[repo.bare.name] = Late()
        return late

    def release(self, repo: Repo) -> None:
        """End every misbehaviour of one repository."""
        for holds in (self.holds, self.git_holds):
            if hold := holds.pop(repo.bare.name, None):
                hold.set()
        self.answers.pop(repo.bare.name, None)
        self.twists.pop(repo.bare.name, None)
        self.streams.pop(repo.bare.name, None)
        self.instead.pop(repo.bare.name, None)

    def calls(self, repo: Repo) -> list[tuple[str, str]]:
        """The requests that arrived for one repository."""
        return [request for request in self.requests if f"/{repo.bare.name}/" in request[1]]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HTTPServer

    def setup(self) -> None:
        forge: Forge = self.server.forge  # type: ignore[attr-defined]
        forge.connections.append(self.client_address)
        if forge.tls:
            self.request = forge.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        super().finish()
        self.request.close()  # The server knows only what it was before TLS.

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        """Log nothing; `Forge.requests` has it all."""

    def _serve(self) -> None:
        forge: Forge = self.server.forge  # type: ignore[attr-defined]
        path, _, query = self.path.partition("?")
        name = path.split("/")[1]
        forge.requests.append((self.command, self.path))
        if "Authorization" in self.headers:
            forge.authorizations.append((self.path, self.headers["Authorization"]))
        body = self._body()
        if hold := forge.holds.get(name):
            hold.wait(2 * PATIENCE_SECONDS)
        if self.command == "GET" and (hold := forge.git_holds.get(name)):
            hold.wait(2 * PATIENCE_SECONDS)
        other = forge.instead[name](self.command, body) if name in forge.instead else None
        if callable(other):
            self._stream(other)
        elif answer := other or forge.answers.get(name):
            self._answer(*answer)
        elif name in forge.tokens and not self._is_authorized(forge.tokens[name]):
            self._answer(401, {"WWW-Authenticate": 'Basic realm="forge"'}, b"")
        elif name in forge.dumb:
            self._answer(*self._file(forge.root / path.lstrip("/")))
        else:
            protocol = "" if name in forge.old else self.headers.get("Git-Protocol", "")
            real = path.replace(name, forge.aliases.get(name, name), 1)
            asked = (self.command, real, query, body, protocol)
            reply = forge.remembered.get(asked) or self._backend(
                forge.root, real, query, body, protocol
            )
            if forge.remembers:
                forge.remembered[asked] = reply
            if name in forge.streams and b"command=fetch" in body:
                self._stream(forge.streams[name])
                return
            if name in forge.lates and b"command=fetch" in body:
                forge.lates.pop(name).hold()
            if name in forge.gzips and "gzip" in self.headers.get("Accept-Encoding", ""):
                status, headers, content = reply
                reply = status, headers | {"Content-Encoding": "gzip"}, gzip.compress(content)
            twist = forge.twists.get(name)
            self._answer(*(twist(self.command, reply) if twist else reply))

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _is_authorized(self, token: str) -> bool:
        _, _, basic = self.headers.get("Authorization", "").partition("Basic ")
        return base64.b64decode(basic).decode().partition(":")[2] == token

    def _file(self, path: Path) -> Reply:
        if self.command != "GET":
            return 405, {}, b""
        return (200, {}, path.read_bytes()) if path.is_file() else (404, {}, b"")

    def _backend(self, root: Path, path: str, query: str, body: bytes, protocol: str) -> Reply:
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "GIT_PROTOCOL": protocol,
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=environment, capture_output=True
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        status = int(headers.pop("Status", "200 OK").split()[0])
        return status, headers, content

    def _stream(self, write: Callable[[BinaryIO], None]) -> None:
        self.close_connection = True
        with contextlib.suppress(ConnectionError):  # The client gave up, as it should.
            write(self.wfile)

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        try:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            if "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.server.forge.sent_bytes += len(content)  # type: ignore[attr-defined]
            self.close_connection = "Content-Length" in headers
        except (BrokenPipeError, ConnectionResetError):
            pass  # The client gave up, which some tests are about.
