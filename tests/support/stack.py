"""The whole control plane as an operator starts it: `manage.py up` in a process of its own."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = Path(__file__).resolve().parents[1] / "acceptance" / "contract"
# Longer than any wait of the product's own; only a failing test takes so long.
PATIENCE_SECONDS = 300


@dataclass(frozen=True)
class Reply:
    """An HTTP answer; `json` is its decoded body, or None when it has none."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None

    @property
    def data(self) -> Any:
        assert "data" in self.json, self.body
        return self.json["data"]


class Stack:
    """A running control plane on a data folder of its own.

    `told` hears each answer, of a stack of this checkout: method, path, status, headers, body, and
    the body that was sent.
    """

    told: ClassVar[Callable[[str, str, int, Mapping[str, str], bytes, bytes], None]] = staticmethod(
        lambda *_: None
    )

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.events_port = free_port()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "PYTHONPATH": str(ROOT / "tests" / "support" / "installed"),
            "KEEPTRUSTS_LISTEN": f"127.0.0.1:{self.port}",
            "KEEPTRUSTS_EVENTS_LISTEN": f"127.0.0.1:{self.events_port}",
            "KEEPTRUSTS_DATA_DIR": str(data_dir),
            "KEEPTRUSTS_GIT_SCHEMES": "https,http",
            "KEEPTRUSTS_GIT_ALLOWED_NETWORKS": "127.0.0.0/8",
            "KEEPTRUSTS_MIN_POLL_INTERVAL_SECONDS": "1",
            # One token asks for all tests.
            "KEEPTRUSTS_REQUESTS_PER_MINUTE": "0",
            **environment,
        }
        self.log = data_dir.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | None = None
        self.checkout = ROOT
        self.arguments: tuple[str, ...] = ()
        self.linked: list[str] = []

    def at(self, address: str) -> None:
        """Listen on an address of another network, before the start."""
        self.url = f"http://{address}:{self.port}"
        self.environment["KEEPTRUSTS_LISTEN"] = f"{address}:{self.port}"

    def start(
        self, *, cwd: Path = ROOT, checkout: Path = ROOT, python: Path = Path(sys.executable)
    ) -> "Stack":
        """Start it and wait until `/healthz` says 200."""
        self.spawn(cwd=cwd, checkout=checkout, python=python)
        wait_for(self.is_healthy)
        return self

    def spawn(
        self, *, cwd: Path = ROOT, checkout: Path = ROOT, python: Path = Path(sys.executable)
    ) -> None:
        """Start it and wait for nothing."""
        self.checkout = checkout
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(python), str(checkout / "manage.py"), "up", *self.arguments],
                cwd=cwd,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the parent a signal and wait for its end; returns its status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=300)

    def kill(self) -> None:
        """End all of it at once, where no test looks at how it ends."""
        assert self.process is not None
        children = self.children()
        self.stop(signal.SIGKILL)
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not any(map(is_running, children)))

    def token(self) -> str:
        """The first admin's token."""
        given = self.environment.get("KEEPTRUSTS_BOOTSTRAP_TOKEN")
        return given or (self.data_dir / "admin-token").read_text().strip()

    def request(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, **headers: str
    ) -> Reply:
        """One HTTP request with the admin's token, or with `token`; no redirect is followed.

        `headers` have underscores for dashes.
        """
        reply = self._asked(method, path, body, token, headers)
        if self.checkout == ROOT:
            sent = b"" if body is None else json.dumps(body).encode()
            self.told(method, path, reply.status, reply.headers, reply.body, sent)
        return reply

    def _asked(
        self, method: str, path: str, body: Any, token: str | None, headers: Mapping[str, str]
    ) -> Reply:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {token or self.token()}",
                "Content-Type": "application/json",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )
        opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=300) as answer:
                return Reply(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as exc:
            with exc:
                return Reply(exc.code, dict(exc.headers), exc.read())

    def get(self, path: str) -> Any:
        """The `data` of an answer that must be 200."""
        reply = self.request("GET", path)
        assert reply.status == 200, reply.body
        return reply.data

    def link(self, url: str, **fields: Any) -> dict[str, Any]:
        """Link a repository with automatic creation at an interval of 2 s."""
        body = {"url": url, "auto_create_configuration": True, "poll_interval_seconds": 2, **fields}
        reply = self.request("POST", "/v1/git-repos", body)
        assert reply.status == 201, reply.body
        row: dict[str, Any] = reply.data
        self.linked.append(row["id"])
        return row

    def leave(self, links: list[str]) -> None:
        """Have links polled no more: those that a test left would be for as long as this runs."""
        for link in links:
            self.request("PATCH", f"/v1/git-repos/{link}", {"poll_interval_seconds": 3600})

    def manage(self, *arguments: str) -> str:
        """Run `manage.py` beside the stack, as an operator would; returns what it prints."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environment, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def script(
        self, name: str, cwd: Path, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run one of the users' scripts, unmodified."""
        return subprocess.run(
            ["bash", str(CONTRACT / name)],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=300,
            env={
                "PATH": os.environ["PATH"],
                "HOME": "/nonexistent",
                "KEEPTRUSTS_API_URL": self.url,
                "KEEPTRUSTS_API_TOKEN": self.token(),
                "API_TOKEN": self.token(),
                **environment,
            },
        )

    def children(self) -> dict[int, str]:
        """Every process below the parent, command line by pid."""
        assert self.process is not None
        return descendants(self.process.pid)

    def is_healthy(self) -> bool:
        """Whether `/healthz` says 200; fails when the parent ended."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.request("GET", "/healthz", token="none").status == 200
        except OSError:
            return False


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def title(part: str) -> str:
    """The command line of a part's processes, and of those that it forks."""
    return f"keeptrusts: {part}"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(probe: Callable[[], Any], *, seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait for the first true answer of `probe`; fails when none comes in time.

    `seconds` are given where what is waited for comes too late of itself.
    """
    until = time.monotonic() + seconds
    while True:
        if answer := probe():
            return answer
        assert time.monotonic() < until, f"nothing after {seconds} s"
        time.sleep(0.1)


def descendants(pid: int, parents: dict[int, int] | None = None) -> dict[int, str]:
    """Children of a process and theirs, command line by pid.

    Who asks again and again hands over the `parents` that were seen, and the rest is read.
    """
    parents = {} if parents is None else parents
    now = {int(name) for name in os.listdir("/proc") if name.isdecimal()}
    for gone in parents.keys() - now:
        del parents[gone]
    for new in now - parents.keys():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            parents[new] = _parent(new)
    children: dict[int, list[int]] = {}
    for child, parent in parents.items():
        children.setdefault(parent, []).append(child)
    lines: dict[int, str] = {}
    queue = [pid]
    while queue:
        for child in children.get(queue.pop(), []):
            lines[child] = command_line(child)
            queue.append(child)
    return lines


def _parent(pid: int) -> int:
    # Hundreds are read for one answer: a Path apiece costs four times as much.
    with open(f"/proc/{pid}/stat", "rb", buffering=0) as stat:
        return int(stat.read().rpartition(b")")[2].split()[1])


def command_line(pid: int) -> str:
    """The command line of a process; "" once it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_running(pid: int) -> bool:
    """True when a process exists and some thread of it has not ended.

    The first thread may end before the others, with which the process keeps its sockets.
    """
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
    except FileNotFoundError:
        return False
    return any(map(_is_alive, threads))


def _is_alive(thread: Path) -> bool:
    try:
        return (thread / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
