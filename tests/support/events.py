"""The process that pushes to gateways, and a client that reads what it sends."""

import http.client
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from tests.support import documented
from tests.support.stack import ROOT, free_port, wait_for

_PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Event:
    """One server-sent event; `data` is its JSON."""

    name: str
    id: str
    data: Any


class Events:
    """An open event stream.

    `status` is that of the answer; `head` are the lines before the first event.
    """

    def __init__(
        self, port: int, path: str, token: str = "", last_id: str | None = None, **head: str
    ) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {name.replace("_", "-"): value for name, value in head.items()}
        headers |= {} if last_id is None else {"Last-Event-ID": last_id}
        self._connection.request("GET", path, headers=headers)
        self.answer = self._connection.getresponse()
        self.status = self.answer.status
        self.comments: list[str] = []
        self.retry_ms = 0

    def next(self) -> Event:
        """Read the next event; comments are kept aside.

        Raises:
            EOFError: the stream ended.
        """
        fields: dict[str, str] = {}
        while True:
            line = self.line()
            if line == "" and "data" in fields:
                return Event(fields["event"], fields.get("id", ""), json.loads(fields["data"]))
            name, _, value = line.partition(": ")
            if name == "retry":
                self.retry_ms = int(value)
            elif name:
                fields[name] = value

    def line(self) -> str:
        """Read the next line; a comment is noted and passed over."""
        while True:
            raw = self.answer.readline()
            if not raw:
                raise EOFError
            text = raw.decode().rstrip("\n")
            if not text.startswith(":"):
                return text
            self.comments.append(text)

    def close(self) -> None:
        """Close the connection."""
        self.answer.close()
        self._connection.close()


# As the parent's fork server does it, which imports it once Django is set up.
_ALONE = """
import os, django
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keeptrusts.settings")
django.setup()
from gateways.push import server
from keeptrusts.processes.process import die_with_parent
die_with_parent()
server.main()
"""


class Pusher:
    """The process of gateways, alone."""

    def __init__(self, **environment: str) -> None:
        self.port = free_port()
        self._environment = {
            **os.environ,
            "KEEPTRUSTS_EVENTS_LISTEN": f"127.0.0.1:{self.port}",
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-c", _ALONE]
        self.process = subprocess.Popen(command, cwd=ROOT, env=self._environment)
        wait_for(self._is_ready)

    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> int:
        """Ask it to end; returns its status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=_PATIENCE_SECONDS)

    def get(self, path: str, token: str = "", method: str = "GET") -> tuple[int, bytes]:
        """Status and body of a short answer, which the document has to tell of."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_SECONDS)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if path.startswith("/v1/"):
            told = dict(answer.getheaders())
            documented.hold(method, path, answer.status, told, body, b"")
        return answer.status, body

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, "it ended"
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False
