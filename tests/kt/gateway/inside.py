"""A gateway without a process or a socket: its application, and a model that is a function."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from kt.gateway.call.app import App
from kt.gateway.call.watch import WATCH
from kt.gateway.clients.blocks import Blocks
from kt.gateway.gateway import Gateway
from kt.gateway.options import Options
from kt.gateway.policy.loading import load
from kt.gateway.policy.source import FileSource, Sourced
from kt.gateway.policy.targets import UpstreamTarget
from kt.gateway.upstream.reply import Call
from kt.gateway.wire import BODY
from tests.kt.gateway.support import CHAT, Answer, chat, pack

URL = "http://model.test/v1"
JSON = "application/json"
TARGETS = (
    "providers:\n  targets:\n"
    f"    - {{id: chat, provider: local, base_url: '{URL}', format: openai}}\n"
    f"    - {{id: claude, provider: local, base_url: '{URL}', format: anthropic}}\n"
)


@dataclass
class Said:
    """A target's answer, which is a `reply.Reply` too. A body that is no bytes becomes JSON."""

    body: Any = field(default_factory=lambda: completion("Revenue grew."))
    status: int = 200
    content_type: str = JSON
    more: dict[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        named = {"content-type": self.content_type, **self.more}
        return [(name.encode(), value.encode()) for name, value in named.items()]

    async def read(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in (await self.read()).removesuffix(b"\n\n").split(b"\n\n"):
            yield piece + b"\n\n"

    def close(self) -> None:
        """Nothing is held."""


def completion(text: str, **message: Any) -> dict[str, Any]:
    """A chat completion that says `text`."""
    said = {"role": "assistant", "content": text, **message}
    return {"id": "c1", "choices": [{"index": 0, "message": said, "finish_reason": "stop"}]}


class Inside:
    """A gateway, the calls that its targets saw, and the entries of its decision log."""

    def __init__(self, policy: str = "", **options: Any) -> None:
        text = policy or pack(more=TARGETS)
        self.options = Options("x", decision_log="-", **options)
        loaded = load(Sourced(text.encode()), self.options, {}, source="x", now="")
        self.gateway = Gateway(self.options, FileSource("x"), loaded, {}, ())
        self.gateway.upstream.call = self._call  # type: ignore[method-assign, assignment]
        self.logged: list[dict[str, Any]] = []
        self.gateway.journal.write = self.logged.append  # type: ignore[method-assign]
        self.seen: list[Call] = []
        self.says: Callable[[Call], Said] = lambda _: Said()
        self.app = App(self.gateway, self._reload)

    async def _reload(self) -> bool:
        return True

    async def _call(self, _: UpstreamTarget, call: Call) -> Said:
        self.seen.append(call)
        return self.says(call)

    def answers(self, *said: Any, **more: Any) -> None:
        """Answer everything so from now on, with no failure and no block remembered."""
        self.gateway.router.circuits.clear()
        self.gateway.blocks = Blocks()
        self.says = lambda _: Said(*said, **more)

    def post(self, body: Any = None, path: str = CHAT, **headers: str) -> Answer:
        """POST a body, an ordinary one by default; bytes as they are, anything else as JSON."""
        given = chat() if body is None else body
        data = given if isinstance(given, bytes) else json.dumps(given).encode()
        return self.send("POST", path, data, **headers)

    def get(self, path: str, **headers: str) -> Answer:
        """GET a page."""
        return self.send("GET", path, b"", **headers)

    def send(self, method: str, path: str, data: bytes, **headers: str) -> Answer:
        """One request; `_` in a header's name stands for `-`."""
        plain, _, query = path.partition("?")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        scope = {
            "type": "http",
            "method": method,
            "path": plain,
            "query_string": query.encode(),
            "client": ("192.0.2.1", 1),
            "state": {WATCH: lambda _: None, BODY: lambda: None},
            "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        }
        return asyncio.run(self._serve(scope, data))

    async def _serve(self, scope: dict[str, Any], data: bytes) -> Answer:
        waiting = [{"type": "http.request", "body": data}]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if waiting:
                return waiting.pop()
            return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        names = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], names, b"".join(one.get("body", b"") for one in sent[1:]))
