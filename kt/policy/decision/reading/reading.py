"""A passage with its views, each made when first needed and kept for the decision."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Sequence
from typing import Protocol, TypeAlias

from kt.policy.decision.reading.passages import Passage, Place
from kt.policy.decision.reading.plain import Plain
from kt.policy.decision.reading.views import (
    MADE_OF,
    SAME_IN_ASCII,
    SIGN_BY_SIGN,
    STEPS,
    View,
    WordPlaces,
    origins,
    same_in_ascii,
)
from kt.policy.decision.reading.words import Bounds, marked, outlined

Excuse: TypeAlias = Callable[[int, int], tuple[int, int] | None]
"""Given a span of a text, the part of it from which what stands beside takes the sense away, up
to where that reaches; None when nothing does."""


Judged: TypeAlias = dict[Hashable, tuple[Sequence[tuple[int, int]], int]]
"""What was made of candidates with what stands around them, by places from their starts on."""


class Shown:
    """One view of a text: its characters, its UTF-8 bytes, and the way back to the source."""

    def __init__(self, source: str, view: View, text: str, of: Shown | None = None) -> None:
        """`of` is the view that this one was made of."""
        try:
            self.data = text.encode()
        except UnicodeEncodeError:
            # A lone surrogate, which JSON can carry, has no UTF-8: `?` keeps the offsets.
            self.data = text.encode("utf-8", "replace")
            text = self.data.decode()
        self.text = text
        self.source = source
        self.view = view
        self._origins: list[tuple[int, int]] | None = None
        self._mapped = False
        self._places: WordPlaces | None = None
        self._of = of
        self._marked = False
        self._words: bytes | None = None
        # What several kinds make of it.
        self.made: dict[object, tuple[str, ...]] = {}
        # Its words and signs, with what stands between them.
        self.pieces: Sequence[str] | None = None
        # Where its words and signs begin and end, for who has found one.
        self.bounds: Bounds | None = None

    @property
    def words(self) -> bytes | None:
        """The words and signs of a text in Latin-1 (see `words.marked`); None of another."""
        if not self._marked:
            self._words = marked(self.text)
            self._marked = True
        return self._words

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The span of the source that a span of this view, not empty, came from."""
        if self._of is not None and self.view in MADE_OF:
            return self._of_words(self._of, start, end)
        spans = self.origins
        return (start, end) if spans is None else (spans[start][0], spans[end - 1][1])

    def _of_words(self, of: Shown, start: int, end: int) -> tuple[int, int]:
        if self._places is None:
            self._places = WordPlaces(self.text, of.text, of.origins)
        first, last = self._places.origin(start)
        return first, last if end == start + 1 else self._places.origin(end - 1)[1]

    @property
    def origins(self) -> list[tuple[int, int]] | None:
        """The span of the source of each character; None where each is the one at its place."""
        if not self._mapped:
            self._origins = self._mapped_back()
            self._mapped = True
        return self._origins

    def _mapped_back(self) -> list[tuple[int, int]] | None:
        of = self._of
        if of is not None and self.view in SIGN_BY_SIGN and len(of.text) == len(self.text):
            return of.origins
        return origins(self.source, self.view, self.text)

    def position(self, at: int) -> int:
        """The offset in the source of an offset in this view; the view's end is the source's."""
        if at >= len(self.text):
            return len(self.source)
        return self.origin(at, at + 1)[0]

    def from_source(self, position: int, start: int, end: int) -> int:
        """The first place of a span that came from `position` of the source or from behind it.

        `end` when none did.
        """
        return start + bisect_left(
            range(start, end), position, key=lambda at: self.origin(at, at + 1)[0]
        )


class Way(Protocol):
    """The way from a text that was made from another one back to that."""

    def back(self, start: int, end: int) -> tuple[int, int] | None:
        """The span that a span of the made text, not empty, came from.

        None where nothing in it, or near it, was made: the other text says it as well.
        """

    def position(self, at: int) -> int:
        """The place that a place of the made text came from."""

    @property
    def is_whole_to_end(self) -> bool:
        """True when the made text has the other one's end."""


class Picked:
    """The way of a text made of characters of a view, whose places there are `places`."""

    def __init__(self, source: Shown, places: Sequence[int]) -> None:
        self._source = source
        self._places = places

    def back(self, start: int, end: int) -> tuple[int, int]:
        """The span from where the first character came from to where the last one did."""
        first, last = self._places[start], self._places[end - 1]
        return self._source.origin(first, first + 1)[0], self._source.origin(last, last + 1)[1]

    def position(self, at: int) -> int:
        """The place where what a character came from begins."""
        return self._source.position(self._places[at])

    @property
    def is_whole_to_end(self) -> bool:
        """False: nothing goes on from here."""
        return False


