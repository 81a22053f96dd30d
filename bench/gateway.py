"""A bench of the gateway: against a mock model on loopback, in turn with other gateways.

    python bench/gateway.py [--rounds 5] [--seconds 2] [--with litellm] [--with portkey]

Ours runs with the chain of the example below, decision log and all; LiteLLM with its keyword
filter, Portkey with its `contains` guardrail, on comparable words. Each is installed into an
environment of its own under `--envs`. Every round measures all of them one after the other, so
a busy machine is busy for all; CPU time, of the whole process tree, is the steadiest figure.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from processes import cpu_seconds, tree

LITELLM = "litellm[proxy]==1.106.2"
PORTKEY = "@portkey-ai/gateway@1.15.2"
WORDS = [f"forbidden phrase {number}" for number in range(100)]
TEXT = "Please summarize the quarterly report for the board in five short points. " * 8
REQUEST = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": TEXT}]}
ANSWER = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Revenue grew by twelve percent. " * 12},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 100, "completion_tokens": 90, "total_tokens": 190},
}
POLICY = f"""
pack: {{name: Bench, version: 1.0.0, enabled: true}}
policies:
  chain: [prompt-injection, safety-filter, pii-detector, dlp-filter, audit-logger]
policy:
  prompt-injection: {{}}
  safety-filter: {{block_if: {json.dumps(WORDS)}}}
  pii-detector: {{}}
  dlp-filter: {{}}
  audit-logger: {{}}
providers: {{targets: [{{id: mock, provider: local, base_url: "http://127.0.0.1:PORT/v1"}}]}}
"""


class Model(asyncio.Protocol):
    """A model that answers every request with the same bytes, or with a stream if asked."""

    def __init__(self) -> None:
        body = json.dumps(ANSWER).encode()
        head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self.whole = (head % len(body)).encode() + body
        events = [{"content": f"word{n} "} for n in range(20)]
        choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in events]
        choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
        lines = [json.dumps({**ANSWER, "choices": [choice]}) for choice in choices]
        data = "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]).encode()
        typed = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
        chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data)
        self.stream = typed + b"transfer-encoding: chunked\r\n\r\n" + chunk
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (at := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:at].lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            if len(self.buffer) < at + 4 + length:
                return
            body, self.buffer = (
                self.buffer[at + 4 : at + 4 + length],
                self.buffer[at + 4 + length :],
            )
            streams = b'"stream":true' in body.replace(b" ", b"")
            self.transport.write(self.stream if streams else self.whole)  # type: ignore[attr-defined]


async def serve_model(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Model, "127.0.0.1", port)
    await server.serve_forever()


@dataclass
class Side:
    """A gateway under test. `samples` are (requests/s, p50 ms, p99 ms, CPU ms/request)."""

    name: str
    port: int
    headers: dict[str, str] = field(default_factory=dict)
    streams: bool = True
    process: subprocess.Popen[bytes] | None = None
    start_seconds: float = 0.0
    memory_bytes: int = 0
    samples: dict[str, list[tuple[float, float, float, float]]] = field(default_factory=dict)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def memory_bytes(pid: int) -> int:
    total = 0
    for one in tree(pid):
        with contextlib.suppress(OSError):
            total += int(Path(f"/proc/{one}/statm").read_text().split()[1])
    return total * os.sysconf("SC_PAGE_SIZE")


async def one_client(side: Side, body: bytes, until: float, took: list[float]) -> None:
    """Send requests on one connection until the time is up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", side.port)
    extra = "".join(f"{name}: {value}\r\n" for name, value in side.headers.items())
    head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    request = f"{head}{extra}content-length: {len(body)}\r\n\r\n".encode() + body
    while time.perf_counter() < until:
        began = time.perf_counter()
        writer.write(request)
        await read_answer(reader, side)
        took.append(time.perf_counter() - began)
    writer.close()


async def read_answer(reader: asyncio.StreamReader, side: Side) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise SystemExit(f"{side.name}: {head!r}{await reader.read(500)!r}")
    if b"content-length:" in head:
        await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
        return
    while size := int(await reader.readuntil(b"\r\n"), 16):
        await reader.readexactly(size + 2)
    await reader.readexactly(2)


async def load(side: Side, body: bytes, clients: int, seconds: float) -> list[float]:
    took: list[float] = []
    until = time.perf_counter() + seconds
    await asyncio.gather(*(one_client(side, body, until, took) for _ in range(clients)))
    return took


