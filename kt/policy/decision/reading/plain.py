"""A text as it reads without disguises, by the places of the text as it is written."""

from __future__ import annotations

from bisect import bisect_left

from kt.policy.decision.reading.views import View, origins, read


class Plain:
    """A text in the view `PLAIN`, made when first asked for; places are those of `text`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._said: str | None = None
        self._starts: list[int] | None = None
        # What several kinds make of it.
        self.made: dict[object, object] = {}

    @property
    def said(self) -> str:
        """All of it."""
        if self._said is None:
            self._said = read(self.text, View.PLAIN)
            spans = origins(self.text, View.PLAIN)
            self._starts = None if spans is None else [start for start, _ in spans]
        return self._said

    def between(self, start: int, end: int) -> str:
        """What stands between two places."""
        return self.said[self.at(start) : self.at(end)]

    def at(self, place: int) -> int:
        """The place in `said` of a place of the text."""
        said = self.said
        if self._starts is None:
            return min(place, len(said))
        return bisect_left(self._starts, place)
