"""The tables of the streams' protocols: events in which each string says what it is.

A line that is dropped from a table makes one of these strings something else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from kt.gateway.stream.pieces import read
from kt.gateway.stream.protocols import CHAT, COMPLETIONS, MESSAGES, RESPONSES, Protocol, TableLine

_REST = "rest: no line names it"


def _chunk(delta: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": "label", **more}]}


_LOGPROBS = [{"token": "copy of it", "bytes": None, "top_logprobs": [{"token": "opaque:token"}]}]
_CHAT_EVENTS: list[dict[str, Any]] = [
    {
        **_chunk(
            {
                "role": "label",
                "anything": "both of these",
                "content": "text of it",
                "refusal": "text of it",
                "reasoning": "text of it",
                "reasoning_content": "text of it",
            }
        ),
        **dict.fromkeys(("id", "object", "model", "system_fingerprint", "service_tier"), "label"),
        "obfuscation": "opaque:padding",
        "type": _REST,
        "citations": [_REST, {"title": _REST}],
    },
    _chunk({"content": [{"type": "label", "text": "text of it"}]}, text=_REST, note=_REST),
    _chunk(
        {
            "content": [
                {
                    "type": "label",
                    "thinking": [{"type": "label", "text": "text of it", "id": _REST}],
                }
            ]
        }
    ),
    _chunk(
        {
            "reasoning_details": [
                {"type": "label", "format": "label", "text": "text of it", "note": _REST},
                {"type": "label", "summary": "text of it"},
                {"type": "label", "data": _REST, "signature": "opaque:sealed"},
            ]
        }
    ),
    _chunk({"audio": {"id": "label", "transcript": "text of it", "data": "opaque:sound"}}),
    _chunk({}, logprobs={"content": _LOGPROBS, "refusal": _LOGPROBS, "note": _REST}),
    _chunk(
        {
            "tool_calls": [
                {
                    "index": 0,
                    "id": "id",
                    "type": "call",
                    "function": {"name": "name", "arguments": "arguments", "note": _REST},
                    "extra_content": {"google": {"thought_signature": _REST}},
                },
                {"index": 1, "id": "id", "custom": {"name": "name", "input": "input"}},
            ],
            "function_call": {"name": "name", "arguments": "arguments", "note": _REST},
        }
    ),
]
_COMPLETIONS_EVENTS: list[dict[str, Any]] = [
    {
        **dict.fromkeys(("id", "object", "model", "system_fingerprint"), "label"),
        "choices": [{"index": 0, "text": "text of it", "finish_reason": "label", "note": _REST}],
    },
    {"choices": [{"index": 0, "logprobs": {"tokens": ["copy of it"], "note": _REST}}]},
]
_BLOCK = {"type": "label", "id": "label", "note": _REST}
_MESSAGES_EVENTS: list[dict[str, Any]] = [
    {
        "type": "message_start",
        "message": {
            **dict.fromkeys(("id", "type", "role", "model", "stop_reason"), "label"),
            "content": [{"type": "label", "tool_use_id": "label", "text": _REST}],
            "usage": {"service_tier": "label"},
            "stop_sequence": _REST,
        },
    },
    {"type": "content_block_start", "content_block": {**_BLOCK, "text": "text of it"}},
    {
        "type": "content_block_start",
        "content_block": {**_BLOCK, "thinking": "text of it", "signature": "opaque:sealed"},
    },
    {"type": "content_block_start", "content_block": {**_BLOCK, "data": _REST}},
    {"type": "content_block_start", "content_block": {**_BLOCK, "name": "name", "input": {}}},
    {
        "type": "content_block_start",
        "content_block": {"content": [{"encrypted_content": "opaque:sealed", "title": _REST}]},
    },
    {"type": "content_block_delta", "delta": {"type": "label", "text": "text of it"}},
    {"type": "content_block_delta", "delta": {"thinking": "text of it", "note": _REST}},
    {"type": "content_block_delta", "delta": {"signature": "opaque:sealed"}},
    {"type": "content_block_delta", "delta": {"partial_json": "arguments", "text_": _REST}},
    {"type": "content_block_delta", "delta": {"citation": {"cited_text": _REST}}},
    {"type": "ping", "text": _REST},
]
_RESPONSES_EVENTS: list[dict[str, Any]] = [
    {
        "type": "response.created",
        "response": {
            **dict.fromkeys(("id", "object", "model", "status", "service_tier"), "label"),
            "output": [{"call_id": "label", "type": "label", "role": "label", "name": _REST}],
        },
    },
    {"type": "response.output_text.delta", "item_id": "label", "delta": "text of it"},
    {"type": "response.of_tomorrow.delta", "obfuscation": "opaque:pad", "delta": "text of it"},
    {"type": "response.output_text.delta", "logprobs": _LOGPROBS, "note": _REST},
    {"type": "response.function_call_arguments.delta", "delta": "arguments"},
    {"type": "response.mcp_call_arguments.delta", "delta": "arguments", "text": _REST},
    {"type": "response.custom_tool_call_input.delta", "delta": "input"},
    {"type": "response.audio.delta", "delta": "opaque:sound"},
    {"type": "response.content_part.added", "part": {"text": "text of it", "note": _REST}},
    {"type": "response.content_part.added", "part": {"refusal": "text of it"}},
    {"type": "response.reasoning_summary_part.added", "part": {"text": "text of it"}},
    {"type": "response.output_item.added", "item": {"name": "name", "arguments": _REST}},
    {"type": "response.output_item.done", "item": {"name": "name", "arguments": _REST}},
    {
        "type": "response.output_text.done",
        "text": _REST,
        "item": {"encrypted_content": "opaque:sealed"},
    },
]
EVENTS = {
    "chat": (CHAT, _CHAT_EVENTS),
    "completions": (COMPLETIONS, _COMPLETIONS_EVENTS),
    "messages": (MESSAGES, _MESSAGES_EVENTS),
    "responses": (RESPONSES, _RESPONSES_EVENTS),
}
LINES = [
    pytest.param(protocol, events, line, id=f"{name} {line.event} {line.path}")
    for name, (protocol, events) in EVENTS.items()
    for line in protocol.lines
]


def strings(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Each string of an event with its path."""
    for step, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(item, str):
            yield (*path, step), item
        elif isinstance(item, dict | list):
            yield from strings(item, (*path, step))