def measure(side: Side, what: str, body: bytes, clients: int, seconds: float) -> None:
    assert side.process is not None
    before, began = cpu_seconds(side.process.pid), time.perf_counter()
    took = sorted(asyncio.run(load(side, body, clients, seconds)))
    spent, passed = cpu_seconds(side.process.pid) - before, time.perf_counter() - began
    p50, p99 = took[len(took) // 2] * 1000, took[int(len(took) * 0.99)] * 1000
    sample = (len(took) / passed, p50, p99, spent / len(took) * 1000)
    side.samples.setdefault(what, []).append(sample)


def start(side: Side, command: list[str], folder: Path, **environment: str) -> Side:
    """Start a gateway, and wait for its first answer."""
    log = (folder / f"{side.name}.log").open("wb")
    began = time.monotonic()
    side.process = subprocess.Popen(
        command, cwd=folder, stdout=log, stderr=log, env={**os.environ, **environment}
    )
    body = json.dumps(REQUEST).encode()
    while True:
        try:
            asyncio.run(load(side, body, 1, 0.001))
            break
        except (OSError, asyncio.IncompleteReadError):
            if side.process.poll() is not None or time.monotonic() - began > 120:
                raise SystemExit(f"{side.name} did not start: {log.name}") from None
            time.sleep(0.02)
    side.start_seconds = time.monotonic() - began
    return side


def stop(side: Side) -> None:
    if side.process is not None:
        side.process.send_signal(signal.SIGTERM)
        side.process.wait(40)


def start_ours(folder: Path, model_port: int) -> Side:
    policy = folder / "policy-config.yaml"
    policy.write_text(POLICY.replace("PORT", str(model_port)))
    side = Side("keeptrusts", free_port())
    kt = str(Path(sys.executable).with_name("kt"))
    address = f"127.0.0.1:{side.port}"
    arguments = ["--policy-config", str(policy), "--listen", address]
    return start(side, [kt, "gateway", "run", *arguments], folder)


def start_litellm(folder: Path, model_port: int, envs: Path) -> Side:
    home = envs / "litellm"
    if not (home / "bin" / "litellm").exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(home / "bin" / "pip"), "install", "-q", LITELLM], check=True)
    blocked = [{"keyword": word, "action": "BLOCK"} for word in WORDS]
    parameters = {
        "model": "openai/gpt-4o-mini",
        "api_base": f"http://127.0.0.1:{model_port}/v1",
        "api_key": "none",
    }
    guard = {"guardrail": "litellm_content_filter", "mode": "pre_call", "default_on": True}
    config = {
        "model_list": [{"model_name": "gpt-4o-mini", "litellm_params": parameters}],
        "guardrails": [
            {"guardrail_name": "words", "litellm_params": {**guard, "blocked_words": blocked}}
        ],
    }
    (folder / "litellm.yaml").write_text(json.dumps(config))
    side = Side("litellm", free_port())
    command = [str(home / "bin" / "litellm"), "--config", "litellm.yaml"]
    command += ["--host", "127.0.0.1", "--port", str(side.port), "--num_workers", "1"]
    # Without keys, as ours is run here too.
    keyless = {"LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"}
    return start(side, command, folder, LITELLM_MODE="PRODUCTION", **keyless)


def start_portkey(folder: Path, model_port: int, envs: Path) -> Side:
    home = envs / "portkey"
    program = home / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    if not program.exists():
        subprocess.run(["npm", "install", "--silent", "--prefix", str(home), PORTKEY], check=True)
    check = {"default.contains": {"operator": "none", "words": WORDS}, "deny": True}
    config = {
        "provider": "openai",
        "api_key": "none",
        "custom_host": f"http://127.0.0.1:{model_port}/v1",
        "input_guardrails": [check],
    }
    headers = {"x-portkey-config": json.dumps(config)}
    # With a guardrail, 1.15.2 answers most streams with 500.
    side = Side("portkey", free_port(), headers, streams=False)
    command = ["node", str(program), f"--port={side.port}", "--headless"]
    return start(side, command, folder, TRUSTED_CUSTOM_HOSTS="127.0.0.1,localhost")


def start_model(folder: Path) -> Side:
    side = Side("direct", free_port())
    return start(side, [sys.executable, __file__, "--model", str(side.port)], folder)


def report(sides: list[Side]) -> None:
    for what in ("1 in flight", "16 in flight", "streams, 8 in flight"):
        print(f"\n{what}: medians of {len(sides[0].samples[what])} rounds")
        print(f"{'':<12}{'requests/s':>11}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms':>9}")
        for side in sides:
            if what not in side.samples:
                print(f"{side.name:<12}{'fails':>11}")
                continue
            columns = zip(*side.samples[what], strict=True)
            rate, p50, p99, cpu = (statistics.median(column) for column in columns)
            print(f"{side.name:<12}{rate:>11.0f}{p50:>9.2f}{p99:>9.2f}{cpu:>9.3f}")
    print(f"\n{'':<12}{'start s':>11}{'MiB after':>11}")
    for side in sides:
        print(f"{side.name:<12}{side.start_seconds:>11.2f}{side.memory_bytes / 2**20:>11.0f}")


@contextlib.contextmanager
def running(wanted: list[str], envs: Path) -> Iterator[list[Side]]:
    sides: list[Side] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            sides.append(start_model(folder))
            sides.append(start_ours(folder, sides[0].port))
            if "litellm" in wanted:
                sides.append(start_litellm(folder, sides[0].port, envs))
            if "portkey" in wanted:
                sides.append(start_portkey(folder, sides[0].port, envs))
            yield sides
        finally:
            for side in sides:
                stop(side)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--with", dest="wanted", action="append", default=[])
    parser.add_argument("--envs", type=Path, default=Path(tempfile.gettempdir()) / "kt-bench")
    parser.add_argument("--model", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.model:
        asyncio.run(serve_model(options.model))
        return
    whole, streamed = json.dumps(REQUEST), json.dumps({**REQUEST, "stream": True})
    with running(options.wanted, options.envs) as sides:
        for _ in range(options.rounds):
            for side in sides:
                measure(side, "1 in flight", whole.encode(), 1, options.seconds)
                measure(side, "16 in flight", whole.encode(), 16, options.seconds)
                if side.streams:
                    measure(side, "streams, 8 in flight", streamed.encode(), 8, options.seconds)
        for side in sides:
            assert side.process is not None
            side.memory_bytes = memory_bytes(side.process.pid)
        report(sides)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
