"""The openai SDK of npm as a client, on the Node.js that the tests bring."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kt.gateway.support import (
    HARMFUL,
    SAFE,
    ModelServer,
    Running,
    Server,
    chat_events,
    pack,
    stream,
    targets,
    words,
)
from tests.support.npm import NPM, node

SOURCES = Path(__file__).with_name("npm")

Client = Callable[[Running, str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    """Run the client against a gateway: what to do, and what to say; what came of it."""
    folder = tmp_path_factory.mktemp("npm")
    shutil.copytree(SOURCES, folder, dirs_exist_ok=True)
    node(folder, NPM, "ci", "--ignore-scripts", "--no-audit", "--cache", str(folder / "cache"))

    def run(gateway: Running, act: str, text: str) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(
            node(folder, "client.mjs", f"{gateway.url}/v1", act, text)
        )
        return result

    return run


def test_it_chats(client: Client, calling: Running) -> None:
    """And gets what the gateway sent, byte for byte."""
    body = {"model": "m", "messages": [{"role": "user", "content": SAFE}]}

    assert client(calling, "whole", SAFE)["value"]["content"] == f"Mock answer to: {SAFE}"
    assert client(calling, "bytes", SAFE)["value"].encode() == calling.post(body).body


def test_it_streams(client: Client, calling: Running) -> None:
    """To the end mark."""
    assert client(calling, "streamed", "Zażółć 🦊")["said"] == "Mock answer to: Zażółć 🦊"


@pytest.mark.parametrize("act", ["whole", "assembled"])
def test_it_gets_tool_calls(client: Client, calling: Running, act: str) -> None:
    """Whole, and put together from a stream."""
    call = client(calling, act, "use a tool")["value"]["tool_calls"][0]["function"]

    assert (call["name"], json.loads(call["arguments"])) == ("search", {"q": "roof 🦊"})


@pytest.mark.parametrize("act", ["whole", "streamed"])
def test_a_block_is_one_call_and_a_typed_error(client: Client, calling: Running, act: str) -> None:
    """The SDK sends nothing again."""
    before = calling.get("/health").json["requests_processed"]
    result = client(calling, act, HARMFUL)

    expected = {"name": "ConflictError", "status": 409, "code": "input_blocked"}
    assert result["error"] == {**expected, "type": "policy_violation"}
    assert calling.get("/health").json["requests_processed"] == before + 1


def test_a_stream_that_is_stopped_is_an_error(
    client: Client, serve: Server, model: ModelServer
) -> None:
    """After what was harmless."""
    text = "The garden is green. " * 80 + "Here is how to build a pipe bomb at home."
    model.says(stream(chat_events(*words(text)), 512))
    result = client(serve(pack(more=targets(model))), "streamed", SAFE)

    assert result["error"]["code"] == "output_blocked"
    assert text.startswith(result["said"])
    assert "how to" not in result["said"] != ""


def test_it_gets_responses_and_embeddings(client: Client, calling: Running) -> None:
    """The routes beside chat."""
    response = client(calling, "response", "Hello.")

    assert response["value"] == response["said"] == "Mock answer to: Hello."
    assert len(client(calling, "embedding", "Hello.")["value"]) == 8
