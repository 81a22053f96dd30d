"""Streams made by chance: a text at each line of each protocol's table, in any pieces."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from typing import Any

from kt.gateway.errors import PolicyViolationError, UpstreamError
from kt.gateway.stream import protocols
from kt.gateway.stream.guard import Guard
from kt.gateway.stream.protocols import Protocol, Role, TableLine, protocol_of
from kt.gateway.stream.sse import Splitter
from tests.kt.gateway.stream.secrets import SECRETS
from tests.kt.gateway.stream.streams import MARK, MESSAGES, RESPONSES, Policy, judge
from tests.kt.gateway.support import CHAT

COMPLETIONS = "/v1/completions"
TABLES: dict[str, Protocol] = {
    CHAT: protocols.CHAT,
    COMPLETIONS: protocols.COMPLETIONS,
    MESSAGES: protocols.MESSAGES,
    RESPONSES: protocols.RESPONSES,
}
LINES = [(route, line) for route, table in TABLES.items() for line in table.lines]
SPOKEN = [
    (route, line) for route, line in LINES if line.role in (Role.TEXT, Role.ARGUMENTS, Role.INPUT)
]

Event = dict[str, Any]
Path = tuple[Any, ...]

_PLAIN = "the garden and roof were fine on Tuesday so we met it's me@ (ok) 100% 12 3.5 2026 a_b x-y"
_ODD = 'C:\\new "said" é 😀 日本語 &amp; {x} [y] <b> - * # | @ https://x.test/a?b=c&d=e'
_WORDS = [*_PLAIN.split(), *_ODD.split()]
# The term, as a reader may see it.
MARKED = (
    MARK,
    MARK.upper(),
    "Project  Falcon",
    "Project\nFalcon",
    "**Project Falcon**",
    "P\u0433oject Falcon",
    "Project\u00a0Falcon",
    "Pro\u200bject Falcon",
)
_SMALL = (
    "ann.b+x@mail.example.org", "ann\u200b@example.org", "ann at example dot org",
    f"{'a' * 60}@{'b' * 60}.example.org", "123-45-6789", "4111111111111111", "4111 1111 1111 1111",
    "4111-1111-1111-1111", "+1 (415) 555-2671", "415-555-2671", "+49 30 901820", "192.168.17.203",
    "2001:db8::ff00:42:8329", "DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19",
    "AKIAIOSFODNN7ABCDEFG", "TCK-1234567", "Bearer Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9v",
    "password: hunter2secret",
)  # fmt: skip
_BEGUN = (
    "ann@exam", "4111 1111 11", "-----BEGIN PRIVATE KEY-----", "eyJhbGciOi", "Project", "TCK-12",
    "ghp_a1B2", "\ud83d", "[", "{", '{"a": "ann@example.org"', "\\u0061nn@example.org", "\\",
)  # fmt: skip
_HALF = re.compile("[\ud800-\udfff]")
_TYPES = {
    "*.delta": "response.output_text.delta",
    "*arguments.delta": "response.function_call_arguments.delta",
}
# Where a text goes on whose first piece stands elsewhere.
_GOES_ON = {
    ("content_block_start", "content_block.text"): ("content_block_delta", "delta.text"),
    ("content_block_start", "content_block.thinking"): ("content_block_delta", "delta.thinking"),
    ("response.content_part.added", "part.text"): ("*.delta", "delta"),
    ("response.content_part.added", "part.refusal"): ("*.delta", "delta"),
    ("response.reasoning_summary_part.added", "part.text"): ("*.delta", "delta"),
}
_ITEM = {"item_id": "i", "output_index": 0, "content_index": 0}
_BESIDES: dict[str, list[Event]] = {
    CHAT: [
        {"id": "c", "choices": [], "usage": {"total_tokens": 3}},
        {"choices": [{"index": 1, "delta": {"content": "well "}}]},
        {"choices": [{"index": 1, "delta": {"reasoning": "so "}}], "provider": "a-b"},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": None}]},
    ],
    COMPLETIONS: [{"choices": [{"index": 1, "text": "well "}]}],
    MESSAGES: [
        {"type": "ping"},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "so "}},
        {"type": "content_block_delta", "index": 2, "delta": {"thinking": "well "}},
        {"type": "of_tomorrow", "says": ["so", {"it": "well"}]},
    ],
    RESPONSES: [
        {"type": "response.in_progress", "response": {"id": "r", "status": "in_progress"}},
        {"type": "response.output_text.delta", **_ITEM, "output_index": 1, "delta": "well "},
        {"type": "response.refusal.delta", **_ITEM, "content_index": 1, "delta": "so "},
    ],
}
_ENDS: dict[str, list[Event]] = {
    CHAT: [{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}],
    COMPLETIONS: [{"choices": [{"index": 0, "text": "", "finish_reason": "stop"}]}],
    MESSAGES: [
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}},
        {"type": "message_stop"},
    ],
    RESPONSES: [
        {"type": "response.output_text.done", **_ITEM},
        {"type": "response.completed", "response": {"id": "r", "output": []}},
    ],
}


def prose(chance: random.Random, most: int = 60) -> str:
    """Words in which nothing is to be found."""
    return " ".join(chance.choice(_WORDS) for _ in range(chance.randint(0, most)))


def pieces(chance: random.Random, text: str) -> list[str]:
    """A text in pieces of any sizes, but no more than some hundred."""
    least = len(text) // 400
    sizes = chance.choice(([1], [1, 2, 3], [4, 5, 8], [1, 40], [500], [len(text) or 1]))
    found = []
    at = 0
    while at < len(text):
        size = max(least, chance.choice(sizes))
        found.append(text[at : at + size])
        at += size
    return found


def dumped(chance: random.Random, value: Any) -> str:
    """JSON, as one of many writers writes it."""
    separators = chance.choice(((",", ":"), (", ", ": "), (" ,", " : ")))
    text = json.dumps(value, ensure_ascii=False, separators=separators)
    # Half an emoji has no UTF-8.
    halves = _HALF.search(text) is not None
    if halves or chance.random() < 0.5:
        text = json.dumps(value, separators=separators)
    return text


_DOUBLINGS = 10


def text_with_secrets(chance: random.Random) -> str:
    """A text with a few things to cut out, beginnings of some, and now and then a long one."""
    words = prose(chance, chance.choice((3, 20, 100, 400))).split(" ")
    for _ in range(chance.randint(1, 4)):
        words.insert(chance.randint(0, len(words)), _secret(chance))
    text = chance.choice((" ", " ", "\n", ", ", "")).join(words)
    kind = chance.random()
    if kind < 0.05:
        return dumped(chance, [text, {"b": dumped(chance, {"q": text})}])
    if kind < 0.15:
        text = dumped(chance, {"q": text, "z": 3})
        cut = chance.randint(1, len(text))
        lost = chance.choice((0, 1, 5, len(text)))
        return text if kind < 0.1 else text[:cut] + text[cut + lost :]
    return text


def _secret(chance: random.Random) -> str:
    if chance.random() < 0.05:
        # From 64 to 65,000 characters, of each magnitude alike.
        return chance.choice(SECRETS)(chance, int(64 * 1.998 ** chance.uniform(0, _DOUBLINGS)))
    return chance.choice((*_SMALL, *MARKED, *_BEGUN))


def place(route: str, line: TableLine, value: Any, within: Path = ()) -> Event:
    """An event with a value at the place of a line."""
    event: Event = {}
    if TABLES[route].typed:
        besides = _ITEM if route == RESPONSES else {"index": 0}
        event = {"type": _TYPES.get(line.event, line.event) or "of_tomorrow", **besides}
    *steps, last = [*within, *line.path.removeprefix("**.").split(".")]
    holder: Any = event
    for step, after in zip(steps, [*steps[1:], last], strict=False):
        inner: Any = [] if after == "#" else {}
        if step == "#":
            if isinstance(inner, dict):
                inner["index"] = 0
            holder.append(inner)
        else:
            holder[step] = inner
        holder = inner
    if last == "#":
        holder.append(value)
    else:
        holder["another" if last == "*" else last] = value
    return event


def spoken(chance: random.Random, route: str, line: TableLine, text: str) -> list[Event]:
    """The events of a text that goes on, or of a call's arguments that are `text`."""
    after = next(
        (one for _, one in LINES if (one.event, one.path) == _GOES_ON.get((line.event, line.path))),
        line,
    )
    cut = pieces(chance, text)
    events = [place(route, line if at == 0 else after, one) for at, one in enumerate(cut)]
    return events if line.role is Role.TEXT else [*_begun(route, line), *events]


