"""A passage with its views, each made when first needed and kept for the decision."""

from __future__ import annotations

from collections.abc import Sequence

from kt.policy.decision.reading.passages import Passage, Place
from kt.policy.decision.reading.views import SAME_IN_ASCII, STEPS, View, origins, same_in_ascii


class Shown:
    """One view of a text: its characters, its UTF-8 bytes, and the way back to the source."""

    def __init__(self, source: str, view: View, text: str) -> None:
        # A lone surrogate, which JSON can carry, has no UTF-8: `?` keeps the offsets.
        self.data = text.encode("utf-8", "replace")
        self.text = text if text.isascii() else self.data.decode()
        self.source = source
        self._view = view
        self._origins: list[tuple[int, int]] | None = None
        self._mapped = False

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The span of the source that a span of this view, not empty, came from."""
        if not self._mapped:
            self._origins = origins(self.source, self._view)
            self._mapped = True
        if self._origins is None:
            return start, end
        return self._origins[start][0], self._origins[end - 1][1]

    def position(self, at: int) -> int:
        """The offset in the source of an offset in this view; the view's end is the source's."""
        if at >= len(self.text):
            return len(self.source)
        return self.origin(at, at + 1)[0]

    def from_source(self, position: int, start: int, end: int) -> int:
        """The first place of a span that came from `position` of the source or from behind it.

        `end` when none did.
        """
        places = range(start, end)
        return next((at for at in places if self.origin(at, at + 1)[0] >= position), end)


class Reading:
    """A passage, or a text made from it (decoded, joined), as matchers use it.

    `spans` has for each character of such a text its span in the passage; None
    when the text is the passage's own.
    """

    def __init__(
        self,
        passage: Passage,
        text: str | None = None,
        spans: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        self.text = passage.text if text is None else text
        self._passage = passage
        self._spans = spans
        self._shown: dict[View, Shown] = {}
        self._distinct: dict[tuple[View, ...], list[Shown]] = {}
        self._ascii = self.text.isascii()
        # Readings made of this one that several kinds share.
        self.made: dict[object, Reading | None] = {}

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
        return before if text is before.text else Shown(self.text, view, text)

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

    def places(self, start: int, end: int) -> tuple[Place, ...]:
        """The places in the parts of a span of the text, which must not be empty."""
        if self._spans is not None:
            start, end = self._spans[start][0], self._spans[end - 1][1]
        return self._passage.places(start, end)

    def derive(self, text: str, spans: Sequence[tuple[int, int]]) -> Reading:
        """A reading of a text made from this one; `spans` leads back to this one's text."""
        if self._spans is None:
            return Reading(self._passage, text, spans)
        mine = self._spans
        return Reading(self._passage, text, [(mine[a][0], mine[b - 1][1]) for a, b in spans])
