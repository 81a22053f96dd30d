"""The pieces of text in an event of a stream, and the texts that they continue.

Every string in an event is text unless the protocol says that it is a name or a number (as
`kt.policy` reads a body). The strings of a delta continue the text of their channel; any other
event is complete in itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from kt.policy.decision.reading.extract import Path, parts

Key: TypeAlias = tuple[Any, ...]

_INDEXES = ("index", "output_index", "content_index", "summary_index", "item_id")
# Not text: a copy of it by token, and padding.
_ASIDE = frozenset({"logprobs", "obfuscation"})
_TOOLS = frozenset({"tool_calls", "function_call", "partial_json"})
_FINISHED = frozenset(
    {"message_delta", "message_stop", "error"}
    | {"response.completed", "response.incomplete", "response.failed"}
)


@dataclass(frozen=True, slots=True)
class EventText:
    """A string of an event. `group` is the choice, block or item that ends as one.

    `tool` is the tool call that the string belongs to, None for plain text. `is_name`: the string
    is the tool's name and not its arguments.
    """

    key: Key
    group: Key
    path: Path
    text: str
    tool: Key | None = None
    is_name: bool = False


def is_delta(body: Mapping[str, Any]) -> bool:
    """True when an event only continues texts."""
    kind = body.get("type")
    if isinstance(kind, str):
        return kind == "content_block_delta" or kind.endswith(".delta")
    return isinstance(body.get("choices"), list)


def pieces(body: Mapping[str, Any]) -> Iterator[EventText]:
    """The strings of a delta."""
    kind = body.get("type")
    for part in parts(body, "assistant"):
        if not part.text or _ASIDE & set(part.path) or part.path in (("object",), ("event",)):
            continue
        if isinstance(kind, str):
            yield _block_piece(body, kind, part.path, part.source)
        elif part.path[:1] == ("choices",):
            yield _choice_piece(body, part.path, part.source)


def _block_piece(body: Mapping[str, Any], kind: str, path: Path, text: str) -> EventText:
    group = tuple(body.get(name) for name in _INDEXES)
    called = "partial_json" in path or kind.endswith("arguments.delta")
    return EventText((kind, group, path), group, path, text, tool=group if called else None)


def _choice_piece(body: Mapping[str, Any], path: Path, text: str) -> EventText:
    choice = body["choices"][path[1]]
    group = (_index(choice, path[1]),)
    if not _TOOLS & set(path):
        return EventText((group, path[2:]), group, path, text)
    call = _call(choice, path)
    return EventText((group, call, path[-1]), group, path, text, (group, call), path[-1] == "name")


def _call(choice: Any, path: Path) -> Any:
    """The number of a string's tool call, which providers send; their order says nothing."""
    if "tool_calls" not in path:
        return "function_call"
    at = path.index("tool_calls") + 1
    value = choice
    for step in path[2 : at + 1]:
        value = value[step]
    return _index(value, path[at])


def _index(value: Any, position: Any) -> Any:
    given = value.get("index") if isinstance(value, Mapping) else None
    return given if isinstance(given, int) else position


def finished(body: Mapping[str, Any]) -> Iterator[Key | None]:
    """The groups that an event ends; None ends all."""
    kind = body.get("type")
    if not isinstance(kind, str):
        for at, choice in enumerate(body.get("choices") or ()):
            if isinstance(choice, Mapping) and choice.get("finish_reason"):
                yield (_index(choice, at),)
    elif kind in _FINISHED:
        yield None
    elif kind == "content_block_stop" or kind.endswith(".done"):
        yield tuple(body.get(name) for name in _INDEXES)


def started_tool(body: Mapping[str, Any]) -> tuple[Key, str] | None:
    """The group and the name of a tool whose arguments follow in further events."""
    block = body.get("content_block") or body.get("item")
    if isinstance(block, Mapping) and isinstance(block.get("name"), str):
        group = {**body, "item_id": block.get("id") if "item" in body else body.get("item_id")}
        return tuple(group.get(name) for name in _INDEXES), block["name"]
    return None
