"""Rewrites: what a stretch of a text says to its reader, and the text around it made anew.

Only what stands near a rewrite is read again. What is found there is taken back, by way of
the rewrite, to what was written: of an escape exactly, of a run of base64 as a whole.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

# Characters around a rewrite that are read with it. A negation looks back 240.
CONTEXT = 256
# A hit counts when it is this near to a rewrite: as far as rules look for a word that names it.
_NEAR = 48
# What is cut out of a text never begins or ends within a word, or within this many characters.
_EDGE = 32
# Between two windows: a word, so that no phrase reaches from one into the next.
_SEAM = "\nqq\n"


class Rewrite(NamedTuple):
    """A stretch of a text and what it says.

    `parts` has for each character of `text` its span in the source; () when all of it came
    from the whole stretch. `aligned`: each came from the one at its place.
    """

    start: int
    end: int
    text: str
    parts: tuple[tuple[int, int], ...] = ()
    decoded: bool = False
    aligned: bool = False


# A stretch of the made text: where it is in the source, and its rewrite. Of a seam neither counts.
_Piece: TypeAlias = tuple[int, Rewrite | None]


class Rewritten:
    """The text of all windows around rewrites, and the way back."""

    def __init__(
        self, text: str, starts: list[int], pieces: list[_Piece], *, is_whole_to_end: bool
    ) -> None:
        self.text = text
        self.is_whole_to_end = is_whole_to_end
        self._starts = starts
        self._pieces = pieces
        self._made = [at for at, (_, rewrite) in enumerate(pieces) if rewrite is not None]

    def back(self, start: int, end: int) -> tuple[int, int] | None:
        """The span of the source behind a span of the text, None when no rewrite is near."""
        if not self._near(start, end):
            return None
        first, _ = self._origin(start)
        _, last = self._origin(end - 1)
        return (first, last) if first < last else None

    def position(self, at: int) -> int:
        """The place in the source of a place in the text."""
        return self._origin(at)[0]

    def _near(self, start: int, end: int) -> bool:
        after = bisect_right(self._made, bisect_right(self._starts, end + _NEAR) - 1)
        if not after:
            return False
        last = self._made[after - 1]
        stop = self._starts[last + 1] if last + 1 < len(self._starts) else len(self.text)
        return stop + _NEAR >= start

    def _origin(self, at: int) -> tuple[int, int]:
        number = bisect_right(self._starts, at) - 1
        # A rewrite to nothing shares its start with the piece behind it.
        (source, rewrite), within = self._pieces[number], at - self._starts[number]
        if rewrite is None:
            return source + within, source + within + 1
        if rewrite.aligned:
            return rewrite.start + within, rewrite.start + within + 1
        return rewrite.parts[within] if rewrite.parts else (rewrite.start, rewrite.end)


def rewritten(
    text: str, rewrites: Sequence[Rewrite], *, most: int, around: int = CONTEXT
) -> Rewritten:
    """The windows of a text around rewrites, which are in order and apart.

    At most about `most` characters of it; what comes after that is left out.
    """
    made: list[str] = []
    starts: list[int] = []
    pieces: list[_Piece] = []
    length = last = 0
    for first, last, members in _windows(text, rewrites, around):
        if made:
            made.append(_SEAM)
            starts.append(length)
            pieces.append((first, None))
            length += len(_SEAM)
        at = first
        for rewrite in members:
            start, end, said = rewrite[:3]
            if at < start:
                made.append(text[at:start])
                starts.append(length)
                pieces.append((at, None))
                length += start - at
            made.append(said)
            starts.append(length)
            pieces.append((start, rewrite))
            length += len(said)
            at = end
            if length > most:
                last = min(last, at + around)
                break
        made.append(text[at:last])
        starts.append(length)
        pieces.append((at, None))
        length += max(0, last - at)
        if length > most:
            break
    return Rewritten("".join(made), starts, pieces, is_whole_to_end=last == len(text))


def _windows(
    text: str, rewrites: Sequence[Rewrite], around: int
) -> Iterable[tuple[int, int, list[Rewrite]]]:
    """Stretches of the text with their rewrites; those that are near each other are one."""
    members: list[Rewrite] = []
    last = 0
    for rewrite in rewrites:
        if members and rewrite.start - around > last + 2 * _EDGE:
            yield _outwards(text, members[0].start - around), _onwards(text, last), members
            members = []
        members.append(rewrite)
        last = rewrite.end + around
    if members:
        yield _outwards(text, members[0].start - around), _onwards(text, last), members


def _outwards(text: str, at: int) -> int:
    """The begin of the word at a place, if that is near; the text's for one before it."""
    if at <= 0:
        return 0
    low = max(0, at - _EDGE)
    return max(text.rfind(" ", low, at) + 1, text.rfind("\n", low, at) + 1, low)


def _onwards(text: str, at: int) -> int:
    """The end of the word at a place, if that is near; the text's for one behind it."""
    if at >= len(text):
        return len(text)
    ends = (text.find(sign, at, at + _EDGE) for sign in (" ", "\n"))
    return min((end for end in ends if end >= 0), default=min(len(text), at + _EDGE))
