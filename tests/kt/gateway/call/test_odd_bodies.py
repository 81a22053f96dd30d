"""Bodies that are odd in any way, of clients and of targets: an answer to each, no failure."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from kt.gateway.policy.judging import FAILED
from tests.kt.gateway import odd
from tests.kt.gateway.inside import JSON, TARGETS, Inside
from tests.kt.gateway.stream import generated
from tests.kt.gateway.support import CHAT, Answer, ModelServer, Reply, Starter, pack, targets

SEED = os.environ.get("SOAK_SEED", "1")
COUNT = 20_000
# What a process may grow by over so many calls: caches that fill, and no call.
MOST_BYTES = 20 << 20
MESSAGES, RESPONSES = "/v1/messages", "/v1/responses"
SSE = "text/event-stream"
_TERMS = f"{{action: block, blocked_terms: [{odd.MARK}]}}"
_FIREWALL = "{blocked_tools: ['delete_*']}"
POLICY = pack(
    "[prompt-injection, safety-filter, agent-firewall, dlp-filter, pii-detector, audit-logger]",
    f"{{prompt-injection: {{}}, safety-filter: {{}}, agent-firewall: {_FIREWALL}, "
    f"dlp-filter: {_TERMS}, pii-detector: {{restore: true}}}}",
)
_TEXT = {"type": "text", "text": "hello"}
_FUNCTION = {"name": "save", "arguments": '{"q": "roof"}'}
_CALL = {"id": "c", "type": "function", "function": _FUNCTION}
_SCHEMA = {"type": "object", "properties": {"id": {"type": "string", "enum": ["x"]}}}
_USE = {"type": "tool_use", "id": "t", "name": "save", "input": {"q": ["roof"]}}
_RESULT = {"type": "tool_result", "tool_use_id": "t", "content": [_TEXT]}
_IMAGE = {"type": "image_url", "image_url": {"url": "https://x.test/y.png"}}
REQUESTS: list[tuple[str, dict[str, Any]]] = [
    (
        CHAT,
        {
            "messages": [
                {"role": "system", "content": "be good"},
                {"role": "user", "content": [_TEXT, _IMAGE]},
                {"role": "assistant", "content": None, "tool_calls": [_CALL]},
                {"role": "tool", "tool_call_id": "c", "content": "done"},
            ],
            "tools": [{"type": "function", "function": {"name": "save", "parameters": _SCHEMA}}],
            "temperature": 0.5,
        },
    ),
    (
        MESSAGES,
        {
            "max_tokens": 9,
            "system": [{**_TEXT, "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {"role": "user", "content": "hello"},
                {
                    "role": "assistant",
                    "content": [{"type": "thinking", "thinking": "so", "signature": "s"}, _USE],
                },
                {"role": "user", "content": [_RESULT]},
            ],
        },
    ),
    (
        RESPONSES,
        {
            "instructions": "be good",
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "hello"}]},
                {"type": "function_call", "call_id": "c", **_FUNCTION},
                {"type": "function_call_output", "call_id": "c", "output": "done"},
            ],
        },
    ),
    ("/v1/embeddings", {"input": ["a", "b"]}),
    ("/v1/completions", {"prompt": ["a", "b"], "suffix": "c"}),
    ("/v1/moderations", {"input": [_TEXT, _IMAGE]}),
    ("/v1/messages/count_tokens", {"messages": [{"role": "user", "content": [_TEXT]}]}),
]
_LOGPROBS = {"content": [{"token": "hi", "logprob": -1, "top_logprobs": [{"token": "ho"}]}]}
_SAID = {"role": "assistant", "content": "hi", "tool_calls": [_CALL], "refusal": None}
_CHOICE = {"index": 0, "message": _SAID, "logprobs": _LOGPROBS, "finish_reason": "stop"}
_PART = {"type": "output_text", "text": "hi", "annotations": [], "logprobs": [{"token": "hi"}]}
ANSWERS: dict[str, dict[str, Any]] = {
    CHAT: {"id": "c", "choices": [_CHOICE], "usage": {"prompt_tokens": 3, "total_tokens": 5}},
    MESSAGES: {
        "id": "m",
        "type": "message",
        "content": [{"type": "thinking", "thinking": "so", "signature": "s"}, _TEXT, _USE],
        "usage": {"input_tokens": 3, "output_tokens": 2},
    },
    RESPONSES: {
        "id": "r",
        "output": [
            {"type": "message", "role": "assistant", "content": [_PART]},
            {"type": "function_call", "call_id": "c", **_FUNCTION},
        ],
    },
    "/v1/embeddings": {"data": [{"index": 0, "embedding": [0.1]}]},
    "/v1/completions": {"choices": [{"index": 0, "text": "hi", "logprobs": {"tokens": ["hi"]}}]},
    "/v1/moderations": {"results": [{"flagged": False, "categories": {"hate": False}}]},
    "/v1/messages/count_tokens": {"input_tokens": 3},
}
# What a gateway says of a target that cannot be understood.
_TARGETS_FAULT = 502
# What it says when it failed itself: over a request, over an answer, half way in a stream.
_FAILURES = (FAILED, "internal_error")


class Exchange(NamedTuple):
    """A call and what its target answers, of which either may be odd."""

    path: str
    sent: bytes
    said: bytes
    status: int
    content_type: str


def exchange(chance: random.Random) -> Exchange:
    """One of any."""
    path, body = chance.choice(REQUESTS)
    is_stream = path in generated.TABLES and chance.random() < 0.4
    body = {"model": "m", **body, **({"stream": True} if is_stream else {})}
    sent = json.dumps(body).encode()
    if chance.random() < 0.6:
        sent = odd.written(chance, odd.changed(chance, body, keep=(("model",), ("stream",))))
    status = chance.choice((*[200] * 9, 400, 429, 500))
    if is_stream:
        return Exchange(path, sent, _stream(chance, path), status, SSE)
    answer = ANSWERS[path]
    if chance.random() < 0.6:
        answer = odd.changed(chance, answer)
    content_type = chance.choice((JSON, JSON, JSON, "text/plain", ""))
    return Exchange(path, sent, odd.written(chance, answer), status, content_type)


def _stream(chance: random.Random, path: str) -> bytes:
    """A stream that is odd in some place, and says something at a line of its protocol's table."""
    line = chance.choice([line for route, line in generated.LINES if route == path])
    words = f"ann@example.org {generated.prose(chance)}"
    if chance.random() < 0.3:
        words += chance.choice(generated.MARKED)
    events = [generated.place(path, line, words), *generated.ended(chance, path, [])]
    return generated.written(chance, odd.shaken(chance, events))


