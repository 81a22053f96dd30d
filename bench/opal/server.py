"""OPAL 0.9.9 as a side of a bench: its server, and the protocol of its clients.

The server runs as its documentation runs it in production, under gunicorn, with one worker and
the settings' defaults, but for what one machine does not need: the backbone between workers and
the tokens are off, and so is Datadog's tracer, which has no agent here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import aiohttp
from processes import tree

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
START_SECONDS = 90
TRIES = 5


class OpalServer:
    """A server on a folder of its own; `settings` are its environment without their `OPAL_`."""

    def __init__(self, python: Path, folder: Path, port: int, **settings: Any) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._command = [str(python.with_name("opal-server")), "run", "--engine-type", "gunicorn"]
        self._folder = folder
        self._settings = {
            "SERVER_WORKER_COUNT": 1,
            "SERVER_BIND_PORT": port,
            "LEADER_LOCK_FILE_PATH": folder / "leader.lock",
            "BASE_DIR": folder / "scopes",
            "POLICY_REPO_CLONE_PATH": folder / "clone",
            **settings,
        }

    def __enter__(self) -> Self:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "DD_TRACE_ENABLED": "false",
            "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
            **{f"OPAL_{name}": str(value) for name, value in self._settings.items()},
        }
        with (self._folder / "opal.log").open("wb") as log:
            self.process = subprocess.Popen(
                self._command, cwd=self._folder, env=environment,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            self.wait_for("/healthcheck")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        everyone = tree(self.process.pid)
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            # A worker with open connections waits for them; none of its children are kept.
            for pid in everyone:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request; the answer's JSON, or None when it is empty.

        Raises:
            OSError: no answer, or one with an error status.
        """
        asked = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **headers},
        )
        with OPENER.open(asked, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def wait_for(self, path: str, seconds: float = START_SECONDS) -> Any:
        """The first good answer."""
        until = time.monotonic() + seconds
        while True:
            try:
                return self.ask("GET", path)
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    log = (self._folder / "opal.log").read_text()
                    raise SystemExit(f"OPAL never answered {path}\n{log[-3000:]}") from None
                time.sleep(0.1)


async def listen(
    session: aiohttp.ClientSession, url: str, topics: list[str], notify: Callable[[Any], None]
) -> None:
    """Subscribe, and hand over each update; the first is None, once the subscription stands.

    Calls go both ways as JSON texts: a `request` with a `call_id`, a `response` with the same.
    Returns when the server ends the connection.
    """
    async with session.ws_connect(f"{url}/ws", max_msg_size=0) as socket:
        await _call(socket, "_ping_", {})
        await _call(socket, "subscribe", {"topics": topics})
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                return
            call = json.loads(message.data)
            if request := call.get("request"):
                answer = {"call_id": request["call_id"], "result": "None", "result_type": "str"}
                await socket.send_str(json.dumps({"response": answer}))
                if request["method"] == "notify":
                    notify(request["arguments"]["data"])
            elif call["response"]["call_id"] == "subscribe":
                notify(None)


async def _call(socket: aiohttp.ClientWebSocketResponse, method: str, arguments: Any) -> None:
    call = {"method": method, "arguments": arguments, "call_id": method}
    await socket.send_str(json.dumps({"request": call}))


class Clients:
    """Many clients of one server; each takes the whole bundle first, then what changed since.

    A bundle is fetched on a connection of its own, as opal-client does, and without its second
    websocket, which is for data. `got` has the times at which each had a commit, `lost` why a
    client was lost: its connection ended, or five tries gave no bundle.
    """

    def __init__(self, url: str, count: int) -> None:
        self.url, self.count = url, count
        self.got: dict[str, list[float]] = defaultdict(list)
        self.lost: list[str] = []
        self._held: dict[int, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        self._session = aiohttp.ClientSession(connector=connector)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()

    def connect(self, number: int) -> None:
        self._spawn(self._listen(number))

    async def _listen(self, number: int) -> None:
        def notify(_: Any) -> None:
            self._spawn(self._take(number))

        await listen(self._session, self.url, ["policy:."], notify)
        raise ConnectionError("the server ended it")

    async def _take(self, number: int) -> None:
        for tries in range(TRIES):
            try:
                await self._fetch(number)
            except (OSError, aiohttp.ClientError):
                if tries == TRIES - 1:
                    raise
                await asyncio.sleep(random.uniform(0, min(2**tries, 10)))
            else:
                return

    async def _fetch(self, number: int) -> None:
        base = {"base_hash": self._held[number]} if number in self._held else {}
        async with self._session.get(f"{self.url}/policy", params={"path": ".", **base}) as answer:
            answer.raise_for_status()
            bundle = await answer.json()
        assert bundle["policy_modules"], bundle
        self._held[number] = bundle["hash"]
        self.got[bundle["hash"]].append(time.time())

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (exc := task.exception()):
            self.lost.append(repr(exc))
