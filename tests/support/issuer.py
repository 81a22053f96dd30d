"""An issuer of JWTs on loopback: OpenID configuration, keys, and tokens for jobs."""

import base64
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from tests.support.httpserver import HTTPServer

Key = RSAKey | ECKey | OKPKey | OctKey
AUDIENCE = "https://keeptrusts.example"
CONFIGURATION = "/.well-known/openid-configuration"
KEYS = "/keys"
# What a stand-in answers: status, body and headers.
Answer = tuple[int, bytes, dict[str, str]]
_EVERY = jws.JWSRegistry(algorithms=list(jws.JWSRegistry.algorithms), strict_check_header=False)
_ALGORITHMS = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}


def made_key(kind: str = "EC", size: Any = None) -> Any:
    """A new private key: RSA, EC or OKP."""
    if kind == "RSA":
        return RSAKey.generate_key(size or 2048)
    if kind == "EC":
        return ECKey.generate_key(size or "P-256")
    return OKPKey.generate_key(size or "Ed25519")


def encoded(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header: dict[str, Any], claims: Any, key: Any) -> str:
    """A JWT of exactly this header and these claims, which may be bytes."""
    data = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return signed_bytes(json.dumps(header).encode(), data, key, header["alg"])


def signed_bytes(header: bytes, data: bytes, key: Any, algorithm: str) -> str:
    """A JWT of these bytes, whatever they are."""
    text = f"{encoded(header)}.{encoded(data)}"
    made = _EVERY.algorithms[algorithm].sign(text.encode(), key)
    return f"{text}.{encoded(made)}"


class Issuer:
    """An issuer with one key at first, whose `kid` is `one`.

    `stand_ins` answer in the place of a path; `asked` has the paths that were asked for.
    """

    def __init__(self, kind: str = "EC", path: str = "") -> None:
        self.keys: dict[str, Any] = {"one": made_key(kind)}
        self.stand_ins: dict[str, Callable[[], Answer]] = {}
        self.asked: list[str] = []
        self._server = HTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{path}"
        self.job = github_claims

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def rotate(self, kid: str, kind: str = "EC") -> None:
        """Replace all keys by a new one."""
        self.keys = {kid: made_key(kind)}

    def token(self, claims: dict[str, Any], **header: Any) -> str:
        """A JWT by the newest key."""
        kid, key = list(self.keys.items())[-1]
        return signed({"alg": _ALGORITHMS[key.key_type], "kid": kid, **header}, claims, key)

    def configuration(self) -> dict[str, Any]:
        """The OpenID configuration."""
        return {"issuer": self.url, "jwks_uri": f"{self.url}{KEYS}"}

    def key_set(self) -> dict[str, Any]:
        """The public keys."""
        return {
            "keys": [
                {**key.as_dict(private=False), "kid": kid, "use": "sig"}
                for kid, key in self.keys.items()
            ]
        }

    def answer(self, target: str, authorization: str) -> Answer:
        """The answer to a GET."""
        parts = urlsplit(target)
        path = parts.path.removeprefix(urlsplit(self.url).path)
        self.asked.append(path)
        if path in self.stand_ins:
            return self.stand_ins[path]()
        if path == CONFIGURATION:
            return json_answer(self.configuration())
        if path == KEYS:
            return json_answer(self.key_set())
        if path == "/token" and authorization == "Bearer of-the-job":
            audience = parse_qs(parts.query)["audience"][0]
            return json_answer({"value": self.token(self.job(self.url, aud=audience))})
        return 404, b"{}", {}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body, headers = issuer.answer(
                    self.path, self.headers.get("Authorization", "")
                )
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


def json_answer(value: Any) -> Answer:
    """A 200 with JSON."""
    return 200, json.dumps(value).encode(), {"Content-Type": "application/json"}


def github_claims(issuer: str, **changes: Any) -> dict[str, Any]:
    """The claims of a job on GitHub's main branch; a change to None leaves one out."""
    now = int(time.time())
    claims = {
        "jti": str(uuid4()),
        "sub": "repo:octo-org@123456/policies@74:ref:refs/heads/main",
        "aud": AUDIENCE,
        "ref": "refs/heads/main",
        "sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
        "repository": "octo-org/policies",
        "repository_owner": "octo-org",
        "repository_owner_id": "123456",
        "run_id": "1030",
        "run_number": "1",
        "run_attempt": "1",
        "repository_visibility": "private",
        "repository_id": "74",
        "actor_id": "12",
        "actor": "octocat",
        "workflow": "policies",
        "head_ref": "",
        "base_ref": "",
        "event_name": "push",
        "ref_protected": "true",
        "ref_type": "branch",
        "job_workflow_ref": "octo-org/policies/.github/workflows/policies.yml@refs/heads/main",
        "runner_environment": "github-hosted",
        "iss": issuer,
        "nbf": now - 300,
        "exp": now + 300,
        "iat": now,
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def gitlab_claims(issuer: str, **changes: Any) -> dict[str, Any]:
    """The claims of a job on GitLab's default branch."""
    now = int(time.time())
    claims = {
        "namespace_id": "72",
        "namespace_path": "my-group",
        "project_id": "20",
        "project_path": "my-group/policies",
        "user_id": "1",
        "user_login": "sample-user",
        "user_email": "sample-user@example.com",
        "pipeline_id": "574",
        "pipeline_source": "push",
        "job_id": "302",
        "ref": "main",
        "ref_type": "branch",
        "ref_path": "refs/heads/main",
        "ref_protected": "true",
        "runner_id": 1,
        "runner_environment": "self-hosted",
        "sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
        "jti": str(uuid4()),
        "iss": issuer,
        "iat": now,
        "nbf": now - 5,
        "exp": now + 3600,
        "sub": "project_path:my-group/policies:ref_type:branch:ref:main",
        "aud": AUDIENCE,
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}
