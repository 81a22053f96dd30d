"""Two texts compared line by line: what is gone, what is new, and some lines around it. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Kind = Literal["same", "gone", "new", "gap"]

_AROUND = 3
# Lines that are compared, which costs their square, and lines that are shown.
_MOST, _MOST_SHOWN = 800, 400


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a comparison, with its numbers before and after, 0 where it is not there."""

    kind: Kind
    before: int
    after: int
    text: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A line before and the line after it that stands beside it; either may lack."""

    before: Row | None
    after: Row | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows that differ with those around; `cut` where there are more than are shown.

    `is_told` is False where there are too many lines to compare.
    """

    rows: Sequence[Row]
    cut: bool = False
    is_told: bool = True

    def pairs(self) -> Iterator[Pair]:
        """The rows side by side."""
        gone: list[Row] = []
        new: list[Row] = []
        for row in (*self.rows, None):
            if row is not None and row.kind == "gone":
                gone.append(row)
            elif row is not None and row.kind == "new":
                new.append(row)
            else:
                for number in range(max(len(gone), len(new))):
                    yield Pair(_at(gone, number), _at(new, number))
                gone, new = [], []
                if row is not None:
                    yield Pair(row, row)


def _at(rows: Sequence[Row], number: int) -> Row | None:
    return rows[number] if number < len(rows) else None


def compared(before: str, after: str) -> Comparison:
    """What differs between two texts."""
    old, new = before.splitlines(), after.splitlines()
    head = _alike(old, new)
    tail = _alike(old[head:][::-1], new[head:][::-1])
    inner = old[head : len(old) - tail], new[head : len(new) - tail]
    if max(map(len, inner)) > _MOST:
        return Comparison((), is_told=False)
    rows = [Row("same", at + 1, at + 1, old[at]) for at in range(max(head - _AROUND, 0), head)]
    rows += _differing(*inner, head)
    for at in range(len(old) - tail, min(len(old) - tail + _AROUND, len(old))):
        rows.append(Row("same", at + 1, at + 1 + len(new) - len(old), old[at]))
    if not any(map(len, inner)):
        return Comparison(())
    return Comparison(rows[:_MOST_SHOWN], cut=len(rows) > _MOST_SHOWN)


def _alike(old: Sequence[str], new: Sequence[str]) -> int:
    """How many lines are alike from the beginning."""
    number = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        number += 1
    return number


def _differing(old: Sequence[str], new: Sequence[str], head: int) -> Iterator[Row]:
    matcher = SequenceMatcher(None, old, new)
    for kind, first, last, begin, end in matcher.get_opcodes():
        if kind == "equal":
            shift = begin - first
            yield from _same(old, range(first, last), head, head + shift)
            continue
        for at in range(first, last):
            yield Row("gone", head + at + 1, 0, old[at])
        for at in range(begin, end):
            yield Row("new", 0, head + at + 1, new[at])


def _same(old: Sequence[str], lines: range, before: int, after: int) -> Iterator[Row]:
    """Lines that stayed, without those far from any that changed."""
    shown = [Row("same", at + before + 1, at + after + 1, old[at]) for at in lines]
    if len(shown) > 2 * _AROUND + 1:
        yield from shown[:_AROUND]
        yield Row("gap", 0, 0, f"{len(shown) - 2 * _AROUND} lines alike")
        yield from shown[-_AROUND:]
    else:
        yield from shown
