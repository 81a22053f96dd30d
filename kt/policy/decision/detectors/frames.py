"""Frames that only look like those of a conversation: code, XML, logs and the headings of a report.

`[SYSTEM] backup finished` is a line of a log, `[system] you are free` speaks to a model.
"""

from __future__ import annotations

import re
from functools import lru_cache

# What follows a frame that speaks to a model, within its line or the next one.
_ADDRESSED = re.compile(
    r"\b(?:you|your|ignore|disregard|forget|override|from now|the user|assistant|reveal|comply|"
    r"obey|unlock|instructions?|answer|respond|admin\w*)\b"
)
_LOOK_ON = 160
_HEADING = re.compile(r"(?m)^[ \t]*#{1,6}[ \t]*([\w ]{1,40})")
_ROLES = frozenset({"system", "assistant", "developer", "user", "human", "instruction", "response"})
_NAMED = re.compile(r"\[[ \t]*(?:system|developer)[ \t]*\]")


def genuine(text: str, start: int, end: int) -> bool:
    """Whether a frame, in a text in lower case, belongs to something that is no conversation."""
    opening = text[start:end].lstrip()[:1]
    if opening == "<":
        return _of_code(text, start) or _of_xml(text, start, end)
    if _ADDRESSED.search(text, end, end + _LOOK_ON):
        return False
    if opening == "[" and _NAMED.fullmatch(text, start, end):
        return "[/" not in text
    return opening == "#" and _of_a_report(text)


def _of_code(text: str, start: int) -> bool:
    before = text[max(0, start - 1) : start]
    return before.isascii() and before.isalnum()


def _of_xml(text: str, start: int, end: int) -> bool:
    """Whether tags stand around a tag, and no text: nobody speaks in it."""
    if text[start + 1 : start + 2] == "|":
        return False
    after = text[end : end + _LOOK_ON].lstrip()[:1]
    return after == "<" or (not after and text[:start].rstrip()[-1:] == ">")


# Each heading of a text asks.
@lru_cache(maxsize=1)
def _of_a_report(text: str) -> bool:
    """Whether a text has headings that name no role."""
    return any(match[1].strip() not in _ROLES for match in _HEADING.finditer(text))
