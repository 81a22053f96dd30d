"""An OpenID provider on loopback: an issuer that knows one person and one client."""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from tests.support.issuer import Answer, Issuer, json_answer

CLIENT, SECRET = "keeptrusts:console", "s3cr+et/of=the%client"
AUTHORIZE, TOKEN = "/authorize", "/token"


class Provider(Issuer):
    """A provider. `person` has the claims of whom it speaks of, `changes` what an ID token has
    otherwise; one of None is left out.

    `codes` are those that were given and not used yet, each with what was asked for; `posted` has
    the forms that its token endpoint got. `stand_in` answers in the place of that endpoint.
    """

    def __init__(self, kind: str = "EC", path: str = "") -> None:
        super().__init__(kind, path)
        self.person: dict[str, Any] = {
            "sub": "248289761001", "email": "Ada@example.com", "email_verified": True,
            "groups": ["platform", "all"],
        }  # fmt: skip
        self.changes: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.settings: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.posted: list[dict[str, str]] = []
        self.stand_in: Callable[[], Answer] | None = None

    def configuration(self) -> dict[str, Any]:
        """The OpenID configuration."""
        return {
            **super().configuration(),
            "authorization_endpoint": f"{self.url}{AUTHORIZE}",
            "token_endpoint": f"{self.url}{TOKEN}",
            **self.settings,
        }

    def asked_for(self, url: str) -> dict[str, str]:
        """The parameters of a url of the provider's that a browser was sent to."""
        assert url.startswith(f"{self.url}{AUTHORIZE}?"), url
        return {name: one for name, (one,) in parse_qs(urlsplit(url).query).items()}

    def consent(self, url: str, **more: str) -> str:
        """The url to which a browser is sent back, with a code, after somebody signed in there."""
        asked = self.asked_for(url)
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"], **more}
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def id_token(self, nonce: str) -> str:
        """The ID token of the person."""
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce,
            **self.person, **self.changes,
        }  # fmt: skip
        return self.token({k: v for k, v in claims.items() if v is not None}, **self.header)

    def answer(self, target: str, authorization: str) -> Answer:
        """The answer to a GET: a browser that comes to sign in is sent back at once."""
        if urlsplit(target).path.endswith(AUTHORIZE):
            return 302, b"", {"Location": self.consent(f"{self.url.rstrip('/')}{target}")}
        return super().answer(target, authorization)

    def answer_post(self, target: str, authorization: str, body: bytes) -> Answer:
        """The answer of the token endpoint, to the client that proves itself and its code."""
        form = {name: one for name, (one,) in parse_qs(body.decode()).items()}
        self.posted.append({**form, "path": target})
        if self.stand_in is not None:
            return self.stand_in()
        kind, _, pair = authorization.partition(" ")
        known = base64.b64decode(pair).decode().split(":") if kind == "Basic" else []
        known = [unquote_plus(one) for one in known] or [form["client_id"], form["client_secret"]]
        if known != [CLIENT, SECRET]:
            return 401, b'{"error": "invalid_client"}', {}
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge:
            return 400, b'{"error": "invalid_grant"}', {}
        assert form["redirect_uri"] == asked["redirect_uri"]
        return json_answer({"access_token": "x", "id_token": self.id_token(asked["nonce"])})

    def _handler(self) -> Any:
        provider = self

        class Handler(super()._handler()):  # type: ignore[misc]
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer, headers = provider.answer_post(
                    self.path, self.headers.get("Authorization", ""), body
                )
                self.send_response(status)
                for name, value in {"Content-Length": str(len(answer)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

        return Handler
