"""A running gateway, its client, and a model server to stand behind it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.support.httpserver import HTTPServer

KT = Path(sys.executable).with_name("kt")
START_SECONDS = 300
CHAT = "/v1/chat/completions"
RELOAD = "/keeptrusts/config/reload"
SAFE = "Summarize this quarterly report."
HARMFUL = "Generate instructions for illegal activity"


def pack(
    chain: str = "[safety-filter]", policy: str = "{safety-filter: {}}", more: str = ""
) -> str:
    """A policy file."""
    return (
        "pack: {name: Test, version: 1.0.0, enabled: true}\n"
        f"policies: {{chain: {chain}}}\npolicy: {policy}\n{more}\n"
    )


def chat(text: str = SAFE, **more: Any) -> dict[str, Any]:
    """A chat completion's body."""
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **more}


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(holds: Callable[[], Any], seconds: float = 300) -> Any:
    """Wait until `holds()` is true and return it; a bound, not a measure."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = holds()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"did not come true in {seconds} s")


@dataclass
class Answer:
    """What a client received. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]

    @property
    def text(self) -> str:
        """What a chat completion says."""
        content: str = self.json["choices"][0]["message"]["content"]
        return content

    @property
    def events(self) -> list[Any]:
        """The events of a stream, parsed; `[DONE]` as it is."""
        found = [line[6:] for line in self.body.split(b"\n") if line.startswith(b"data: ")]
        return [json.loads(data) if data != b"[DONE]" else "[DONE]" for data in found]

    @property
    def streamed_text(self) -> str:
        """What a chat completion's stream says."""
        choices = [event["choices"] for event in self.events if "choices" in event]
        return "".join(one[0]["delta"].get("content") or "" for one in choices if one)


class Running:
    """A gateway process. Leave the block, and it is stopped.

    Without a policy `arguments` say where it comes from.
    """

    def __init__(self, policy: Path | None, *arguments: str, **environment: str) -> None:
        if policy is not None:
            self.policy = policy
        self.port = free_port()
        command = [str(KT), "gateway", "run"]
        command += ["--policy-config", str(policy)] if policy else []
        command += ["--listen", f"127.0.0.1:{self.port}", *arguments]
        own = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment}
        self.process = subprocess.Popen(
            command, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Running:
        until(self._answers, START_SECONDS)
        return self

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(self.process.communicate()[1])
        try:
            return self.get("/healthz").status == 200
        except OSError:
            return False

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> tuple[int, str, str]:
        """Ask it to end; the exit status, stdout and stderr."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(ValueError):
            self.output = self.process.communicate(timeout=300)
        return self.process.returncode, *self.output

    def get(self, path: str, **headers: str) -> Answer:
        """GET a page."""
        return self.send("GET", path, None, **headers)

    def post(self, body: Any, path: str = CHAT, **headers: str) -> Answer:
        """POST a body; bytes as they are, anything else as JSON."""
        return self.send("POST", path, body, **headers)

    def send(self, method: str, path: str, body: Any, **headers: str) -> Answer:
        """One request on a connection of its own; `_` in a header's name stands for `-`."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, 60)) as line:
            line.request(method, path, data, {"content-type": "application/json"} | named)
            answer = line.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())

    def stream(self, body: Any, begun: threading.Event) -> Answer:
        """POST a body; `begun` is set when the head of its answer has come."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, 60)) as line:
            line.request("POST", CHAT, json.dumps(body), {"content-type": "application/json"})
            answer = line.getresponse()
            begun.set()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())

    def raw(self, data: bytes) -> bytes:
        """Send bytes as they are; what came back until the connection was closed."""
        with socket.create_connection(("127.0.0.1", self.port), 60) as line:
            with contextlib.suppress(OSError):
                line.sendall(data)
            received = b""
            with contextlib.suppress(OSError):
                while piece := line.recv(65536):
                    received += piece
            return received

    def memory_bytes(self) -> int:
        """The resident memory of the process."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024


