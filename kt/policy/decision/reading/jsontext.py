"""Text inside JSON: the characters behind its escapes, and the way back to them.

`"arguments": "{\\"q\\": \\"\\\\u0069gnore\\"}"` says `ignore` to whoever parses it.
Matchers read the text with its escapes undone; the map leads back to the
escaped text, so that the rest of it stays as it was written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from kt.policy.decision.reading.jsonscan import cut_off

_SHORT = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_BEGUN = re.compile(r"\\(?:u[0-9A-Fa-f]{0,3})?\Z")
_LONGEST_BEGUN = len("\\u000")
_HIGH, _LOW, _END = 0xD800, 0xDC00, 0xE000


def container(text: str) -> bool:
    """True when the text is a JSON object or array, or the beginning of one.

    An answer that reached its limit of tokens ends in the middle, and is parsed all the same.
    """
    return text.lstrip().startswith(("{", "[")) and (whole(text) or cut_off(text))


def whole(text: str) -> bool:
    """True when the text is JSON from its beginning to its end."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def begins_with_escapes(text: str) -> bool:
    """True when a text is the beginning of JSON up to its first backslash, which is in a string.

    What comes after it changes nothing, so that a text that comes in pieces is read alike.
    """
    return text.lstrip().startswith(("{", "[")) and cut_off(text[: text.find("\\") + 1])


def unfinished(text: str) -> int:
    """The number of characters at the end of a text that are the beginning of an escape."""
    begun = _BEGUN.search(text, max(0, len(text) - _LONGEST_BEGUN))
    at = begun.start() if begun else len(text)
    slashes = at + 1 - len(text[: at + 1].rstrip("\\"))
    return len(text) - at if slashes % 2 else 0


def dump(value: Any) -> str:
    """The JSON text of a value, with no escapes but the needed ones."""
    return json.dumps(value, ensure_ascii=False)


def unescaped(text: str) -> tuple[str, tuple[int, ...] | None]:
    """The text without JSON escapes, and the offset in `text` of each of its characters.

    The offsets have one entry more than the result, the end; None when
    nothing was escaped.
    """
    if "\\" not in text:
        return text, None
    pieces: list[str] = []
    offsets: list[int] = []
    at = 0
    while at < len(text):
        mark = text.find("\\", at)
        stop = mark if mark >= 0 else len(text)
        pieces.append(text[at:stop])
        offsets.extend(range(at, stop))
        at = stop
        if mark >= 0:
            sign, length = _escape(text, mark)
            pieces.append(sign)
            offsets.append(mark)
            at += length
    return "".join(pieces), (*offsets, len(text))


def _escape(text: str, at: int) -> tuple[str, int]:
    """The character that the escape at `at` stands for, and the escape's length."""
    unit = _unit(text, at)
    if unit is None:
        sign = text[at + 1 : at + 2] or "\\"
        return _SHORT.get(sign, sign), min(2, len(text) - at)
    low = _unit(text, at + 6)
    if _HIGH <= unit < _LOW and low is not None and _LOW <= low < _END:
        return chr(0x10000 + (unit - _HIGH) * 0x400 + low - _LOW), 12
    return chr(unit), 6


def _unit(text: str, at: int) -> int | None:
    digits = text[at + 2 : at + 6]
    if text[at : at + 2] != "\\u" or len(digits) != 4:
        return None
    try:
        return int(digits, 16)
    except ValueError:
        return None


def in_strings(text: str, positions: Sequence[int]) -> list[bool]:
    """For each position of a JSON text, True inside a string; the positions must ascend."""
    flags: list[bool] = []
    inside = False
    at = 0
    for position in positions:
        while at < position:
            if inside and text[at] == "\\":
                at += 1
            elif text[at] == '"':
                inside = not inside
            at += 1
        flags.append(inside)
    return flags