class Reading:
    """A passage, or a text made from it (decoded, joined), as matchers use it.

    A text that was made from another reading, `of`, has a `way` back to its text.
    `decoded` says that a part of it stood in base64 or another code.
    """

    def __init__(
        self,
        passage: Passage,
        text: str | None = None,
        *,
        of: Reading | None = None,
        way: Way | None = None,
        decoded: bool = False,
    ) -> None:
        self.text = passage.text if text is None else text
        self.decoded = decoded
        self._passage = passage
        self._of = of
        self._way = way
        self._shown: dict[View, Shown] = {}
        self._distinct: dict[tuple[View, ...], list[Shown]] = {}
        self._searched: dict[tuple[View, ...], list[tuple[bytes, View]]] = {}
        self._ascii = self.text.isascii()
        # Candidates that were looked at, in this text or in one that it was made from.
        self.judged: Judged = {} if of is None else of.judged
        # Readings made of this one that several kinds share.
        self.made: dict[object, Reading | None] = {}
        self._plain: Plain | None = None
        # False once somebody has looked and found nothing that is spelt out.
        self.maybe_spelt = True
        self._excuses: dict[Callable[[Plain], Excuse], Excuse] = {}

    def show(self, view: View) -> Shown:
        """The text as `view` shows it."""
        if self._ascii:
            view = SAME_IN_ASCII.get(view, view)
        found = self._shown.get(view)
        if found is None:
            found = self._shown[view] = self._made(view)
        return found

    def _made(self, view: View) -> Shown:
        step = STEPS[view]
        if step.of is None:
            return Shown(self.text, view, step.make(self.text))
        before = self.show(step.of)
        text = step.make(before.text)
        if text is before.text:
            return before
        return Shown(self.text, view, text, before)

    def distinct(self, views: tuple[View, ...]) -> list[Shown]:
        """The views that differ in their text, so that none is scanned twice."""
        found = self._distinct.get(views)
        if found is None:
            found = self._distinct[views] = self._differing(views)
        return found

    def _differing(self, views: tuple[View, ...]) -> list[Shown]:
        if self._ascii:
            views = same_in_ascii(views)
        by_text: dict[str, Shown] = {}
        for view in views:
            made = self.show(view)
            by_text.setdefault(made.text, made)
        return list(by_text.values())

    def searched(self, views: tuple[View, ...]) -> list[tuple[bytes, View]]:
        """What a first look at views that differ searches, each with the view to look at then.

        Words are searched with the signs between them, and need not be made.
        """
        found = self._searched.get(views)
        if found is None:
            if all(view in MADE_OF for view in views):
                found = self._outlined(views)
            else:
                found = [(made.data, made.view) for made in self.distinct(views)]
            self._searched[views] = found
        return found

    def _outlined(self, views: tuple[View, ...]) -> list[tuple[bytes, View]]:
        if self._ascii:
            words = self.show(View.FOLDED).words
            if words is not None:
                return [(words, View.FOLDED_WORDS)]
        of = {self.show(MADE_OF[view]).text: view for view in reversed(views)}
        return [(outlined(text), view) for text, view in reversed(of.items())]

    def excuse(self, excuses: Callable[[Plain], Excuse]) -> Excuse:
        """What `excuses` makes of the text, once for all that asks for it."""
        made = self._excuses.get(excuses)
        if made is None:
            self._plain = self._plain or Plain(self.text, self._plainly)
            made = self._excuses[excuses] = excuses(self._plain)
        return made

    def _plainly(self) -> tuple[str, list[tuple[int, int]] | None]:
        shown = self.show(View.PLAIN)
        return shown.text, shown.origins

    def places(self, start: int, end: int) -> tuple[Place, ...]:
        """The places in the parts of a span of the text, which must not be empty.

        None where the text that this one was made from says the same.
        """
        span = self.back(start, end)
        return () if span is None else self._passage.places(*span)

    def back(self, start: int, end: int) -> tuple[int, int] | None:
        """The span of the passage that a span of the text, not empty, came from."""
        if self._way is None or self._of is None:
            return start, end
        span = self._way.back(start, end)
        return None if span is None else self._of.back(*span)

    def position(self, at: int) -> int:
        """The place of the passage that a place of the text came from, its end for the end's."""
        if at >= len(self.text) or not self.is_whole_to_end:
            return len(self._passage.text)
        if self._way is None or self._of is None:
            return at
        return self._of.position(self._way.position(at))

    @property
    def is_written(self) -> bool:
        """True for the passage as it is, and none of what it hides."""
        return self._of is None

    @property
    def is_whole_to_end(self) -> bool:
        """True when the text ends with what the passage ends with."""
        if self._way is None or self._of is None:
            return True
        return self._way.is_whole_to_end and self._of.is_whole_to_end

    @property
    def part(self) -> int | None:
        """The part that all of the text came from; None when it came from several."""
        pieces = self._passage.pieces
        return pieces[0].part if len(pieces) == 1 else None

    def derive(self, text: str, way: Way, *, decoded: bool = False) -> Reading:
        """A reading of a text made from this one; `way` leads back to this one's text."""
        return Reading(self._passage, text, of=self, way=way, decoded=decoded or self.decoded)