def _wrong(answer: Answer) -> str:
    if answer.status >= 500 and answer.status != _TARGETS_FAULT:
        return f"a failure, {answer.status}"
    return next((word for word in _FAILURES if word.encode() in answer.body), "")


def _failing(ask: Callable[[Exchange], Answer], seed: str, count: int) -> list[tuple[str, ...]]:
    """The seeds of the exchanges that fail, and what is wrong."""
    found = []
    for at in range(count):
        made = exchange(random.Random(f"{seed} {at}"))
        try:
            wrong = _wrong(ask(made))
        except Exception as exc:  # noqa: BLE001
            wrong = repr(exc)
        if wrong:
            found.append((f"{seed} {at}", wrong, repr(made)))
    return found


def test_odd_bodies_are_answered() -> None:
    """Refused, passed on or judged, and never a failure of the gateway's own."""
    gateway = Inside(POLICY + TARGETS)

    def ask(made: Exchange) -> Answer:
        gateway.answers(made.said, made.status, made.content_type)
        return gateway.post(made.sent, made.path)

    assert _failing(ask, "1", 250) == []


@pytest.mark.soak
def test_many_odd_bodies_are_answered_and_kept_nowhere(start: Starter, model: ModelServer) -> None:
    """By a process of its own, which answers each in time and does not grow."""
    claude = targets(model, wire="anthropic").splitlines()[2].replace("t0", "claude")
    gateway = start(f"{POLICY}{targets(model)}\n{claude}", "--decision-log", "none")

    def ask(made: Exchange) -> Answer:
        model.says(Reply(made.status, [made.said], made.content_type))
        return gateway.post(made.sent, made.path)

    found = _failing(ask, f"{SEED} warm", 1000)
    before = gateway.memory_bytes()
    found += _failing(ask, SEED, COUNT)

    assert found == []
    assert gateway.memory_bytes() - before < MOST_BYTES
    assert "Traceback" not in gateway.stop()[2]
