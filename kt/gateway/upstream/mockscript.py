"""The mock's script, which gives its answers; without one it echoes.

A script is a JSON list. The first entry whose `contains` is in the last message of the request
answers; one without `contains` matches always. If none matches, the mock echoes.

    [{"contains": "weather", "text": "Rain."},
     {"contains": "tool", "tool": {"name": "search", "arguments": {"q": "x"}}},
     {"contains": "fail", "status": 503, "delay_ms": 50}]
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

_TYPES: dict[str, type] = {
    "contains": str,
    "text": str,
    "tool": dict,
    "status": int,
    "delay_ms": int,
    "chunk_delay_ms": int,
    "chunk_characters": int,
}


class ScriptError(Exception):
    """A script that is not valid."""


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of the script: an answer and how to give it. `text` None is the echo."""

    contains: str = ""
    text: str | None = None
    tool: dict[str, Any] | None = None
    status: int = 200
    delay_ms: int = 0
    chunk_delay_ms: int = 0
    chunk_characters: int = 12

    def spoken(self, asked: str) -> str:
        """The answer's text."""
        return f"Mock answer to: {asked}" if self.text is None else self.text


ECHO = Line()


def parse_script(data: bytes) -> tuple[Line, ...]:
    """Read a script.

    Raises:
        ScriptError: not a JSON list of entries with the known keys.
    """
    try:
        entries = json.loads(data)
    except ValueError as exc:
        raise ScriptError(f"the mock's script is not JSON: {exc}") from exc
    if not isinstance(entries, list):
        raise ScriptError("the mock's script is not a list")
    return tuple(_line(entry) for entry in entries)


def _line(entry: Any) -> Line:
    if not isinstance(entry, dict):
        raise ScriptError("an entry of the mock's script is not an object")
    for key, value in entry.items():
        if key not in _TYPES or type(value) is not _TYPES[key]:
            keys = ", ".join(field.name for field in fields(Line))
            raise ScriptError(
                f"the mock's script has a wrong key or value: {key!r}; keys are {keys}"
            )
    line = Line(**entry)
    if line.tool is not None and not isinstance(line.tool.get("name"), str):
        raise ScriptError("a tool of the mock's script has no name")
    if line.chunk_characters < 1 or not 200 <= line.status <= 599:
        raise ScriptError("chunk_characters must be at least 1, status from 200 to 599")
    return line


def choose(script: tuple[Line, ...], asked: str) -> Line:
    """The first entry that matches a message, or the echo."""
    return next((line for line in script if line.contains in asked), ECHO)
