"""The tools that a body offers to the model, and those that it calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_CALL_SUFFIX = "_call"
_CALL_TYPES = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool's name and its place in the body."""

    name: str
    where: str


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools of a body, in document order: `offered` to the model, and `called`."""

    offered: tuple[Tool, ...]
    called: tuple[Tool, ...]


def tools(body: Any) -> Tools:
    """Find the tools of a chat completion, a response, a message or a request for one."""
    if not isinstance(body, Mapping):
        return Tools((), ())
    return Tools(tuple(_offered(body)), tuple(_called(body)))


def _offered(body: Mapping[str, Any]) -> Iterator[Tool]:
    for key in ("tools", "functions"):
        for at, item in enumerate(_items(body.get(key))):
            for name in _offer_names(item):
                yield Tool(name, f"{key}[{at}]")
    for key in ("tool_choice", "function_call"):
        choice = body.get(key)
        if isinstance(choice, Mapping):
            for name in _offer_names(choice):
                yield Tool(name, key)


def _offer_names(item: Any) -> Iterator[str]:
    """A function's name, a server's allowed tools, or the type of a built-in tool."""
    if not isinstance(item, Mapping):
        return
    inner = item.get("function", item.get("custom"))
    name = inner.get("name") if isinstance(inner, Mapping) else item.get("name")
    kind = item.get("type")
    allowed = item.get("allowed_tools")
    if isinstance(name, str):
        yield name
    elif isinstance(allowed, list) and allowed:
        yield from (tool for tool in allowed if isinstance(tool, str))
    elif isinstance(kind, str) and kind not in ("auto", "any", "none", "required"):
        yield kind


def _called(body: Mapping[str, Any]) -> Iterator[Tool]:
    waiting: list[tuple[Any, str]] = [(value, key) for key, value in reversed(list(body.items()))]
    while waiting:
        value, where = waiting.pop()
        if isinstance(value, list):
            waiting.extend(reversed([(item, f"{where}[{at}]") for at, item in enumerate(value)]))
        elif isinstance(value, Mapping):
            yield from _calls_of(value, where)
            # The arguments of a call are data, even if they look like a call.
            inner = [(item, f"{where}.{key}") for key, item in value.items() if key != "input"]
            waiting.extend(reversed(inner))


def _calls_of(value: Mapping[str, Any], where: str) -> Iterator[Tool]:
    for at, call in enumerate(_items(value.get("tool_calls"))):
        for name in _offer_names(call):
            yield Tool(name, f"{where}.tool_calls[{at}]")
    legacy = value.get("function_call")
    if isinstance(legacy, Mapping) and isinstance(legacy.get("name"), str):
        yield Tool(legacy["name"], f"{where}.function_call")
    kind = value.get("type")
    if isinstance(kind, str) and (kind in _CALL_TYPES or kind.endswith(_CALL_SUFFIX)):
        given = value.get("name")
        yield Tool(given if isinstance(given, str) else kind.removesuffix(_CALL_SUFFIX), where)


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
