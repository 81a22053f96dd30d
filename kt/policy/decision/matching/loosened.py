"""Patterns without their exact counts, for the first stage of matching.

A set of patterns with counts such as `{36}` needs one automaton state for
every count reached: on random or base64 text the state cache overflows and
RE2 falls to milliseconds per kilobyte. `+` in place of the count matches
everything the count matches, keeps the automaton small, and the exact
pattern confirms what hit.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from kt.policy.decision.matching.syntax import (
    Alternation,
    Concatenation,
    Group,
    Node,
    Repeat,
    parse,
    render,
)

_SMALL_COUNT = 4
# `\x{85}`, which every gap between two words of a term has, is no count; `\\x{85}` is one.
_LARGE_COUNT = re.compile(r"(?:(?<!\\x)|(?<=\\\\x))\{[0-9,]*(?:[5-9]|[1-9][0-9])[0-9,]*\}")


def loosen(pattern: str) -> str:
    """A pattern that matches wherever `pattern` does, with no count above four."""
    if not _LARGE_COUNT.search(pattern):
        return pattern  # As nearly all are; to read a long one takes longer than to compile it.
    return render(_loosened(parse(pattern), _loose_counts))


def without_least(pattern: str) -> str:
    """A pattern that matches wherever `pattern` does and nothing longer, without high minimums."""
    if not _LARGE_COUNT.search(pattern):
        return pattern
    return render(_loosened(parse(pattern), _low_counts))


_Counts = Callable[[int, int | None], tuple[int, int | None]]


def _loosened(node: Node, counts: _Counts) -> Node:
    match node:
        case Concatenation(items):
            return Concatenation(tuple(_loosened(item, counts) for item in items))
        case Alternation(items):
            return Alternation(tuple(_loosened(item, counts) for item in items))
        case Group(head, body):
            return Group(head, _loosened(body, counts))
        case Repeat(body, least, most, tail):
            return Repeat(_loosened(body, counts), *counts(least, most), tail)
        case _:
            return node


def _loose_counts(least: int, most: int | None) -> tuple[int, int | None]:
    if max(least, most or 0) <= _SMALL_COUNT:
        return least, most
    return min(least, 1), None


def _low_counts(least: int, most: int | None) -> tuple[int, int | None]:
    return (least if least <= _SMALL_COUNT else 1), most
