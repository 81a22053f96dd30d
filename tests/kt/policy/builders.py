"""Builders of policies and requests for tables of cases."""

from __future__ import annotations

from typing import Any

from kt.policy.decision import (
    Decision,
    Request,
    Snapshot,
    compile_policy,
    decide,
    decide_response,
)

PACK = {"name": "tested", "version": "1.0.0", "enabled": True}


def policy(*chain: Any, blocks: dict[str, Any] | None = None, **rest: Any) -> dict[str, Any]:
    """The plain data of a policy; `blocks` is what stands under `policy:`."""
    return {"pack": PACK, "policies": {"chain": list(chain)}, "policy": blocks or {}, **rest}


def compiled(kind: Any, block: dict[str, Any] | None = None, **rest: Any) -> Snapshot:
    """A policy of one kind."""
    name = kind if isinstance(kind, str) else next(iter(kind))
    return compile_policy(policy(kind, blocks={name: block or {}}, **rest))


def chat(*texts: Any, **extra: Any) -> dict[str, Any]:
    """A chat completion's body; a text is what the user says."""
    said = [one if isinstance(one, dict) else {"role": "user", "content": one} for one in texts]
    return {"model": "gpt-4o-mini", "messages": said, **extra}


def answer(text: Any, **extra: Any) -> dict[str, Any]:
    """The body of a chat completion's answer."""
    message = {"role": "assistant", "content": text, **extra}
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


def calling(arguments: Any, name: str = "search") -> dict[str, Any]:
    """An assistant's message that calls a tool."""
    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def ask(snapshot: Snapshot, body: Any, **about: Any) -> Decision:
    """Decide on a request; a text is one user's message."""
    given = chat(body) if isinstance(body, str) else body
    return decide(snapshot, Request(given, model="gpt-4o-mini", **about))


def reply(snapshot: Snapshot, body: Any, **about: Any) -> Decision:
    """Decide on an answer; a text is one assistant's message."""
    given = answer(body) if isinstance(body, str) else body
    return decide_response(snapshot, Request(chat("hello"), model="gpt-4o-mini", **about), given)


def content(decision: Decision, at: int = 0) -> Any:
    """What a redacted request's message says."""
    return decision.body["messages"][at]["content"]