def sorted_wrongly(protocol: Protocol, events: list[dict[str, Any]]) -> list[Any]:
    """The strings that are something else than they say."""
    wrong = []
    for body in events:
        found = read(protocol, body)
        taken = {piece.path: "copy" if piece.is_copy else "text" for piece in found.pieces}
        for call in found.calls:
            taken |= {path: "name" for path, _ in call.names}
            kind = "arguments" if call.has_escapes else "input"
            taken |= {path: kind for path, _ in call.arguments}
        taken |= {path: "both" if path in taken else "rest" for path, _ in found.rest}
        ids = {call.id for call in found.calls}
        for path, text in strings(body):
            word = text.replace(":", " ").split()[0]
            if path == ("type",) and protocol.typed:
                word = "label"
            expected = "" if word in ("label", "opaque", "id", "call") else word
            if taken.get(path, "") != expected or (word == "id" and text not in ids):
                wrong.append((path, text))
        begun = sum(call.begins for call in found.calls if not protocol.typed)
        wrong += ["call"] * (begun != sum(text == "call" for _, text in strings(body)))
    return wrong


@pytest.mark.parametrize("name", EVENTS)
def test_each_string_is_what_its_protocol_says(name: str) -> None:
    """Texts, tool calls, labels; what no line names is none of these."""
    assert sorted_wrongly(*EVENTS[name]) == []


@pytest.mark.parametrize(("protocol", "events", "line"), LINES)
def test_no_line_can_be_dropped(
    protocol: Protocol, events: list[dict[str, Any]], line: TableLine
) -> None:
    """Without it a string is taken for something else."""
    fewer = tuple(one for one in protocol.lines if one is not line)

    assert sorted_wrongly(replace(protocol, lines=fewer), events) != []


@pytest.mark.parametrize("name", EVENTS)
def test_a_label_is_a_word(name: str) -> None:
    """What has blanks is text, wherever it stands, and so is all that is under a label's key."""
    protocol, events = EVENTS[name]
    for body in events:
        for path, text in strings(body):
            if text.startswith(("label", "opaque")):
                said = read(protocol, _with(body, path, "Project Falcon"))
                hidden = read(protocol, _with(body, path, {"a": ["Project Falcon"]}))
                assert "Project Falcon" in {text for _, text in said.labels}
                assert "Project Falcon" in {text for _, text in hidden.rest}


def _with(value: Any, path: tuple[Any, ...], text: Any) -> Any:
    """A copy of an event with another value at a path."""
    if not path:
        return text
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _with(value[path[0]], path[1:], text)
    return copy
