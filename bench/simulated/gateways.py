"""A fleet of simulated gateways that speak the real protocol.

Each holds an event stream, checks the signature of what it is told, fetches the bytes by their
hash from the push process, checks them, and reports to the same process.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import json
import random
import time
from collections import Counter
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kt.gateway.managed.pauses import spread

MOST_OPEN = 4000


class Chunks(asyncio.Protocol):
    """An HTTP/1.1 answer in chunks, handed on as text."""

    def __init__(self) -> None:
        self.status = 0
        self._buffer = b""
        self._head = True

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._head:
            head, separator, rest = self._buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            self.status, self._buffer, self._head = int(head.split(b" ", 2)[1]), rest, False
        while True:
            size, separator, rest = self._buffer.partition(b"\r\n")
            if not separator or len(rest) < int(size, 16) + 2:
                return
            length = int(size, 16)
            self._buffer = rest[length + 2 :]
            self.chunk(rest[:length])

    def chunk(self, text: bytes) -> None:
        """A piece of the body."""


class Gateway(Chunks):
    """One simulated gateway."""

    def __init__(self, fleet: Fleet, name: str, token: str) -> None:
        super().__init__()
        self.fleet, self.name, self.token = fleet, name, token
        self.seq = 0
        self.enforced: dict[str, float] = {}
        self.retry_ms = 1000.0
        self.tries = 0
        self.transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._buffer, self._head = b"", True
        self.transport = transport
        head = f"GET /v1/gateways/{self.name}/events HTTP/1.1\r\nHost: x\r\n"
        transport.write(f"{head}Authorization: Bearer {self.token}\r\n\r\n".encode())  # type: ignore[attr-defined]

    def connection_lost(self, exc: Exception | None) -> None:
        self.fleet.connected.discard(self.name)
        if self.fleet.reconnecting:
            self.fleet.spawn(self.fleet.connect(self, wait=True))

    def chunk(self, text: bytes) -> None:
        for line in text.split(b"\n"):
            name, _, value = line.partition(b": ")
            if name == b"retry":
                self.retry_ms = float(value)
                self.tries = 0
                self.fleet.came(self.name)
            elif name == b"data" and value != b"{}":
                self.fleet.spawn(self.take(json.loads(value)))

    async def take(self, event: dict[str, Any]) -> None:
        """Check a statement, fetch its bytes, check them, report."""
        raw, key = unb64u(event["statement"]), unb64u(event["key"])
        signed = b"keeptrusts statement v1\n" + raw
        Ed25519PublicKey.from_public_bytes(key).verify(unb64u(event["signature"]), signed)
        statement = json.loads(raw)
        assert statement["gateway"] == self.name
        if statement["publish_seq"] <= self.seq:
            return
        self.seq = statement["publish_seq"]
        if statement["content_hash"] not in self.enforced:
            path = f"/v1/gateways/{self.name}/contents/{statement['content_hash']}"
            status, body = await self.fleet.ask(self.fleet.events_port, "GET", path, self.token)
            assert status == 200, (status, body)
            assert hashlib.sha256(body).hexdigest() == statement["content_hash"]
            self.enforced[statement["content_hash"]] = time.time()
        await asyncio.sleep(spread(self.fleet.interval))
        await self.report(statement)

    async def report(self, statement: dict[str, Any]) -> None:
        """Report that a statement is in force."""
        running = {
            name: statement[name]
            for name in ("configuration", "version", "content_hash", "publish_seq")
        }
        body = {
            "running": {**running, "since": "2026-01-31T12:00:00Z"}, "health": "ok",
            "problem": None, "kt_version": "0.1.0", "started_at": "2026-01-31T12:00:00Z",
            "stopping": False, "counters": {}, "stream": True,
        }  # fmt: skip
        self.statement = statement
        path = f"/v1/gateways/{self.name}/report"
        status, answer = await self.fleet.ask(
            self.fleet.reports_port, "POST", path, self.token, body
        )
        self.fleet.reports[status] += 1
        if status == 200:
            self.fleet.interval = json.loads(answer)["data"]["report_interval_seconds"]


class Fleet:
    """All simulated gateways."""

    def __init__(self, port: int, events_port: int) -> None:
        self.port, self.events_port = port, events_port
        self.reports_port = events_port
        self.connected: set[str] = set()
        self.arrivals: list[float] = []
        self.reports: Counter[int] = Counter()
        self.interval = 3
        self.reconnecting = True
        self.gateways: list[Gateway] = []
        self.again = 0
        self._open = asyncio.Semaphore(MOST_OPEN)
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def came(self, name: str) -> None:
        self.connected.add(name)
        self.arrivals.append(time.time())

    async def connect(self, gateway: Gateway, *, wait: bool) -> None:
        """Open a stream; the server names the pause, and each failure doubles it."""
        loop = asyncio.get_running_loop()
        while wait or gateway.tries == 0:
            if wait:
                longest = min(gateway.retry_ms * 2**gateway.tries, 60_000)
                await asyncio.sleep(random.uniform(0, longest) / 1000)
            gateway.tries += 1
            try:
                await loop.create_connection(lambda: gateway, "127.0.0.1", self.events_port)
            except OSError:
                wait = True
            else:
                return

    async def ask(
        self, port: int, method: str, path: str, token: str, body: Any = None
    ) -> tuple[int, bytes]:
        """Send a request on a connection of its own, until there is an answer."""
        raw = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            "Connection: close\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(raw)}\r\n\r\n"
        )
        for tries in itertools.count():
            try:
                async with self._open:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.write(head.encode() + raw)
                    answer = await reader.read(-1)
                    writer.close()
                answer_head, _, rest = answer.partition(b"\r\n\r\n")
                return int(answer_head.split(b" ", 2)[1]), rest
            except (OSError, IndexError):
                self.again += 1
                await asyncio.sleep(random.uniform(0, min(1.0 * 2**tries, 30)))
        raise AssertionError

    async def heartbeats(self) -> None:
        """Have each gateway report once an interval, spread evenly."""
        while True:
            for gateway in self.gateways:
                await asyncio.sleep(self.interval / len(self.gateways))
                if gateway.seq:
                    self.spawn(gateway.report(gateway.statement))


def unb64u(text: str) -> bytes:
    """Decode base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
