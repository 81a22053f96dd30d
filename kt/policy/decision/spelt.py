"""Text spelt out letter by letter: `i g n o r e`, `i-g-n-o-r-e`."""

from __future__ import annotations

from itertools import pairwise

from kt.policy.decision.engine import compiled
from kt.policy.decision.reading import Reading
from kt.policy.decision.views import View

_RUN = compiled(r"[a-z0-9](?:[ \t._*|/,~+\-]{1,3}[a-z0-9])+")
_LEAST_LETTERS = 6


def spelt(reading: Reading, view: View) -> Reading | None:
    """The spelt-out stretches of a text with their letters joined, a line each.

    A wider gap than the one between letters is kept as a space. None when
    nothing was spelt out.
    """
    shown = reading.show(view)
    letters: list[str] = []
    spans: list[tuple[int, int]] = []
    for start, end in _runs(shown.text):
        for at, sign in _joined(shown.text, start, end):
            letters.append(sign)
            spans.append(shown.origin(at, at + 1))
    return reading.derive("".join(letters), spans) if letters else None


def _runs(text: str) -> list[tuple[int, int]]:
    """Stretches of single letters; the text is cut where a word of two letters stands."""
    return [
        (start, end)
        for start, end in (match.span() for match in _RUN.finditer(text))
        if end - start >= 2 * _LEAST_LETTERS - 1
    ]


def _joined(text: str, start: int, end: int) -> list[tuple[int, str]]:
    """Where each letter stands and what it is; a last line end keeps runs apart."""
    letters = [at for at in range(start, end) if text[at].isalnum()]
    usual = min(after - at for at, after in pairwise(letters))
    found = [(letters[0], text[letters[0]])]
    for at, after in pairwise(letters):
        if after - at > usual:
            found.append((after - 1, " "))
        found.append((after, text[after]))
    return [*found, (letters[-1], "\n")]
