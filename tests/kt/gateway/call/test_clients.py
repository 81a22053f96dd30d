"""Real clients of a gateway: allowed, redacted, blocked, and blocked late in a stream.

Each asks once, says what it may, and shows the reason where it may not.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kt.gateway.call.clients import clients
from tests.kt.gateway.support import (
    CHAT,
    ModelServer,
    Reply,
    Running,
    Seen,
    pack,
    starter,
    targets,
)
from tests.support.npm import NPM, node

SOURCES = Path(__file__).with_name("clients")
POLICY = pack(
    "[dlp-filter, pii-detector]",
    "{dlp-filter: {action: block, blocked_terms: [Project Falcon]}, pii-detector: {}}",
)
REASON = "not allowed by policy 'dlp-filter'"
PROSE = "The garden is green. " * 80
# What the target says where the prompt has the word, and what a client may say of it.
CELLS = {
    "allowed": ("The garden is green.", "The garden is green."),
    "redacted": ("Write to ann@example.org.", "Write to [REDACTED:EMAIL]."),
    "blocked": ("It is about Project Falcon.", ""),
    "late": (f"{PROSE}It is about Project Falcon.", f"{PROSE}It is about "),
}
NODE_CLIENTS = ["openai", "anthropic", "ai-chat", "ai-responses", "ai-anthropic"]

Client = Callable[[Running, str, str], dict[str, str]]


def _sse(*events: dict[str, Any]) -> bytes:
    named = (f"event: {one['type']}\n" if "type" in one else "" for one in events)
    lines = (f"data: {json.dumps(one)}\n\n" for one in events)
    return "".join(a + b for a, b in zip(named, lines, strict=True)).encode()


def _chat(text: str) -> tuple[dict[str, Any], bytes]:
    message = {"role": "assistant", "content": text}
    head = {"id": "c", "created": 1, "model": "m"}
    whole = {
        **head,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8},
    }
    deltas: list[tuple[dict[str, Any], str | None]] = [
        *(({"role": "assistant", "content": piece}, None) for piece in _pieces(text)),
        ({}, "stop"),
    ]
    events = [
        {
            **head,
            "object": "chat.completion.chunk",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
        for delta, finish in deltas
    ]
    return whole, _sse(*events) + b"data: [DONE]\n\n"


def _messages(text: str) -> tuple[dict[str, Any], bytes]:
    message = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "stop_sequence": None,
    }
    usage = {"input_tokens": 3, "output_tokens": 5}
    whole = {
        **message, "content": [{"type": "text", "text": text}], "stop_reason": "end_turn",
        "usage": usage,
    }  # fmt: skip
    begun = {**message, "content": [], "stop_reason": None, "usage": usage}
    block = {"type": "text", "text": ""}
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    deltas = [{"type": "text_delta", "text": piece} for piece in _pieces(text)]
    return whole, _sse(
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": ended, "usage": usage},
        {"type": "message_stop"},
    )


def _responses(text: str) -> tuple[dict[str, Any], bytes]:
    head = {
        "id": "r", "object": "response", "created_at": 1, "model": "m", "tools": [],
        "tool_choice": "auto", "parallel_tool_calls": True, "error": None,
        "incomplete_details": None, "instructions": None, "metadata": {},
    }  # fmt: skip
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {"id": "i", "type": "message", "role": "assistant", "status": "completed"}
    usage = {
        "input_tokens": 3, "output_tokens": 5, "total_tokens": 8,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }  # fmt: skip
    whole = {
        **head, "status": "completed", "output": [{**item, "content": [part]}], "usage": usage,
    }  # fmt: skip
    place = {"item_id": "i", "output_index": 0, "content_index": 0}
    begun = {**head, "status": "in_progress", "output": [], "usage": None}
    opened = {**item, "status": "in_progress", "content": []}
    events = [
        {"type": "response.created", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": opened},
        {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
        *(
            {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
            for piece in _pieces(text)
        ),
        {"type": "response.output_text.done", **place, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": part},
        {
            "type": "response.output_item.done",
            "output_index": 0,
            "item": {**item, "content": [part]},
        },
        {"type": "response.completed", "response": whole},
    ]
    return whole, _sse(*({**one, "sequence_number": at} for at, one in enumerate(events)))


def _pieces(text: str) -> list[str]:
    return [text[at : at + 9] for at in range(0, len(text), 9)]


_SAYS = {"/v1/messages": _messages, "/v1/responses": _responses}


def reply(seen: Seen) -> Reply:
    """What the target says to a prompt with a cell's name, by the route's protocol."""
    cell = next(name for name in CELLS if f"say {name}" in seen.body.decode())
    text = CELLS[cell][0]
    if "say it as JSON" in seen.body.decode():
        text = json.dumps({"note": text})
    whole, events = _SAYS.get(seen.path, _chat)(text)
    if json.loads(seen.body).get("stream"):
        return Reply(chunks=[events], content_type="text/event-stream")
    return Reply(chunks=[json.dumps(whole).encode()])


@pytest.fixture(scope="module")
def behind() -> Iterator[ModelServer]:
    """A target that says what a cell asks for."""
    server = ModelServer()
    server.reply = reply
    yield server
    server.close()


@pytest.fixture(scope="module")
def gateway(behind: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway before it, for all protocols."""
    claude = targets(behind, wire="anthropic").splitlines()[2].replace("t0", "claude")
    with starter(tmp_path_factory.mktemp("clients")) as start:
        yield start(f"{POLICY}{targets(behind)}\n{claude}", "--decision-log", "none")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has the Python clients, in the versions that are written down."""
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    made = folder / "bin" / "python"
    install = [made, "-m", "pip", "install", "-q", "-r", SOURCES / "requirements.txt"]
    subprocess.run(install, check=True, capture_output=True)
    return made


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the clients of npm."""
    folder = tmp_path_factory.mktemp("npm")
    shutil.copytree(SOURCES, folder, dirs_exist_ok=True)
    node(folder, NPM, "ci", "--ignore-scripts", "--no-audit", "--cache", str(folder / "cache"))
    return folder


