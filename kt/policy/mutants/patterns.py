"""Patterns that are a little narrower or wider than another, and texts that a pattern matches."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import re2

from kt.policy.decision.matching.syntax import (
    Alternation,
    Atom,
    Concatenation,
    Group,
    Mark,
    Node,
    Repeat,
    parse,
    render,
)
from kt.policy.decision.reading.engine import compiled

# Of one pattern, however long it is.
_MOST = 12
_LONGEST = 400
# The characters of samples, those first that read best.
_SIGNS = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_.,:;/@#$%&*+=()[]{}<>!?'"
    '"|~^`\\'
    "\n\táéßДя中\u00a0"
)


def altered(pattern: str) -> Iterator[tuple[str, str]]:
    """Other patterns with the words for what they change; `_MOST` of them at most."""
    if len(pattern) > _LONGEST:
        return
    made: dict[str, str] = {}
    tree = parse(pattern)
    idle = set(_idle(tree))
    for changed, words in _altered(tree):
        other = render(changed)
        if other != pattern and other not in made and other not in idle and _compiles(other):
            made[other] = words
    step = max(1, -(-len(made) // _MOST))
    yield from list(made.items())[::step]


def _compiles(pattern: str) -> bool:
    try:
        compiled(pattern)
    except re2.error:
        return False
    return True


def _altered(node: Node) -> Iterator[tuple[Node, str]]:
    match node:
        case Concatenation(items):
            for at, item in enumerate(items):
                if isinstance(item, Mark):
                    left = Concatenation((*items[:at], *items[at + 1 :]))
                    yield left, f"without its {item.text}"
                for other, words in _altered(item):
                    yield Concatenation((*items[:at], other, *items[at + 1 :])), words
        case Alternation(items):
            for at, item in enumerate(items):
                rest = (*items[:at], *items[at + 1 :])
                one = rest[0] if len(rest) == 1 else Alternation(rest)
                yield one, f"without its {render(item)!r}"
                for other, words in _altered(item):
                    yield Alternation((*items[:at], other, *items[at + 1 :])), words
        case Group(head, body):
            for other, words in _altered(body):
                yield Group(head, other), words
        case Repeat(body, least, most, tail):
            for low, high in _counts(least, most):
                other = Repeat(body, low, high, tail)
                yield other, f"{_said(node)} becomes {_said(other)}"
            for inner, words in _altered(body):
                yield Repeat(inner, least, most, tail), words
        case _:
            return


def _idle(tree: Node) -> Iterator[str]:
    """Changes that matter to nobody who looks for a match: how often an end may be repeated."""
    items = tree.items if isinstance(tree, Concatenation) else (tree,)
    for at in {0, len(items) - 1} if items else ():
        end = items[at]
        if isinstance(end, Repeat) and end.most is not None and end.most > end.least:
            fewer = Repeat(end.body, end.least, end.most - 1, end.tail)
            yield render(Concatenation((*items[:at], fewer, *items[at + 1 :])))


def _counts(least: int, most: int | None) -> Iterator[tuple[int, int | None]]:
    if least == most:
        yield least + 1, least + 1
        if least > 1:
            yield least - 1, least - 1
    elif most is None:
        yield least + 1, None
        if least > 1:
            yield least - 1, None
    else:
        yield least, most - 1
        yield least + 1, most


def _said(node: Node) -> str:
    return render(node) if len(render(node)) <= 40 else render(node)[:37] + "..."


def samples(pattern: str, count: int) -> Iterator[str]:
    """Texts that a pattern matches, as far as no boundary or anchor in it objects; no chance."""
    if len(pattern) > _LONGEST:
        return
    tree = parse(pattern)
    for number in range(count):
        yield _sample(tree, _Dice(number))


class _Dice:
    """Numbers that look like chance, the same ones for the same seed; the first seed throws 0s."""

    def __init__(self, seed: int) -> None:
        self._state = seed * 2_654_435_761 % 2**32

    def throw(self, sides: int) -> int:
        if self._state == 0:
            return 0
        self._state = (self._state * 1_664_525 + 1_013_904_223) % 2**32
        return (self._state >> 8) % sides


def _sample(node: Node, dice: _Dice) -> str:
    match node:
        case Atom(text):
            signs = _matching(text)
            return signs[dice.throw(len(signs))] if signs else ""
        case Concatenation(items):
            return "".join(_sample(item, dice) for item in items)
        case Alternation(items):
            return _sample(items[dice.throw(len(items))], dice)
        case Group(_, body):
            return _sample(body, dice)
        case Repeat(body, least, most, _):
            high = least + 2 if most is None else min(most, least + 2)
            times = least + dice.throw(high - least + 1)
            return "".join(_sample(body, dice) for _ in range(min(times, 64)))
        case _:
            return ""


@lru_cache(maxsize=512)
def _matching(atom: str) -> str:
    one = compiled(f"(?s){atom}" if atom != "." else ".")
    return "".join(sign for sign in _SIGNS if one.fullmatch(sign.encode()) is not None)
