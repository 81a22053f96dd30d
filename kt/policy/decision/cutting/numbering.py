"""Numbers for what is cut out of a request, so that its values can be put back.

Each label counts by itself, in the order of the document, and equal texts under one label share
a number: a conversation that grows keeps its numbers from call to call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from kt.policy.decision.cutting.seals import seal
from kt.policy.decision.outcome import Cut
from kt.policy.decision.reading.extract import read
from kt.policy.decision.reading.passages import Place, glued, single
from kt.policy.decision.subject import Subject
from kt.policy.decision.values import NO_MARKS, Marks, marks_in

# What names a conversation that the target keeps. Its marks are of earlier calls, whose values
# are gone: numbers of this call must not be theirs.
_KEPT = ("previous_response_id", "conversation")
_LEAST, _APART = 100_000, 900_000


def numbered(subject: Subject, cuts: Sequence[Cut]) -> tuple[Sequence[Cut], Marks]:
    """The cuts with their numbers as markers, and the marks. `cuts` are in the order of places.

    No mark stands in the request's own texts. Cuts that overlap are one, so that what is put
    back is all that was cut out.
    """
    if not any(cut.numbered for cut in cuts):
        return cuts, NO_MARKS
    cuts = list(_merged(cuts))
    numbers = _Numbers(_own_marks(subject) | {cut.marker for cut in cuts}, _first(subject))
    made = [
        replace(cut, marker=numbers.mark(cut.numbered, value)) if cut.numbered else cut
        for cut, value in zip(cuts, _values(subject, cuts), strict=True)
    ]
    return made, Marks(numbers.values)


def sent(marks: Marks, body: Any) -> Marks:
    """The marks that are in a redacted body: a cut may go with the block that holds it."""
    if not marks:
        return marks
    there = set().union(*(marks_in(part.source) for part in read(body, "user")[0]))
    return Marks({text: value for text, value in marks.items() if text in there})


def _values(subject: Subject, cuts: Sequence[Cut]) -> Iterator[str]:
    """What each cut takes out, with what its match has in further parts.

    Where another mark stands there, that part is its value.
    """
    texts = [subject.parts[cut.place.part].text[cut.place.start : cut.place.end] for cut in cuts]
    unmarked = {
        (cut.place.part, cut.place.start): text
        for cut, text in zip(cuts, texts, strict=True)
        if not cut.marker
    }
    for cut, text in zip(cuts, texts, strict=True):
        rest = (unmarked.get((place.part, place.start), "") for place in cut.further)
        yield "".join([text, *rest])


class _Numbers:
    """The numbers given so far. `values` has the value of each mark."""

    def __init__(self, taken: set[str], first: int) -> None:
        self.values: dict[str, str] = {}
        self._taken = taken
        self._first = first
        self._next: dict[str, int] = {}
        self._known: dict[tuple[str, str], str] = {}

    def mark(self, label: str, value: str) -> str:
        """The mark of a value."""
        key = (label, value)
        if key not in self._known:
            self._known[key] = self._new(label)
            self.values[self._known[key]] = value
        return self._known[key]

    def _new(self, label: str) -> str:
        number = self._next.get(label, self._first)
        while _mark(label, number) in self._taken:
            number += 1
        self._next[label] = number + 1
        return _mark(label, number)


def _mark(label: str, number: int) -> str:
    return f"[{label.upper()}_{number}]"


def _merged(cuts: Iterable[Cut]) -> Iterator[Cut]:
    """The cuts, of those that overlap one with the marker of the first."""
    waiting: Cut | None = None
    for cut in cuts:
        if waiting is None or not _overlap(waiting.place, cut.place):
            if waiting is not None:
                yield waiting
            waiting = cut
            continue
        place = replace(waiting.place, end=max(waiting.place.end, cut.place.end))
        # A match in a part may go on in the next one when they are read together.
        further = waiting.further or cut.further
        waiting = replace(waiting if waiting.marker else cut, place=place, further=further)
    if waiting is not None:
        yield waiting


def _overlap(one: Place, after: Place) -> bool:
    return one.part == after.part and after.start < one.end


def _own_marks(subject: Subject) -> set[str]:
    """What looks like a mark in the request as it came.

    Signed blocks are left out: in them a model speaks of marks, which are the same this time.
    """
    own = [part for part in subject.parts if not seal(subject.body, part.path)]
    return set().union(*(marks_in(one.text) for one in (*single(own), *glued(own))))


def _first(subject: Subject) -> int:
    """The first number: 1, or one of this request's own where its target keeps earlier ones."""
    body = subject.body
    kept = [str(body[key]) for key in _KEPT if body.get(key)] if isinstance(body, Mapping) else []
    if not kept:
        return 1
    said = "\0".join([*kept, *(part.source for part in subject.parts)])
    digest = sha256(said.encode("utf-8", "replace")).digest()
    return _LEAST + int.from_bytes(digest[:8]) % _APART
