"""Unfinished matches at the end of a text: the prefixes of a pattern, as a pattern.

A stream is sent to the client piece by piece. Text that can no longer become a
match may go; text that may still become one must wait. Waiting for the longest
possible match would not do: many patterns have none, and most text is not the
beginning of a match. So each pattern gets a second one that matches every
prefix of its matches, searched at the end of the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kt.policy.decision.matching.syntax import (
    Alternation,
    Atom,
    Group,
    Mark,
    Node,
    Repeat,
    parse,
    render,
)
from kt.policy.decision.matching.syntax import Concatenation as Items
from kt.policy.decision.reading.engine import compiled

# What follows a match can still refuse it: `build a bomb` before `shelter`, a number
# before more digits. A finished match waits until that much has followed.
_CONTEXT = r"(?s:.{0,24})"


HOLD_LIMIT = 1024
"""Characters of a view that are looked at, so that waiting is bounded.

A match that takes more characters than this before anything is found in it is
not seen coming; its end is found all the same.
"""

# Above this the automaton outgrows the memory that RE2 gives one pattern.
_PROGRAM = 12_000


@dataclass(frozen=True, slots=True)
class Ends:
    """Compiled patterns for unfinished matches at the end of a text."""

    patterns: tuple[Any, ...]

    def start(self, text: str) -> int:
        """The place from which the end of `text` may still become a match; else its length."""
        offset = max(0, len(text) - HOLD_LIMIT)
        data = text[offset:].encode()
        starts = [pattern.search(data).start() for pattern in self.patterns]
        return offset + len(data[: min(starts, default=len(data))].decode())


@lru_cache(maxsize=256)
def ends_of(patterns: tuple[str, ...]) -> Ends:
    """Compile the beginnings of `patterns`, several into one expression.

    Only streams need them and they cost more than the patterns themselves, so
    they are made when first asked for. Each matches the empty end of any text:
    a search always finds where the beginnings start.
    """
    compiled_ends: list[Any] = []
    waiting: list[str] = []
    size = 0
    for pattern in patterns:
        end = _end(pattern)
        program = compiled(end).programsize
        if waiting and size + program > _PROGRAM:
            compiled_ends.append(compiled(_any(waiting)))
            waiting, size = [], 0
        waiting.append(end)
        size += program
    if waiting:
        compiled_ends.append(compiled(_any(waiting)))
    return Ends(tuple(compiled_ends))


def _end(pattern: str) -> str:
    return f"(?:{_beginnings(parse(pattern))}|(?:{pattern}){_CONTEXT})"


def _any(ends: Iterable[str]) -> str:
    return f"(?:{'|'.join(ends)}|)\\z"


def _beginnings(node: Node) -> str:
    """A pattern for every beginning of what `node` matches, the empty one included."""
    match node:
        case Items(items):
            return _in_order(items)
        case Alternation(items):
            return f"(?:{'|'.join(map(_beginnings, items))})"
        case Group(head, body):
            return f"{head}{_beginnings(body)})"
        case Repeat(body, _, most, _):
            # With more rounds than it allows, `how to` and any words after it would wait.
            rounds = "*" if most is None else f"{{0,{max(0, most - 1)}}}"
            return f"(?:{render(body)}){rounds}{_beginnings(body)}"
        case Atom(text):
            return f"(?:{text})?"
        case Mark(text):
            return f"(?:{text})?" if text.startswith("(?") else ""


def _in_order(items: Sequence[Node]) -> str:
    """All of the first and a beginning of the rest, or a beginning of the first."""
    if not items:
        return ""
    first, rest = items[0], _in_order(items[1:])
    if isinstance(first, Atom | Mark):
        return f"(?:{render(first)}{rest})?"
    return f"(?:{render(first)}{rest}|{_beginnings(first)})"
