"""Passages, each read as one text: a part, the parts of a message, the conversation.

A phrase may be split over the parts of a message, which the model reads without
a seam, or over messages. A passage remembers the part that each stretch came
from, so that a hit is reported, and cut, in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from kt.policy.decision.reading.extract import Part


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a passage: it begins at `start` there and is the whole of part `part`."""

    start: int
    part: int


@dataclass(frozen=True, slots=True)
class Place:
    """A span of a part's `text`."""

    part: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Passage:
    """A text and the stretches that it is made of.

    What ends before `floor` was judged before: it is read for its sense, and is no hit again.
    """

    text: str
    pieces: tuple[Stretch, ...]
    floor: int = 0

    def places(self, start: int, end: int) -> tuple[Place, ...]:
        """The parts' spans under a span of the passage, in order; seams belong to no part."""
        if end <= self.floor:
            return ()
        spans = []
        for at, piece in enumerate(self.pieces):
            last = at + 1 == len(self.pieces)
            stop = len(self.text) if last else self.pieces[at + 1].start
            low, high = max(start, piece.start), min(end, stop)
            if low < high:
                spans.append(Place(piece.part, low - piece.start, high - piece.start))
        return tuple(spans)


# Between two names: a word, so that no phrase reaches from one into the next.
_NAME_SEAM = "\nqq\n"


def single(texts: Sequence[Part]) -> tuple[Passage, ...]:
    """Each part by itself, and the names as a list: a schema may have hundreds."""
    names = [at for at, part in enumerate(texts) if part.form == "name"]
    alone = (at for at in range(len(texts)) if not names or texts[at].form != "name")
    made = [Passage(texts[at].text, (Stretch(0, at),)) for at in alone]
    return (*made, _join(texts, names, _NAME_SEAM)) if names else tuple(made)


def glued(texts: Sequence[Part]) -> tuple[Passage, ...]:
    """The text blocks of each message that has several, without a seam."""
    blocks = [at for at, part in enumerate(texts) if part.unit and part.path[-1] == "text"]
    units = [list(group) for _, group in groupby(blocks, key=lambda at: texts[at].unit)]
    return tuple(_join(texts, unit, "") for unit in units if len(unit) > 1)


def conversations(texts: Sequence[Part]) -> tuple[Passage, ...]:
    """All that is said, and all that the user says, when that is more than one text."""
    spoken = [at for at, part in enumerate(texts) if part.unit is not None]
    users = [at for at in spoken if texts[at].role == "user"]
    chosen = [spoken] if users == spoken else [spoken, users]
    return tuple(_join(texts, members, "\n") for members in chosen if len(members) > 1)


def _join(texts: Sequence[Part], chosen: Iterable[int], seam: str) -> Passage:
    pieces = []
    start = 0
    for at in chosen:
        pieces.append(Stretch(start, at))
        start += len(texts[at].text) + len(seam)
    return Passage(seam.join(texts[piece.part].text for piece in pieces), tuple(pieces))
