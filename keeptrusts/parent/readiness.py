"""Readiness of a machine's parts, for probes: `/readyz` of all, `/readyz/ROLE` of one."""

import socket
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from keeptrusts.parent.looking import Looks
from keeptrusts.parent.roles import role_of
from keeptrusts.parent.supervisor import say

_PATH = "/readyz"
_ASKED_SECONDS = 5
# Probes ask one at a time; whoever floods this waits for nobody's turn but his own.
_AT_ONCE = 16


def answer(path: str, looks: Looks, *, ending: bool) -> tuple[int, Mapping[str, Any]]:
    """Status and body for a path; each look is whether a part is ready."""
    base, _, role = path.removeprefix("/").partition("/")
    chosen = {name: look for name, look in looks.items() if not role or role_of(name) == role}
    if base != _PATH.removeprefix("/") or not chosen:
        message = f"There are {_PATH} and {_PATH}/ROLE, of {', '.join(sorted(_roles(looks)))}."
        return 404, {"error": {"code": "not_found", "message": message}}
    ready = {name: look() and not ending for name, look in chosen.items()}
    checks = {name: "ok" if is_ready else "down" for name, is_ready in ready.items()}
    if all(ready.values()):
        return 200, {"status": "ok", "checks": checks}
    down = ", ".join(name for name, is_ready in ready.items() if not is_ready)
    error = {"code": "not_ready", "message": f"Down: {down}."}
    return 503, {"status": "down", "checks": checks, "error": error}


def _roles(looks: Looks) -> set[str]:
    return {role_of(name) for name in looks}


class Readiness:
    """A small server of readiness, in threads of the parent."""

    def __init__(self, host: str, port: int, looks: Looks) -> None:
        self._server = _Server(host, port, looks)

    def start(self) -> None:
        """Answer from now on."""
        threading.Thread(target=self._server.serve_forever, name="readiness", daemon=True).start()

    def end(self) -> None:
        """Say of everything that it is not ready any more."""
        self._server.ending = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, host: str, port: int, looks: Looks) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)
        self.looks, self.ending = looks, False
        self._places = threading.BoundedSemaphore(_AT_ONCE)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing of a probe that went away, or sent no HTTP; what else fails is a bug."""
        if not isinstance(exc := sys.exception(), OSError):
            say(f"a probe failed: {exc!r}")


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _ASKED_SECONDS

    def do_GET(self) -> None:
        status, told = answer(self.path, self.server.looks, ending=self.server.ending)
        body = msgspec.json.encode(told)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "keeptrusts"

    def log_message(self, *_: Any) -> None:
        """Nothing: probes come every few seconds."""