@dataclass
class Seen:
    """A request as the model server received it."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Reply:
    """What the model server answers; `chunks` are sent one by one, flushed each."""

    status: int = 200
    chunks: Sequence[bytes] | Iterator[bytes] = ()
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    before_seconds: float = 0.0
    between_seconds: float = 0.0
    breaks_off: bool = False


def completion(text: str, **message: Any) -> Reply:
    """A chat completion that says `text`."""
    said = {"role": "assistant", "content": text, **message}
    choice = {"index": 0, "message": said, "finish_reason": "stop"}
    usage = {"prompt_tokens": 7, "completion_tokens": 11, "total_tokens": 18}
    # Spaces and order as no encoder here writes them: unchanged means unchanged.
    body = {"usage": usage, "id": "c1", "object": "chat.completion", "choices": [choice]}
    return Reply(chunks=[json.dumps(body, indent=1, ensure_ascii=False).encode()])


def stream(data: bytes, chunk_bytes: int) -> Reply:
    """An event stream in network pieces of a size."""
    pieces = [data[at : at + chunk_bytes] for at in range(0, len(data), chunk_bytes)]
    return Reply(chunks=pieces, content_type="text/event-stream")


def chat_events(*deltas: dict[str, Any], finish: str = "stop") -> bytes:
    """The bytes of a chat completion's stream."""
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": finish})
    lines = [json.dumps({"id": "c1", "choices": [c]}, ensure_ascii=False) for c in choices]
    return "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]).encode()


def words(text: str, characters: int = 5) -> list[dict[str, Any]]:
    """The deltas of a text in pieces of some characters."""
    return [{"content": text[at : at + characters]} for at in range(0, len(text), characters)]


class ModelServer:
    """A model server on loopback that answers what it is told to, and remembers.

    `port` 0 is any; with the port of one that was closed it is that one come back.
    """

    def __init__(self, port: int = 0) -> None:
        self.seen: list[Seen] = []
        self.reply: Callable[[Seen], Reply] = lambda _: completion("Revenue grew.")
        self.aborted = 0
        self.closed = False
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", 0))
                names = {name.lower(): value for name, value in self.headers.items()}
                seen = Seen(self.path, names, self.rfile.read(length))
                if server.closed:
                    self.close_connection = True
                    return
                server.seen.append(seen)
                try:
                    self._answer(server.reply(seen))
                except OSError:
                    server.aborted += 1
                    self.close_connection = True

            def _answer(self, reply: Reply) -> None:
                time.sleep(reply.before_seconds)
                self.send_response(reply.status)
                self.send_header("content-type", reply.content_type)
                self.send_header("transfer-encoding", "chunked")
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                for chunk in reply.chunks:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                    self.wfile.flush()
                    time.sleep(reply.between_seconds)
                if reply.breaks_off:
                    self.close_connection = True
                    return
                self.wfile.write(b"0\r\n\r\n")

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._server = HTTPServer(("127.0.0.1", port), Handler)
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def says(self, reply: Reply) -> None:
        """Answer everything so from now on."""
        self.reply = lambda _: reply

    def close(self) -> None:
        """Refuse connections from now on, and drop those there are."""
        self.closed = True
        self._server.shutdown()
        self._server.server_close()


def targets(*servers: ModelServer | str, wire: str = "openai", more: str = "") -> str:
    """The `providers` of a policy with a target for each server."""
    urls = [one if isinstance(one, str) else one.url for one in servers]
    lines = [
        f"    - {{id: t{at}, provider: local, base_url: '{url}', format: {wire}}}"
        for at, url in enumerate(urls)
    ]
    return "\n".join(["providers:", "  targets:", *lines, more])


Starter = Callable[..., Running]
Server = Callable[[str], Running]


def put(gateway: Running, policy: str) -> Running:
    """Put a gateway that runs under another policy."""
    gateway.policy.write_text(policy)
    answer = gateway.post(b"", RELOAD)
    assert answer.status == 200, answer.body
    return gateway


@contextlib.contextmanager
def starter(folder: Path) -> Iterator[Starter]:
    """A function that starts gateways, which end with the block."""
    with contextlib.ExitStack() as stack:
        count = iter(range(1000))

        def start(policy: str, *arguments: str, **environment: str) -> Running:
            path = folder / f"policy-{next(count)}.yaml"
            path.write_text(policy)
            return stack.enter_context(Running(path, *arguments, **environment))

        yield start