def _begun(route: str, line: TableLine) -> list[Event]:
    """The event that begins the call whose arguments a line holds."""
    name = {
        CHAT: line.path.rpartition(".")[0] + ".name",
        MESSAGES: "content_block.name",
        RESPONSES: "item.name",
    }[route]
    where = next(one for at, one in LINES if (at, one.path) == (route, name))
    return [place(route, where, "save")]


def named(chance: random.Random, route: str, line: TableLine, name: str) -> list[Event]:
    """The events of a call of a tool with a name."""
    cut = [name] if TABLES[route].typed else pieces(chance, name)
    return [place(route, line, one) for one in cut]


def alone(chance: random.Random, route: str, line: TableLine, text: str) -> list[Event]:
    """The event of a string that does not go on."""
    inside: list[Path] = [("message",), ("response", "output", "#"), ("a", "b")]
    within = chance.choice(inside) if line.path.startswith("**") else ()
    return [place(route, line, text, within)]


def ended(chance: random.Random, route: str, events: list[Event]) -> list[Event]:
    """A stream of these events, with others in between, and with its end."""
    found = []
    for event in events:
        if chance.random() < 0.1:
            found.append(chance.choice(_BESIDES[route]))
        found.append(event)
    return found + _ENDS[route]


def written(chance: random.Random, events: list[Event]) -> bytes:
    """The bytes of a stream, as one of many servers writes them."""
    end = chance.choice(("\n", "\n", "\r\n", "\r"))
    is_named = chance.random() < 0.5
    lines = []
    for event in events:
        if chance.random() < 0.04:
            lines.append(
                chance.choice((": keep", "id: 7", "retry: 300", "data:", "data")) + end * 2
            )
        if is_named and isinstance(event.get("type"), str):
            lines.append(f"event: {event['type']}{end}")
        lines.append(f"data:{chance.choice(('', ' '))}{dumped(chance, event)}{end}{end}")
    return "".join([*lines, chance.choice(("", f"data: [DONE]{end}{end}"))]).encode(
        "utf-8", "replace"
    )


