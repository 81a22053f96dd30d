"""How long a match can be, which tells a stream how much it must hold back."""

from __future__ import annotations

from kt.policy.decision.syntax import Choice, Group, Mark, Node, Repeat, Sequence, parse


def longest_match(pattern: str) -> int | None:
    """The most characters that a match of an RE2 pattern can have, None when unbounded."""
    return _longest(parse(pattern))


def _longest(node: Node) -> int | None:
    match node:
        case Mark():
            return 0
        case Sequence(items):
            return _total([_longest(item) for item in items])
        case Choice(items):
            widths = [_longest(item) for item in items]
            return None if None in widths else max(filter(None, widths), default=0)
        case Group(_, body):
            return _longest(body)
        case Repeat(body, _, most, _):
            return _times(_longest(body), most)
        case _:
            return 1


def _total(widths: list[int | None]) -> int | None:
    return None if None in widths else sum(filter(None, widths))


def _times(width: int | None, most: int | None) -> int | None:
    if width == 0 or most == 0:
        return 0
    return None if width is None or most is None else width * most
