"""Bodies that no client means to send: values of another sort, pieces missing, bytes broken."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

MARK, MAIL = "Project Falcon", "ann@example.org"
_TEXTS = (
    "hello", "", "0", "[", "{", '{"a": [1, 2]}', '{"a": "\\u0041', "\x00", "\ud83d", "\u202eabc",
    "caf\u00e9 \U0001f600", "a" * 3000, "data:image/png;base64,AAAA", "stream", "true",
    MARK, f"see {MARK}.", MAIL, f"{MAIL} {MARK}", "[EMAIL_1]", "delete_file",
)  # fmt: skip
_KEYS = (
    "text", "type", "id", "content", "role", "name", "arguments", "input", "data", "url", "index",
    "delta", "choices", "logprobs", "token", "tool_calls", "function", "thinking", "signature",
    "transcript", "properties", "output", "item", "response", "error", "model", "stream", "usage",
    "", "\u00e9", MAIL, MARK, "a b",
)  # fmt: skip
_NUMBERS = (0, -1, 1.5, 1e300, 2**70, True, False, None, float("nan"), float("-inf"))
_BYTES = (
    b"\\u0000",
    b"\xff",
    b'"',
    b"{",
    b"}",
    b"[",
    b"\\ud800",
    b",",
    b":",
    b"\\",
    b"\n",
    b"1e999",
)

Path = tuple[Any, ...]


def value(chance: random.Random, depth: int = 0) -> Any:
    """Anything that JSON can hold."""
    kind = chance.random()
    if kind < 0.5 or depth > 3:
        return chance.choice(_TEXTS)
    if kind < 0.65:
        return chance.choice(_NUMBERS)
    if kind < 0.66:
        return nested(chance.choice(({}, [])), chance.randint(50, 90))
    count = chance.randint(0, 3)
    if kind < 0.8:
        return [value(chance, depth + 1) for _ in range(count)]
    return {chance.choice(_KEYS): value(chance, depth + 1) for _ in range(count)}


def nested(inner: Any, depth: int) -> Any:
    """Something within lists and objects."""
    for at in range(depth):
        inner = {"a": inner} if at % 2 else [inner]
    return inner


def paths(body: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of all that is in a body."""
    if path:
        yield path
    steps = body.items() if isinstance(body, dict) else enumerate(body)
    for step, item in steps:
        if isinstance(item, dict | list):
            yield from paths(item, (*path, step))
        else:
            yield (*path, step)


def changed(chance: random.Random, body: Any, keep: tuple[Path, ...] = ()) -> Any:
    """A copy of a body with a few odd changes; what is at the paths `keep` stays."""
    body = copy.deepcopy(body)
    for _ in range(chance.randint(1, 4)):
        found = [path for path in paths(body) if path not in keep]
        if not found:
            break
        path = chance.choice(found)
        holder = body
        for step in path[:-1]:
            holder = holder[step]
        kind = chance.random()
        if kind < 0.6:
            holder[path[-1]] = value(chance)
        elif kind < 0.85 and isinstance(holder, dict):
            holder[chance.choice(_KEYS)] = value(chance)
        else:
            del holder[path[-1]]
    return body


def written(chance: random.Random, body: Any) -> bytes:
    """Its JSON, of which some bytes may be others."""
    text = json.dumps(body, ensure_ascii=chance.random() < 0.5)
    data = text.encode("utf-8", "surrogatepass")
    return broken(chance, data) if chance.random() < 0.2 else data


def broken(chance: random.Random, data: bytes) -> bytes:
    """Bytes of which some are others, missing, or too many."""
    for _ in range(chance.randint(1, 3)):
        at = chance.randint(0, len(data))
        cut = chance.choice((0, 0, 1, 5))
        put = chance.choice((b"", bytes([chance.randrange(256)]), *_BYTES))
        data = data[:at] + put + data[at + cut :]
        if chance.random() < 0.1:
            data = data[:at]
    return data


def shaken(chance: random.Random, events: list[Any]) -> list[Any]:
    """Events of which some are odd, doubled, lost, or in another place."""
    events = list(events)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(events))
        kind = chance.random()
        if kind < 0.7:
            events[at] = changed(chance, events[at])
        elif kind < 0.8:
            events.insert(chance.randint(0, len(events)), events[at])
        elif kind < 0.9 and len(events) > 1:
            del events[at]
        else:
            chance.shuffle(events)
    return events
