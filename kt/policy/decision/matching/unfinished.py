"""Unfinished matches at the end of a text: the prefixes of a pattern, as a pattern.

A stream is sent to the client piece by piece. Text that can no longer become a
match may go; text that may still become one must wait. Waiting for the longest
possible match would not do: many patterns have none, and most text is not the
beginning of a match. So each pattern gets a second one that matches every
prefix of its matches, searched at the end of the text. That search runs from the
end backwards and costs what it finds, not what the text is long.

A match that has ended waits too, for what follows may refuse it. Few texts hold one:
a third pattern looks for its end, where there is a match at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kt.policy.decision.matching.loosened import loosen, without_least
from kt.policy.decision.matching.syntax import (
    Alternation,
    Atom,
    Group,
    Mark,
    Node,
    Repeat,
    parse,
    render,
    widest,
)
from kt.policy.decision.matching.syntax import Concatenation as Items
from kt.policy.decision.reading.engine import compiled, forget_unused

# What follows a match can still refuse it: `build a bomb` before `shelter`, a number
# before more digits. A finished match waits until that much has followed.
_WAIT = 24
_CONTEXT = f"(?s:.{{0,{_WAIT}}})"

HOLD_LIMIT = 64 << 10
"""Characters for which one unfinished match may keep a text back: a key of 64 KiB is one match."""

# Above this the automaton outgrows the memory that RE2 gives one pattern.
_PROGRAM = 12_000
# A pattern whose matches may be longer is looked for in the whole text.
_NEAR = 2048


@dataclass(frozen=True, slots=True)
class Ends:
    """Compiled patterns for what a text ends with.

    No match of those in `near` is longer than `reach` characters, so that they look no further
    back. Those in `far` have no longest match.
    """

    near: tuple[Any, ...]
    reach: int
    far: tuple[Any, ...]

    def start(self, text: str) -> int:
        """The place from which the end of `text` may still become a match; else its length."""
        offset = max(0, len(text) - self.reach)
        return min(offset + _first(self.near, text[offset:]), _first(self.far, text))


def _first(patterns: Sequence[Any], text: str) -> int:
    if not patterns:
        return len(text)
    data = text.encode()
    start = min(pattern.search(data).start() for pattern in patterns)
    return len(text) if start == len(data) else len(data[:start].decode())


@lru_cache(maxsize=256)
def beginnings_of(patterns: tuple[str, ...]) -> Ends:
    """Compile the beginnings of matches of `patterns`, several into one expression.

    Only streams need them and they cost more than the patterns themselves, so
    they are made when first asked for. Each matches the empty end of any text:
    a search always finds where the beginnings start.
    """
    near: list[str] = []
    far: list[str] = []
    reach = 0
    for pattern in patterns:
        wide, width = _widened(pattern)
        if width is None:
            far.append(_beginnings(parse(wide)))
        else:
            near.append(_beginnings(parse(wide)))
            # One character more may tell that a word does not begin here.
            reach = max(reach, width + 1)
    ends = Ends(_compiled(near), reach, _compiled(far))
    # Most were compiled to see how large they are.
    forget_unused()
    return ends


@lru_cache(maxsize=256)
def finished_of(pattern: str) -> Ends:
    """Compile the matches of `pattern` with a few characters behind them."""
    wide, width = _widened(pattern)
    ends = (compiled(_any([f"(?:{wide}){_CONTEXT}"])),)
    return Ends((), 0, ends) if width is None else Ends(ends, width + _WAIT + 1, ())


def _widened(pattern: str) -> tuple[str, int | None]:
    """A pattern that takes what `pattern` takes, and its longest match; None for a long one."""
    width = widest(parse(pattern))
    if width is None or width > _NEAR:
        # With the most that it allows: a word in small letters is no scheme of a URL.
        return without_least(pattern), None
    return loosen(pattern), width


def _compiled(patterns: Iterable[str]) -> tuple[Any, ...]:
    ends: list[Any] = []
    waiting: list[str] = []
    size = 0
    for end in patterns:
        program = compiled(end).programsize
        if waiting and size + program > _PROGRAM:
            ends.append(compiled(_any(waiting)))
            waiting, size = [], 0
        waiting.append(end)
        size += program
    if waiting:
        ends.append(compiled(_any(waiting)))
    return tuple(ends)


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
