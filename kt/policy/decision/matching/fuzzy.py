"""The matcher of terms with a few letters changed, in time linear in the text.

A match with at most k edits leaves one of k + 1 pieces of the term untouched.
So the pieces are found as plain strings, and only the word starts from which
an untouched piece is in its place are measured.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kt.policy.decision.matching.matcher import Hit
from kt.policy.decision.matching.patterns import PatternRule
from kt.policy.decision.reading.reading import Reading
from kt.policy.decision.reading.views import View, read
from kt.policy.decision.reading.words import joined, word_starts

# One edit for each four letters at most: with more, short words match everything.
_LETTERS_PER_EDIT = 4


@dataclass(frozen=True, slots=True)
class _FuzzyTerm:
    rule: PatternRule
    text: str
    edits: int
    pieces: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class FuzzyMatcher:
    """Compiled terms, each with the number of edits that it allows."""

    terms: tuple[_FuzzyTerm, ...]

    def scan(self, reading: Reading) -> Iterator[Hit]:
        """Every near match, on word boundaries, in the skeleton of a text."""
        if not self.terms:
            return
        skeleton = reading.show(View.SKELETON)
        flat, offsets = _flattened(skeleton.text)
        starts = word_starts(flat)
        for term in self.terms:
            for start, end in _near(term, flat, starts):
                origin = skeleton.origin(offsets[start], offsets[end - 1] + 1)
                places = reading.places(*origin)
                if places:
                    yield Hit(term.rule, places)

    def pending(self, reading: Reading) -> int:
        """The place from which the text may still become a match: as far back as terms are long."""
        if not self.terms:
            return len(reading.text)
        skeleton = reading.show(View.SKELETON)
        flat, offsets = _flattened(skeleton.text)
        reach = max(len(term.text) + term.edits for term in self.terms)
        starts = [start for start in word_starts(flat) if start >= len(flat) - reach]
        return skeleton.position(offsets[starts[0]]) if starts else len(reading.text)


def compile_fuzzy(terms: Iterable[tuple[str, PatternRule]], max_distance: int) -> FuzzyMatcher:
    """Compile terms for at most `max_distance` edits each, fewer for short ones."""
    return FuzzyMatcher(tuple(_prepared(term, rule, max_distance) for term, rule in terms))


def _prepared(term: str, rule: PatternRule, max_distance: int) -> _FuzzyTerm:
    text = " ".join(read(term, View.SKELETON).split())
    letters = len(text.replace(" ", ""))
    edits = min(max_distance, letters // _LETTERS_PER_EDIT)
    return _FuzzyTerm(rule, text, edits, tuple(_pieces(text, edits + 1)))


def _pieces(text: str, count: int) -> Iterator[tuple[int, str]]:
    bounds = [len(text) * at // count for at in range(count + 1)]
    for start, end in itertools.pairwise(bounds):
        if start < end:
            yield start, text[start:end]


def _flattened(text: str) -> tuple[str, Sequence[int]]:
    """The text with every run of white space as one space, and each character's old offset."""
    if " ".join(text.split()) == text:
        return text, range(len(text))
    kept = [
        at
        for at, sign in enumerate(text)
        if not sign.isspace() or (at > 0 and not text[at - 1].isspace())
    ]
    return "".join(" " if text[at].isspace() else text[at] for at in kept), kept


def _near(term: _FuzzyTerm, text: str, starts: Sequence[int]) -> Iterator[tuple[int, int]]:
    for start in sorted(_candidates(term, text, starts)):
        end = _measured(term.text, text, start, term.edits)
        if end is not None:
            yield start, end


def _candidates(term: _FuzzyTerm, text: str, starts: Sequence[int]) -> set[int]:
    """The word starts from which a piece of the term is in its place, within `term.edits`."""
    candidates: set[int] = set()
    for offset, piece in term.pieces:
        at = text.find(piece)
        while at >= 0:
            first = bisect_left(starts, at - offset - term.edits)
            last = bisect_left(starts, at - offset + term.edits + 1)
            candidates.update(starts[first:last])
            at = text.find(piece, at + 1)
    return candidates


def _measured(term: str, text: str, start: int, edits: int) -> int | None:
    """The end of the closest match of `term` from `start`, None when over `edits`.

    Rows of the edit distance, cut to the band in which it can stay within `edits`.
    """
    row = [at if at <= edits else edits + 1 for at in range(len(term) + 1)]
    best: tuple[int, int] | None = None
    for at in range(start, min(len(text), start + len(term) + edits)):
        row = _next_row(row, term, text[at], at + 1 - start, edits)
        if min(row) > edits:
            break
        if row[-1] <= edits and _word_end(text, at + 1) and (best is None or row[-1] < best[0]):
            best = (row[-1], at + 1)
    return best[1] if best else None


def _next_row(row: list[int], term: str, sign: str, column: int, edits: int) -> list[int]:
    far = edits + 1
    low, high = max(1, column - edits), min(len(term), column + edits)
    after = [far] * len(row)
    after[0] = min(column, far)
    for at in range(low, high + 1):
        same = row[at - 1] + (term[at - 1] != sign)
        after[at] = min(same, row[at] + 1, after[at - 1] + 1, far)
    return after


def _word_end(text: str, at: int) -> bool:
    around = text[at - 1 : at + 1]
    return at == len(text) or "_" in around or not joined(*around)
