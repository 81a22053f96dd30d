"""A text as it reads without disguises, by the places of the text as it is written."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from kt.policy.decision.reading.views import Spans, View, origins, read


class Plain:
    """A text in the view `PLAIN`, made when first asked for; places are those of `text`.

    `made` gives the view and the way back, for who has them already.
    """

    def __init__(
        self, text: str, made: Callable[[], tuple[str, Spans | None]] | None = None
    ) -> None:
        self.text = text
        self._make = made or self._read
        self._said: str | None = None
        self._spans: Spans | None = None
        # What several kinds make of it.
        self.made: dict[object, object] = {}

    @property
    def said(self) -> str:
        """All of it."""
        if self._said is None:
            self._said, self._spans = self._make()
        return self._said

    def _read(self) -> tuple[str, Spans | None]:
        return read(self.text, View.PLAIN), origins(self.text, View.PLAIN)

    def between(self, start: int, end: int) -> str:
        """What stands between two places."""
        return self.said[self.at(start) : self.at(end)]

    def at(self, place: int) -> int:
        """The place in `said` of a place of the text."""
        said = self.said
        if self._spans is None:
            return min(place, len(said))
        return bisect_left(self._spans, (place, 0))
