"""A reader for RE2 patterns: the tree that widths and loosened forms need.

RE2 gives no syntax tree to Python. This reads as much as is needed: single
characters, repetitions with their counts, sequences and alternatives. It
expects a pattern that `re2.compile` has accepted and is no validator.

Source: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Atom:
    """An expression for exactly one character: a literal, a class, an escape."""

    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """An expression that takes no character: an anchor, a boundary, a flag."""

    text: str


@dataclass(frozen=True, slots=True)
class Concatenation:
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alternation:
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A group. `head` is the opening as written: `(`, `(?:`, `(?i:` or `(?P<name>`."""

    head: str
    body: Node


@dataclass(frozen=True, slots=True)
class Repeat:
    """A repetition. `most` is None without an upper bound; `tail` is `?` when it is lazy."""

    body: Node
    least: int
    most: int | None
    tail: str


Node: TypeAlias = Atom | Mark | Concatenation | Alternation | Group | Repeat

_COUNTS = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_ZERO_WIDTH = frozenset("AzbB")
_OPENINGS = ("(?P<", "(?<")


def parse(pattern: str) -> Node:
    """Read a pattern that RE2 accepts into its tree."""
    return _Reader(pattern).choice()


def render(node: Node) -> str:
    """Write a tree back; `render(parse(p))` matches what `p` matches."""
    match node:
        case Atom(text) | Mark(text):
            return text
        case Concatenation(items):
            return "".join(map(render, items))
        case Alternation(items):
            return "|".join(map(render, items))
        case Group(head, body):
            return f"{head}{render(body)})"
        case Repeat(body, least, most, tail):
            return f"{render(body)}{_quantifier(least, most)}{tail}"


def widest(node: Node) -> int | None:
    """The length of the longest text that a tree matches; None when there is no longest."""
    match node:
        case Atom():
            return 1
        case Mark():
            return 0
        case Concatenation(items) | Alternation(items):
            widths = [widest(item) for item in items]
            if None in widths:
                return None
            known = [width for width in widths if width is not None]
            return sum(known) if isinstance(node, Concatenation) else max(known, default=0)
        case Group(_, body):
            return widest(body)
        case Repeat(body, _, most, _):
            width = widest(body)
            return 0 if width == 0 else None if width is None or most is None else width * most


def _quantifier(least: int, most: int | None) -> str:
    for sign, counts in _COUNTS.items():
        if counts == (least, most):
            return sign
    if least == most:
        return f"{{{least}}}"
    return f"{{{least},{'' if most is None else most}}}"


class _Reader:
    """A cursor over the pattern; each method consumes what it names."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def choice(self) -> Node:
        items = [self.sequence()]
        while self.peek("|"):
            self.at += 1
            items.append(self.sequence())
        return items[0] if len(items) == 1 else Alternation(tuple(items))

    def sequence(self) -> Node:
        items: list[Node] = []
        while self.at < len(self.pattern) and not self.peek("|") and not self.peek(")"):
            if self.peek("\\Q"):
                items.extend(self.quoted())
            else:
                items.append(self.repeated(self.single()))
        return items[0] if len(items) == 1 else Concatenation(tuple(items))

    def single(self) -> Node:
        sign = self.pattern[self.at]
        if sign == "(":
            return self.group()
        if sign == "[":
            return Atom(self.take(self.class_end()))
        if sign == "\\":
            return self.escape()
        return Mark(self.take(1)) if sign in "^$" else Atom(self.take(1))

    def repeated(self, body: Node) -> Node:
        """Attach every quantifier that follows; RE2 allows none on a quantifier but lazy `?`."""
        counts = self.counts()
        if counts is None:
            return body
        tail = self.take(1) if self.peek("?") else ""
        return Repeat(body, *counts, tail)

    def counts(self) -> tuple[int, int | None] | None:
        if self.at < len(self.pattern) and self.pattern[self.at] in _COUNTS:
            return _COUNTS[self.take(1)]
        end = self.pattern.find("}", self.at)
        if not self.peek("{") or end < 0:
            return None
        least, comma, most = self.pattern[self.at + 1 : end].partition(",")
        # `x{,3}` and `x{y}` are plain text to RE2.
        if not least.isdecimal() or not (most == "" or most.isdecimal()):
            return None
        self.at = end + 1
        if not comma:
            return int(least), int(least)
        return int(least), int(most) if most else None

    def group(self) -> Node:
        head = self.head()
        if head.endswith(")"):
            return Mark(head)
        body = self.choice()
        self.at += 1
        return Group(head, body)

    def head(self) -> str:
        if not self.peek("(?"):
            return self.take(1)
        if self.pattern.startswith(_OPENINGS, self.at):
            return self.take(self.pattern.index(">", self.at) + 1 - self.at)
        end = self.at + 2
        while self.pattern[end] not in ":)":
            end += 1
        return self.take(end + 1 - self.at)

    def escape(self) -> Node:
        sign = self.pattern[self.at + 1]
        if sign in _ZERO_WIDTH:
            return Mark(self.take(2))
        if sign in "pPx" and self.pattern[self.at + 2 : self.at + 3] == "{":
            return Atom(self.take(self.pattern.index("}", self.at) + 1 - self.at))
        if sign in "pP":
            return Atom(self.take(3))
        if sign == "x":
            return Atom(self.take(4))
        return Atom(self.take(2 + self.octals()))

    def octals(self) -> int:
        """The number of digits that follow the first one of `\\123`."""
        digits = self.pattern[self.at + 1 : self.at + 4]
        count = next((i for i, digit in enumerate(digits) if digit not in "01234567"), len(digits))
        return max(0, count - 1)

    def class_end(self) -> int:
        """The length of the bracket expression that begins here."""
        end = self.at + 1
        end += self.pattern.startswith("^", end)
        end += self.pattern.startswith("]", end)
        while self.pattern[end] != "]":
            if self.pattern.startswith("[:", end) and ":]" in self.pattern[end:]:
                end = self.pattern.index(":]", end) + 2
            else:
                end += 2 if self.pattern[end] == "\\" else 1
        return end + 1 - self.at

    def quoted(self) -> list[Node]:
        """`\\Q…\\E` as the literal characters that it stands for."""
        end = self.pattern.find("\\E", self.at)
        stop = end if end >= 0 else len(self.pattern)
        text = self.pattern[self.at + 2 : stop]
        self.at = stop + 2 if end >= 0 else stop
        return [Atom(f"\\x{{{ord(sign):x}}}") for sign in text]

    def peek(self, text: str) -> bool:
        return self.pattern.startswith(text, self.at)

    def take(self, count: int) -> str:
        taken = self.pattern[self.at : self.at + count]
        self.at += count
        return taken
