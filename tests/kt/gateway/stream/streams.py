"""Streams through the guard, without a socket."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any, Literal

from kt.gateway.errors import PolicyViolationError, UpstreamError
from kt.gateway.options import Options
from kt.gateway.policy.judging import Judge
from kt.gateway.policy.loading import Loaded, load
from kt.gateway.policy.source import Sourced
from kt.gateway.stream.guard import Guard
from kt.gateway.stream.protocols import protocol_of
from kt.gateway.stream.sse import Splitter
from kt.policy.decision import Request
from tests.kt.gateway.support import CHAT, chat, pack

MESSAGES, RESPONSES = "/v1/messages", "/v1/responses"
MARK = "Project Falcon"
_BLOCK_MARK = f"{{action: block, blocked_terms: [{MARK}]}}"
_FIREWALL = "{blocked_tools: ['delete_*'], max_tool_calls: 2}"
BLOCKING = (
    "[safety-filter, agent-firewall, dlp-filter, pii-detector]",
    f"{{safety-filter: {{}}, agent-firewall: {_FIREWALL}, dlp-filter: {_BLOCK_MARK}}}",
)
REDACTING = (
    "[dlp-filter, pii-detector]",
    f"{{dlp-filter: {{action: redact, blocked_terms: [{MARK}]}}, pii-detector: {{}}}}",
)

Policy = tuple[str, str]


@cache
def loaded(policy: Policy) -> Loaded:
    """A policy, compiled once for all tests."""
    data = pack(*policy).encode()
    return load(Sourced(data), Options("x", mock_upstream=True), {}, source="x", now="")


def judge(policy: Policy, fail_mode: Literal["block", "allow"] = "block") -> Judge:
    """A judge of one exchange."""
    return Judge(loaded(policy), Request(chat(stream=True), model="m"), fail_mode)


def shown(
    data: bytes,
    policy: Policy = BLOCKING,
    route: str = CHAT,
    fail_mode: Literal["block", "allow"] = "block",
    at_once: int = 5,
) -> tuple[bytes, str]:
    """The bytes that a client sees of a stream, some events at a time, and what stopped it."""
    guard = Guard(judge(policy, fail_mode), protocol_of(route))
    splitter = Splitter(1 << 24)
    events = [*splitter.feed(data), *splitter.rest()]
    seen = b""
    try:
        for at in range(0, len(events), at_once):
            seen += guard.feed(events[at : at + at_once]) + guard.flush()
        seen += guard.finish()
    except (PolicyViolationError, UpstreamError) as exc:
        return seen, str(exc.details.get("reason_code") or exc.code)
    return seen, ""


def whole(body: Any, policy: Policy) -> Any:
    """The same answer in one piece, as a client gets it."""
    decision = judge(policy).look(body)
    return body if decision.body is None else decision.body


def sse(*bodies: Any, named: bool = False) -> bytes:
    """Events; `named`: each with its type as its name."""
    lines = [f"event: {body['type']}\n" if named else "" for body in bodies]
    data = [one if isinstance(one, str) else json.dumps(one) for one in bodies]
    return "".join(f"{a}data: {b}\n\n" for a, b in zip(lines, data, strict=True)).encode()


def bodies(data: bytes) -> list[Any]:
    """The JSON of the events that a client sees."""
    lines = [line[6:] for line in data.split(b"\n") if line.startswith(b"data: {")]
    return [json.loads(line) for line in lines]


def chunk(delta: Any, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """An event of a chat completion."""
    return {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


def call(arguments: str | None = None, name: str | None = None, **more: Any) -> dict[str, Any]:
    """An event with a piece of a tool call."""
    function = {"name": name, "arguments": arguments}
    given = {key: value for key, value in function.items() if value is not None}
    return chunk({"tool_calls": [{**more, "function": given}]})


def cut(text: str, size: int) -> list[str]:
    """A text in pieces."""
    return [text[at : at + size] for at in range(0, len(text), size)]


def content(data: bytes, key: str = "content") -> str:
    """What a chat completion says."""
    choices = [body["choices"][0] for body in bodies(data) if body.get("choices")]
    return "".join(choice["delta"].get(key) or "" for choice in choices)


def arguments(data: bytes) -> list[str]:
    """The arguments of each piece of a tool call that a client sees."""
    deltas = [body["choices"][0]["delta"] for body in bodies(data)]
    calls: Iterable[Any] = (one for delta in deltas for one in delta.get("tool_calls", ()))
    return [one["function"].get("arguments", "") for one in calls]
