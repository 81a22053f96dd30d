"""Comments of a YAML text, which no parser gives."""

from __future__ import annotations

import re
from itertools import islice

import yaml

from kt.lazy import TYPE_CHECKING
from kt.policy.frozen import Frozen

if TYPE_CHECKING:
    from typing import Any

MAX_COMMENTS = 500

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_PRIVATE = range(0xE000, 0xF8FF)


class Comment(Frozen):
    """A comment from its `#` on: `text` is what follows its beginning, to the end of the line.

    `about` is the line that it is about: its own, or for a comment that has a line to itself the
    next one that holds more than a comment. All are 1-based and count as the parser does.
    """

    __slots__ = ("about", "column", "line", "text")

    def __init__(self, text: str, line: int, column: int, about: int) -> None:
        self.text = text
        self.line = line
        self.column = column
        self.about = about


def comments(text: str, beginning: str) -> list[Comment]:
    """The comments of a text that parses, 500 at most, that begin as an expression says.

    What stands in a value, quoted or in a block, is none: each beginning is replaced by marks
    that the text has not, and those that the parser then gives as part of a value are left out.
    """
    lines = _LINE_END.split(text)
    begins = re.compile(rf"(?<!\S){beginning}")
    places = (
        (number, found) for number, line in enumerate(lines) for found in begins.finditer(line)
    )
    found = list(islice(places, MAX_COMMENTS))
    mark = next((chr(code) for code in _PRIVATE if chr(code) not in text), None)
    if not found or mark is None:
        return []
    in_values, below = _marked(_with_marks(lines, found, mark), mark), _lines_below(lines)
    told = []
    for index, (number, match) in enumerate(found):
        if index not in in_values:
            has_line = not lines[number][: match.start()].strip()
            about = below[number] if has_line else number + 1
            rest = lines[number][match.end() :]
            told.append(Comment(rest, number + 1, match.start() + 1, about))
    return told


def _with_marks(lines: list[str], found: list[tuple[int, re.Match[str]]], mark: str) -> str:
    marked = list(lines)
    for index, (number, match) in reversed(list(enumerate(found))):
        line = marked[number]
        sign = f"#{mark}{chr(_PRIVATE[index])}"
        marked[number] = line[: match.start()] + sign + line[match.end() :]
    return "\n".join(marked)


def _marked(text: str, mark: str) -> set[int]:
    """The numbers of the marks that are in values."""
    numbers: set[int] = set()
    parser = _Parser(text.encode())
    while (event := parser.get_event()) is not None:
        if isinstance(event, yaml.ScalarEvent) and mark in event.value:
            numbers.update(ord(one) - _PRIVATE[0] for one in re.findall(f"{mark}(.)", event.value))
    return numbers


def _lines_below(lines: list[str]) -> list[int]:
    """For each line the number of the next that holds more than a comment, or its own."""
    numbers, below = [], 0
    for number in range(len(lines), 0, -1):
        numbers.append(below or number)
        told = lines[number - 1].strip()
        if told and not told.startswith("#"):
            below = number
    return numbers[::-1]
