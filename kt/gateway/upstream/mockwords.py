"""The mock's answers in the wire formats of the routes, whole and as streams.

Deterministic: the same request gets the same bytes.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from kt.gateway.upstream.mockscript import Line

CREATED = 1_700_000_000
DIMENSIONS = 8
Event = tuple[str, dict[str, Any]]


def asked(body: dict[str, Any]) -> str:
    """The text of the last message or input, which the script is matched with."""
    items = body.get("messages") or body.get("input") or body.get("prompt") or ""
    last = items[-1] if isinstance(items, list) and items else items
    content = last.get("content") if isinstance(last, dict) else last
    return _text(content)


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(_text(item.get("text")) for item in content if isinstance(item, dict))
    return content if isinstance(content, str) else ""


def whole(path: str, body: dict[str, Any], line: Line) -> dict[str, Any]:
    """The answer of a route in one piece."""
    match path:
        case "/v1/embeddings":
            return _embeddings(body)
        case "/v1/messages":
            return _message(body, line)
        case "/v1/messages/count_tokens":
            return {"input_tokens": _tokens(asked(body))}
        case "/v1/responses":
            return _response(body, line, "completed")
        case "/v1/completions":
            return _text_completion(body, line)
        case "/v1/moderations":
            return _moderation(body)
        case _:
            return _completion(body, line)


def stream(path: str, body: dict[str, Any], line: Line) -> Iterator[bytes]:
    """The answer of a route as server-sent events."""
    if path == "/v1/messages":
        events = _message_events(body, line)
    elif path == "/v1/responses":
        events = _response_events(body, line)
    elif path == "/v1/completions":
        yield from _text_events(body, line)
        return
    else:
        yield from _completion_events(body, line)
        return
    for name, event in events:
        yield f"event: {name}\ndata: ".encode() + _encode({"type": name, **event}) + b"\n\n"


def _encode(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _id(prefix: str, body: dict[str, Any]) -> str:
    return prefix + sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:24]


def _tokens(text: str) -> int:
    return max(1, len(text) // 4)


def _pieces(text: str, line: Line) -> Iterator[str]:
    for at in range(0, len(text), line.chunk_characters):
        yield text[at : at + line.chunk_characters]


def _arguments(line: Line) -> str:
    given = (line.tool or {}).get("arguments", {})
    return given if isinstance(given, str) else json.dumps(given)


def _completion(body: dict[str, Any], line: Line) -> dict[str, Any]:
    text = line.spoken(asked(body))
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if line.tool:
        function = {"name": line.tool["name"], "arguments": _arguments(line)}
        call = {"id": _id("call_", body), "type": "function", "function": function}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
    spent, made = _tokens(asked(body)), _tokens(text)
    return {
        **_completion_head(body, "chat.completion"),
        "choices": [{"index": 0, "message": message, "finish_reason": _finish(line)}],
        "usage": {"prompt_tokens": spent, "completion_tokens": made, "total_tokens": spent + made},
    }


def _completion_head(body: dict[str, Any], kind: str) -> dict[str, Any]:
    head = {"id": _id("chatcmpl-", body), "object": kind, "created": CREATED}
    return {**head, "model": body["model"]}


def _finish(line: Line) -> str:
    return "tool_calls" if line.tool else "stop"


def _completion_events(body: dict[str, Any], line: Line) -> Iterator[bytes]:
    head = _completion_head(body, "chat.completion.chunk")
    for delta, finish in (*_completion_deltas(body, line), ({}, _finish(line))):
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        yield b"data: " + _encode({**head, "choices": [choice]}) + b"\n\n"
    if (body.get("stream_options") or {}).get("include_usage"):
        usage = _completion(body, line)["usage"]
        yield b"data: " + _encode({**head, "choices": [], "usage": usage}) + b"\n\n"
    yield b"data: [DONE]\n\n"


def _completion_deltas(
    body: dict[str, Any], line: Line
) -> Iterator[tuple[dict[str, Any], str | None]]:
    if not line.tool:
        yield {"role": "assistant", "content": ""}, None
        for piece in _pieces(line.spoken(asked(body)), line):
            yield {"content": piece}, None
        return
    function = {"name": line.tool["name"], "arguments": ""}
    call = {"index": 0, "id": _id("call_", body), "type": "function", "function": function}
    yield {"role": "assistant", "content": None, "tool_calls": [call]}, None
    for piece in _pieces(_arguments(line), line):
        yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}, None


def _text_completion(body: dict[str, Any], line: Line) -> dict[str, Any]:
    text = line.spoken(asked(body))
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": "stop"}
    usage = _completion(body, line)["usage"]
    return {**_completion_head(body, "text_completion"), "choices": [choice], "usage": usage}


def _text_events(body: dict[str, Any], line: Line) -> Iterator[bytes]:
    head = _completion_head(body, "text_completion")
    said = [(piece, None) for piece in _pieces(line.spoken(asked(body)), line)]
    for piece, finish in (*said, ("", "stop")):
        choice = {"index": 0, "text": piece, "logprobs": None, "finish_reason": finish}
        yield b"data: " + _encode({**head, "choices": [choice]}) + b"\n\n"
    yield b"data: [DONE]\n\n"


def _moderation(body: dict[str, Any]) -> dict[str, Any]:
    """Nothing is flagged: each input has a result, and a list of texts has several."""
    given = body.get("input")
    several = isinstance(given, list) and all(isinstance(one, str) for one in given)
    result: dict[str, Any] = {"flagged": False, "categories": {}, "category_scores": {}}
    count = len(given) if several and given else 1
    return {"id": _id("modr-", body), "model": body.get("model", ""), "results": [result] * count}


def _message(body: dict[str, Any], line: Line) -> dict[str, Any]:
    text = line.spoken(asked(body))
    block: dict[str, Any] = {"type": "text", "text": text}
    if line.tool:
        given = json.loads(_arguments(line))
        block = {"type": "tool_use", "id": _id("toolu_", body), "name": line.tool["name"]}
        block["input"] = given
    return {
        "id": _id("msg_", body),
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [block],
        "stop_reason": "tool_use" if line.tool else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": _tokens(asked(body)), "output_tokens": _tokens(text)},
    }


def _message_events(body: dict[str, Any], line: Line) -> Iterator[Event]:
    message = _message(body, line)
    block = message["content"][0]
    kind, key, text = "text_delta", "text", block.get("text", "")
    empty: dict[str, Any] = {**block, "text": ""}
    if line.tool:
        kind, key, text = "input_json_delta", "partial_json", json.dumps(block["input"])
        empty = {**block, "input": {}}
    open_message = {**message, "content": [], "stop_reason": None}
    yield "message_start", {"message": open_message}
    yield "content_block_start", {"index": 0, "content_block": empty}
    for piece in _pieces(text, line):
        yield "content_block_delta", {"index": 0, "delta": {"type": kind, key: piece}}
    yield "content_block_stop", {"index": 0}
    ended = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield "message_delta", {"delta": ended, "usage": message["usage"]}
    yield "message_stop", {}


def _response(body: dict[str, Any], line: Line, status: str) -> dict[str, Any]:
    text = line.spoken(asked(body))
    spent, made = _tokens(asked(body)), _tokens(text)
    done = status == "completed"
    return {
        "id": _id("resp_", body),
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "model": body["model"],
        "output": [_item(body, line, status)] if done else [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {"input_tokens": spent, "output_tokens": made, "total_tokens": spent + made}
        if done
        else None,
    }


def _item(body: dict[str, Any], line: Line, status: str) -> dict[str, Any]:
    done = status == "completed"
    if line.tool:
        made = {"name": line.tool["name"], "arguments": _arguments(line) if done else ""}
        call = {"id": _id("fc_", body), "call_id": _id("call_", body), "type": "function_call"}
        return {**call, "status": status, **made}
    content = [_part(line.spoken(asked(body)))] if done else []
    head = {"id": _id("item_", body), "type": "message", "role": "assistant"}
    return {**head, "status": status, "content": content}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}


def _response_events(body: dict[str, Any], line: Line) -> Iterator[Event]:
    number = iter(range(1_000_000))
    for name, event in _response_steps(body, line):
        yield name, {**event, "sequence_number": next(number)}


def _response_steps(body: dict[str, Any], line: Line) -> Iterator[Event]:
    item = _item(body, line, "completed")
    yield "response.created", {"response": _response(body, line, "in_progress")}
    added = {"output_index": 0, "item": _item(body, line, "in_progress")}
    yield "response.output_item.added", added
    place = {"item_id": item["id"], "output_index": 0}
    if line.tool:
        stem, text, closed = "response.function_call_arguments", item["arguments"], "arguments"
    else:
        place["content_index"] = 0
        stem, text, closed = "response.output_text", line.spoken(asked(body)), "text"
        yield "response.content_part.added", {**place, "part": _part("")}
    for piece in _pieces(text, line):
        yield f"{stem}.delta", {**place, "delta": piece}
    yield f"{stem}.done", {**place, closed: text}
    if not line.tool:
        yield "response.content_part.done", {**place, "part": _part(text)}
    yield "response.output_item.done", {"output_index": 0, "item": item}
    yield "response.completed", {"response": _response(body, line, "completed")}


def _embeddings(body: dict[str, Any]) -> dict[str, Any]:
    given = body.get("input", "")
    texts = given if isinstance(given, list) else [given]
    packed = body.get("encoding_format") == "base64"
    spent = sum(_tokens(str(text)) for text in texts)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": at, "embedding": _vector(str(text), packed=packed)}
            for at, text in enumerate(texts)
        ],
        "model": body["model"],
        "usage": {"prompt_tokens": spent, "total_tokens": spent},
    }


def _vector(text: str, *, packed: bool) -> list[float] | str:
    digest = sha256(text.encode("utf-8", "replace")).digest()
    numbers = [byte / 255 - 0.5 for byte in digest[:DIMENSIONS]]
    if packed:
        return base64.b64encode(struct.pack(f"<{DIMENSIONS}f", *numbers)).decode()
    return numbers