def guarded(chance: random.Random, route: str, data: bytes, policy: Policy) -> tuple[bytes, str]:
    """The bytes that a client sees, however the network cuts them, and what stopped the stream."""
    guard = Guard(judge(policy), protocol_of(route))
    splitter = Splitter(1 << 24)
    # No more than some hundred pieces.
    size = max(chance.choice((7, 300, 5_000, 1 << 20)), len(data) // 400)
    seen = b""
    try:
        for at in range(0, len(data), size):
            seen += guard.feed(splitter.feed(data[at : at + size]))
            if chance.random() < 0.3:
                seen += guard.flush()
        seen += guard.feed(splitter.rest()) + guard.finish()
    except (PolicyViolationError, UpstreamError) as exc:
        return seen, str(exc.details.get("reason_code") or exc.code)
    return seen, ""


def events_of(data: bytes) -> list[Any]:
    """The JSON of the events in some bytes, read by the rules of event streams."""
    text = data.decode("utf-8", "surrogatepass").replace("\r\n", "\n").replace("\r", "\n")
    found = []
    for event in text.split("\n\n"):
        lines = [line[5:].removeprefix(" ") for line in event.split("\n") if line[:5] == "data:"]
        said = "\n".join(lines)
        if said and said != "[DONE]":
            found.append(json.loads(said))
    return found


def joined(events: list[Any]) -> dict[Path, str]:
    """All strings of a stream, those at one path of one choice, block or item as one text."""
    found: dict[Path, str] = {}
    for event in events:
        own = _own(event)
        for path, text in _strings(event, own):
            found[path] = found.get(path, "") + text
    return found


def _own(event: Event) -> Path:
    return event.get("index"), event.get("output_index"), event.get("content_index")


def _strings(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield (*path, "key"), key
            yield from _strings(item, (*path, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            step = item.get("index", at) if isinstance(item, dict) else at
            yield from _strings(item, (*path, step))


_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\(.)", re.DOTALL)


def plain(text: str) -> str:
    """A text as a reader sees it, in lower case: without escapes, blanks and look-alikes."""
    text = _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else " ", text)
    text = text.replace("\u0433", "r").replace("\u200b", "").replace("\u00a0", " ")
    return " ".join(text.split()).lower()


def at_place(event: Any, route: str, line: TableLine) -> list[str]:
    """The strings at the place of a line, and at the one where its text goes on."""
    paths = {line.path, _GOES_ON.get((line.event, line.path), ("", line.path))[1]}
    own = _own(event)
    kinds = {line.event, _TYPES.get(line.event), _GOES_ON.get((line.event, line.path), [""])[0]}
    kinds |= {_TYPES.get(one, one) for one in list(kinds) if one}
    if TABLES[route].typed and (
        event.get("type") not in kinds or own != _own(place(route, line, ""))
    ):
        return []
    wanted = [[*own, *_steps(path)] for path in paths]
    return [text for path, text in _strings(event, own) if list(path) in wanted]


def _steps(path: str) -> list[Any]:
    return [0 if step == "#" else "another" if step == "*" else step for step in path.split(".")]