def wrong(run: Callable[[str, str], dict[str, str]], behind: ModelServer, cell: str) -> Any:
    """What a client did otherwise than it should; nothing when all is well."""
    before = len(behind.seen)
    found = run(f"say {cell}, please", "streamed" if cell == "late" else "whole")
    calls = len(behind.seen) - before
    _, expected = CELLS[cell]
    is_stopped = cell in ("blocked", "late")
    is_said = expected.startswith(found["said"]) if is_stopped else found["said"] == expected
    is_reason = REASON in found["error"] if is_stopped else not found["error"]
    return None if calls == 1 and is_said and is_reason else (calls, found)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("name", ["openai", "openai-responses", "anthropic"])
def test_a_client_asks_once_and_is_told(
    gateway: Running, behind: ModelServer, name: str, cell: str
) -> None:
    """The two SDKs that most others are made of."""
    assert wrong(lambda *text: clients.outcome(name, gateway.url, *text), behind, cell) is None


@pytest.mark.soak
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("name", clients.CLIENTS)
def test_a_python_client_asks_once_and_is_told(
    gateway: Running, behind: ModelServer, python: Path, name: str, cell: str
) -> None:
    """In an environment of their own, since they pin each other's versions."""

    def run(text: str, stream: str) -> dict[str, str]:
        text = f"{text} say it as JSON" if name == "instructor" else text
        command = [python, SOURCES / "clients.py", name, gateway.url, text, stream]
        home = {"PATH": os.environ["PATH"], "HOME": str(python.parent)}
        own = {**home, "OPENAI_API_KEY": "any", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        done = subprocess.run(command, env=own, capture_output=True, timeout=120, check=True)
        result: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
        return result

    assert wrong(run, behind, cell) is None


@pytest.mark.soak
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("name", NODE_CLIENTS)
def test_a_client_of_npm_asks_once_and_is_told(
    gateway: Running, behind: ModelServer, packages: Path, name: str, cell: str
) -> None:
    """The two SDKs and Vercel's, which sends a 409 again; the gateway answers from memory."""

    def run(text: str, stream: str) -> dict[str, str]:
        said = node(packages, "clients.mjs", name, gateway.url, text, stream)
        result: dict[str, str] = json.loads(said.splitlines()[-1])
        return result

    assert wrong(run, behind, cell) is None


def _asked(text: str, stream: str) -> str:
    body = {"model": "m", "messages": [{"role": "user", "content": text}]}
    return json.dumps({**body, "stream": stream == "streamed"})


def _read(status: str, body: str) -> dict[str, str]:
    """What a client without a protocol of its own would take from an answer."""
    if status != "200":
        return {"said": "", "error": body}
    if not body.startswith("data:"):
        return {"said": json.loads(body)["choices"][0]["message"]["content"], "error": ""}
    said = ""
    for line in body.split("\n"):
        event = json.loads(line[5:]) if line.startswith("data: {") else {}
        if "error" in event:
            return {"said": said, "error": event["error"]["message"]}
        for choice in event.get("choices", ()):
            said += choice["delta"].get("content") or ""
    return {"said": said, "error": ""}


@pytest.mark.soak
@pytest.mark.skipif(not shutil.which("javac"), reason="needs a JDK")
@pytest.mark.parametrize("cell", CELLS)
def test_javas_client_asks_once_and_is_told(
    gateway: Running, behind: ModelServer, cell: str
) -> None:
    """Which offers to go on in HTTP/2 with each call."""

    def run(text: str, stream: str) -> dict[str, str]:
        command = ["java", SOURCES / "Client.java", gateway.url + CHAT, _asked(text, stream)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        return _read(*done.stdout.split("\n", 1))

    assert wrong(run, behind, cell) is None


@pytest.mark.soak
@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
@pytest.mark.parametrize("cell", CELLS)
def test_curl_asks_once_and_is_told(gateway: Running, behind: ModelServer, cell: str) -> None:
    """As Java's client does."""

    def run(text: str, stream: str) -> dict[str, str]:
        own = ["-H", "Content-Type: application/json", "-d", _asked(text, stream)]
        command = ["curl", "-sS", "--http2", "-w", "%{stderr}%{http_code}", *own]
        done = subprocess.run(
            [*command, gateway.url + CHAT], capture_output=True, text=True, timeout=60, check=True
        )
        return _read(done.stderr, done.stdout)

    assert wrong(run, behind, cell) is None
