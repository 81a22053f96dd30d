"""Readings of text spelt out letter by letter: `i g n o r e`, `i-g-n-o-r-e`."""

from __future__ import annotations

from itertools import pairwise
from statistics import mode

from kt.policy.decision.matching.unfinished import HOLD_LIMIT
from kt.policy.decision.reading.engine import compiled, every_match, first_match
from kt.policy.decision.reading.hidden.letters import SPELT, STEP
from kt.policy.decision.reading.reading import Picked, Reading
from kt.policy.decision.reading.views import View

# Six letters, each followed by no letter: no prose does that by chance. As are words without
# steps: sixteen letters are more than most words have.
_RUN = first_match(compiled(SPELT))
_RUN_SO_FAR = compiled(f"(?:[a-z](?:{STEP}[a-z])*(?:{STEP})?)?\\z")


def spelt(reading: Reading, view: View) -> Reading | None:
    """The spelt-out stretches of a text with their letters joined, a line each.

    A wider gap than the one between letters is kept as a space. None when
    nothing was spelt out.
    """
    if not reading.maybe_spelt:
        return None
    key = (spelt, view)
    if key not in reading.made:
        reading.made[key] = _spelt(reading, view)
    return reading.made[key]


def _spelt(reading: Reading, view: View) -> Reading | None:
    source = reading.show(view)
    letters: list[str] = []
    places: list[int] = []
    for start, end in every_match(_RUN, source.text):
        run = source.text[start:end]
        if run.isalpha():
            letters.append(f"{run}\n")
            places += [*range(start, end), end - 1]
        else:
            joined = _joined(source.text, _own(source.text, start, end), end)
            places += [at for at, _ in joined]
            letters += [sign for _, sign in joined]
    return reading.derive("".join(letters), Picked(source, places)) if letters else None


def _joined(text: str, start: int, end: int) -> list[tuple[int, str]]:
    """Each letter with its offset; a line end at last keeps runs apart."""
    letters = [at for at in range(start, end) if text[at].isalnum()]
    usual = mode(after - at for at, after in pairwise(letters))
    signs = [(letters[0], text[letters[0]])]
    for at, after in pairwise(letters):
        if after - at > usual:
            signs.append((after - 1, " "))
        signs.append((after, text[after]))
    return [*signs, (letters[-1], "\n")]


def spelling(reading: Reading, view: View) -> int:
    """The place from which the end of a text may be spelt out; its last letter may begin it."""
    source = reading.show(view)
    offset = max(0, len(source.text) - HOLD_LIMIT)
    data = source.text[offset:].encode()
    start = offset + len(data[: _RUN_SO_FAR.search(data).start()].decode())
    return source.position(_own(source.text, start, len(source.text)))


def _own(text: str, start: int, end: int) -> int:
    """The first letter of a run that is not the last one of a word before it; else the end."""
    if start == 0 or start >= end or not text[start - 1].isalnum():
        return start
    return next((at for at in range(start + 1, end) if text[at].isalnum()), end)
