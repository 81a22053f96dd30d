"""Text of a server as a terminal may see it: nothing in it steers the terminal or hides."""

from __future__ import annotations

import json
import re
from typing import Any

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_IN_JSON = re.compile("[^\n -~]")


def line(text: str) -> str:
    """A text on one line; what is not printable is escaped, as `\\x1b` or `\\n`."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def lines(text: str) -> str:
    """As `line`, with its line breaks and tabs kept."""
    return "".join(char if char in "\n\t" else line(char) for char in text)


def as_json(value: Any, *, indent: int | None = 2) -> str:
    """JSON with the same: escapes that JSON has, and that mean the same to whoever reads it.

    Without `indent` it is on one line.
    """
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return _IN_JSON.sub(lambda found: _in_json(found[0]), text)


def _escaped(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    number = ord(char)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _in_json(char: str) -> str:
    return char if char.isprintable() else json.dumps(char)[1:-1]
