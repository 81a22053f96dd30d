"""The API of a forge on loopback: tokens of an App's installation, statuses of commits."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple, Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from tests.support.httpserver import HTTPServer

# Status, body and headers.
Answer = tuple[int, bytes, dict[str, str]]
APP, INSTALLATION = "12345", "678"
_TOKENS = f"/app/installations/{INSTALLATION}/access_tokens"


@cache
def app_key(number: int = 0) -> RSAPrivateKey:
    """The private key of an App; another `number` is another key."""
    return generate_private_key(65537, 2048)


def pem(key: RSAPrivateKey) -> str:
    """A private key as GitHub hands it out."""
    raw = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return raw.decode()


class Call(NamedTuple):
    """A request that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


class ForgeAPI:
    """An API below `url`; `calls` has what arrived.

    It gives tokens of the installation to whom the App's key signed for, each holds for
    `token_seconds`. Anything else is answered by the first of `answers` whose beginning the
    `METHOD path` has, with 404 where there is none. `clock_seconds` is how far its clock is ahead.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answers: dict[str, Callable[[Call], Answer]] = {}
        self.tokens: list[str] = []
        self.token_seconds = 3600
        self.clock_seconds = 0.0
        self._server = HTTPServer(("127.0.0.1", 0), _handler(self))
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def credential(self, **fields: Any) -> dict[str, Any]:
        """The fields of a credential of its App."""
        made = {"kind": "app", "api_url": self.url, "app_id": APP, "installation_id": INSTALLATION}
        return {**made, "private_key": pem(app_key()), **fields}

    def now(self) -> datetime:
        """Its time."""
        return datetime.now(UTC) + timedelta(seconds=self.clock_seconds)

    def answer(self, call: Call) -> Answer:
        """The answer to a request."""
        self.calls.append(call)
        named = f"{call.method} {call.path}"
        for begin, instead in list(self.answers.items()):
            if named.startswith(begin):
                return instead(call)
        if call.path.startswith("/app/"):
            return self.token(call)
        return said(404, message="Not Found")

    def token(self, call: Call) -> Answer:
        """A token for whoever proves to be the App."""
        scheme, _, text = call.headers.get("Authorization", "").partition(" ")
        try:
            assert scheme == "Bearer"
            key = RSAKey.import_key(pem(app_key()))
            claims = jwt.decode(text, key, algorithms=["RS256"]).claims
        except JoseError:
            return said(401, message="A JSON web token could not be decoded")
        now = self.now().timestamp()
        if not claims["iat"] <= now < claims["exp"] <= now + 600:
            return said(401, message="'Expiration time' claim ('exp') is too far in the future")
        if claims["iss"] != APP:
            return said(404, message="Integration not found")
        if call.path != _TOKENS:
            return said(404, message="Not Found")
        self.tokens.append(f"ghs_{len(self.tokens)}only0for0tests")
        until = self.now() + timedelta(seconds=self.token_seconds)
        ends = until.strftime("%Y-%m-%dT%H:%M:%SZ")
        return said(201, token=self.tokens[-1], expires_at=ends, permissions=call.body)


def said(status: int, headers: dict[str, str] | None = None, **body: Any) -> Answer:
    """An answer with a body in JSON."""
    return status, json.dumps(body).encode(), headers or {}


def hanging(_: Call) -> Answer:
    """An answer that does not come while anybody waits."""
    time.sleep(8)
    return said(200)


@contextmanager
def forge_api() -> Iterator[ForgeAPI]:
    """A running API."""
    with ForgeAPI() as running:
        yield running


def _handler(api: ForgeAPI) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            call = Call(self.command, self.path, dict(self.headers), json.loads(raw or b"null"))
            status, body, headers = api.answer(call)
            self.send_response_only(status)
            date = api.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
            usual = {"Date": date, "Content-Length": str(len(body))}
            for name, value in {**usual, **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler
