"""Values put back into an answer, in the places of their marks."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from kt.policy.decision.cutting.landing import Landing, is_plain
from kt.policy.decision.cutting.redaction import replaced, rewritten
from kt.policy.decision.cutting.seals import seal
from kt.policy.decision.reading.extract import Part, Path, parts
from kt.policy.decision.values import Marks, Span

# Characters that values may add to an answer: a long one may be asked for again and again.
_MOST = 16 << 20
# Who runs a tool by a name must run the one that was judged.
_NAME = "name"


class TooMuchError(Exception):
    """The values of an answer's marks are more than it may grow by."""


class Room:
    """The characters by which an answer may still grow."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = _MOST

    def take(self, spans: Iterable[Span]) -> None:
        """Make use of it for values.

        Raises:
            TooMuchError: there is not so much.
        """
        self._left -= sum(len(value) for _, _, value in spans)
        if self._left < 0:
            raise TooMuchError


def restored(body: Any, marks: Marks, room: Room, *, besides: Collection[Path] = ()) -> Any:
    """An answer, or an event of one, with values in place of its marks; itself where it has none.

    Left as they are: names, signed blocks, which a target takes back only unchanged, the
    strings at the paths `besides`, and a mark that is none of this call's. `body` is not changed.

    Raises:
        TooMuchError: there is no room for the values.
    """
    if not marks:
        return body
    result = body
    for part in parts(body, "assistant"):
        spans = marks.find(part.text)
        if not spans or part.path in besides or part.path[-1:] == (_NAME,):
            continue
        if seal(body, part.path):
            continue
        room.take(spans)
        text = rewritten(part, _written(part, spans))
        result = replaced(result, part.path, json.loads(text) if part.form == "value" else text)
    return result


def apart(spans: Sequence[Span], cuts: Sequence[Span]) -> list[Span]:
    """The spans that touch no cut; both are in order, and no two of either touch."""
    ends = [last for _, last, _ in cuts]
    found = []
    for span in spans:
        after = bisect_right(ends, span[0])
        if after == len(cuts) or cuts[after][0] >= span[1]:
            found.append(span)
    return found


def _written(part: Part, spans: list[Span]) -> list[Span]:
    """The spans with each value as it is written in its place."""
    if all(is_plain(value) for _, _, value in spans):
        return spans
    landing = Landing()
    if part.form == "value":
        # A value by itself may be a string; as an item of a list it is read as one.
        landing.feed("[")
    written = []
    at = 0
    for first, last, value in spans:
        start, end = part.original(first, last)
        landing.feed(part.source[at:start])
        written.append((first, last, landing.written(value)))
        # A mark is no more than letters to whoever reads on.
        landing.feed(part.source[start:end])
        at = end
    return written
