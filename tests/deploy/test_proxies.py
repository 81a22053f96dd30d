"""The examples of proxies: Debian's Caddy and nginx, with TLS, before a control plane."""

import http.client
import json
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.repo import policy
from tests.support.stack import ROOT, Stack, free_port, wait_for

CADDY = (ROOT / "deploy/caddy/Caddyfile").read_text()
NGINX = (ROOT / "deploy/nginx/keeptrusts.conf").read_text()
# Streams say something every fifteen seconds.
_SILENCE_SECONDS = 15.0
_GLOBAL = "{\n\tadmin off\n\tauto_https disable_redirects\n\tdefault_bind 127.0.0.1\n}\n"
_BESIDE = (
    "daemon off; master_process off; pid DIR/pid; error_log DIR/log; events {} http {"
    " access_log off; client_body_temp_path DIR/a; proxy_temp_path DIR/b;"
    " fastcgi_temp_path DIR/c; uwsgi_temp_path DIR/d; scgi_temp_path DIR/e; include DIR/site; }"
)


class Proxy:
    """One that runs: its port, and the authority that its certificate is of."""

    def __init__(self, port: int, authority: Path) -> None:
        self.port = port
        self.tls = ssl.create_default_context(cafile=authority)

    def connect(self) -> http.client.HTTPSConnection:
        """A connection to it."""
        return http.client.HTTPSConnection("localhost", self.port, timeout=60, context=self.tls)

    def ask(
        self, method: str, path: str, token: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, Any]:
        """Status and JSON of an answer; `headers` have underscores for dashes."""
        line = self.connect()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        told = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **named}
        try:
            line.request(method, path, body, told)
            answer = line.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            line.close()


def _caddy(folder: Path, port: int, upstream: int) -> list[str | Path]:
    site = _replaced(CADDY, "control.example {", f"localhost:{port} {{\n\ttls DIR/crt DIR/key")
    site = _replaced(site, "127.0.0.1:8080", f"127.0.0.1:{upstream}")
    (folder / "Caddyfile").write_text(_GLOBAL + site.replace("DIR", str(folder)))
    return ["caddy", "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"]


def _nginx(folder: Path, port: int, upstream: int) -> list[str | Path]:
    site = _replaced(NGINX, "listen 443 ", f"listen 127.0.0.1:{port} ")
    site = _replaced(site, "listen 80;", f"listen 127.0.0.1:{free_port()};")
    site = re.sub(r"\tlisten \[::\].*\n", "", site)
    site = _replaced(site, "/etc/keeptrusts/tls.crt", f"{folder}/crt")
    site = _replaced(site, "/etc/keeptrusts/tls.key", f"{folder}/key")
    site = _replaced(site, "127.0.0.1:8080", f"127.0.0.1:{upstream}")
    site = site.replace("control.example", "localhost")
    (folder / "site").write_text(site)
    (folder / "conf").write_text(_BESIDE.replace("DIR", str(folder)))
    return ["/usr/sbin/nginx", "-c", folder / "conf", "-e", folder / "log"]


def _replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


@pytest.fixture(params=[_caddy, _nginx], ids=["caddy", "nginx"])
def proxy(request: pytest.FixtureRequest, shared_stack: Stack, tmp_path: Path) -> Iterator[Proxy]:
    """The example's proxy before the stack, on loopback."""
    make: Callable[[Path, int, int], list[str | Path]] = request.param
    port = free_port()
    command = make(tmp_path, port, shared_stack.port)
    assert shutil.which(str(command[0])), "apt install caddy nginx"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", tmp_path / "key", "-out", tmp_path / "crt", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    environment = {"HOME": str(tmp_path), "PATH": "/usr/sbin:/usr/bin:/bin"}
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    made = Proxy(port, tmp_path / "crt")
    try:
        wait_for(lambda: _serves(made, process, tmp_path / "output"))
        yield made
    finally:
        process.terminate()
        process.wait(timeout=300)


def _serves(proxy: Proxy, process: "subprocess.Popen[bytes]", output: Path) -> bool:
    assert process.poll() is None, output.read_text()
    try:
        return proxy.ask("GET", "/healthz", "none")[0] == 200
    except OSError:
        return False


@pytest.mark.soak
def test_bodies_are_bounded_by_the_control_plane(
    proxy: Proxy, shared_stack: Stack, tmp_path: Path
) -> None:
    """Which says so in its own form; one that is within the bound arrives."""
    token, megabyte = shared_stack.token(), 1024 * 1024
    fits = json.dumps({"content": " " * (7 * megabyte)}).encode()
    status, answer = proxy.ask("POST", "/v1/configurations", token, fits)
    # An answer that comes before the end of a body is read by curl, and not by Python's client.
    (tmp_path / "large").write_bytes(b" " * (9 * megabyte))
    told = subprocess.run(
        ["curl", "-sS", "--cacert", tmp_path / "crt", "--data-binary", f"@{tmp_path}/large",
         "-H", f"Authorization: Bearer {token}", "-H", "Content-Type: application/json",
         "--write-out", "\n%{http_code}", f"https://localhost:{proxy.port}/v1/configurations"],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    refusal, _, large = told.stdout.rpartition("\n")

    assert (status, large) == (400, "413"), told.stderr
    assert answer["error"]["code"] != json.loads(refusal)["error"]["code"] == "body_too_large"


@pytest.mark.soak
def test_a_client_cannot_say_where_it_is(proxy: Proxy, shared_stack: Stack) -> None:
    """A token for one network is refused from elsewhere, whatever a header says."""
    body = {"name": "for a network", "networks": ["203.0.113.0/24"]}
    token = shared_stack.request("POST", "/v1/tokens", body).data["token"]
    said = {"X_Forwarded_For": "203.0.113.7", "X_Real_IP": "203.0.113.7",
            "Forwarded": "for=203.0.113.7"}  # fmt: skip

    assert proxy.ask("GET", "/v1/whoami", token, **said)[0] in (401, 403)


@pytest.mark.soak
@pytest.mark.parametrize("whose", ["people", "gateway"])
def test_a_stream_arrives_as_it_is_sent(proxy: Proxy, shared_stack: Stack, whose: str) -> None:
    """Each event at once, and after longer silences than a proxy waits by default."""
    name = f"proxied-{time.monotonic_ns()}"
    proxy.ask("POST", "/v1/configurations", shared_stack.token(),
              json.dumps({"id": name, "content": policy("First")}).encode())  # fmt: skip
    body = json.dumps({"id": name, "configuration": name}).encode()
    _, made = proxy.ask("POST", "/v1/gateways", shared_stack.token(), body)
    path, token = {
        "people": ("/v1/stream?resources=configurations", shared_stack.token()),
        "gateway": (f"/v1/gateways/{name}/events", made["data"]["token"]),
    }[whose]
    line = proxy.connect()
    line.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = line.getresponse()
    assert answer.status == 200

    # Longer than four silences: nginx's own patience is one minute.
    until, lines = time.monotonic() + 5 * _SILENCE_SECONDS, 0
    while time.monotonic() < until:
        assert answer.readline(), "it was closed"
        lines += 1
    changed = json.dumps({"content": policy("Second")}).encode()
    status, _ = proxy.ask("PATCH", f"/v1/configurations/{name}", shared_stack.token(), changed)
    sent_at = time.monotonic()
    while not (heard := answer.readline()).startswith(b"data:"):
        assert heard
    took = time.monotonic() - sent_at
    line.close()

    assert status == 200
    # A buffer would have kept it back until a comment filled it, or the stream ended.
    assert took < _SILENCE_SECONDS / 2
    assert lines >= 5
