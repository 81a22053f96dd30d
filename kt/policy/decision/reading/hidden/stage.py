"""The stage of readings: what is hidden in a text, found once and shown to every kind.

One search says whether a text has any mark of a disguise; a text without one is done. What
its marks say is read with the text around it (see `rewriting`), and what was decoded is
looked at again, to a depth of three. All readings of a text together are at most as long as it
is, or 16,384 characters, so that no text costs more than a few of its own length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from kt.policy.decision.reading.engine import compiled, compiled_set
from kt.policy.decision.reading.hidden import ciphers, escapes, letters, markup, runs
from kt.policy.decision.reading.hidden.rewriting import Rewrite, rewritten
from kt.policy.decision.reading.passages import Passage
from kt.policy.decision.reading.reading import Reading

DEPTH = 3
LEAST = 16 << 10
# What may go on as something hidden: the last word, as all codes have no blanks or groups of a
# few characters, and markup or a word that is broken at a line's end.
_SIGN = r"[^\s\x{2E80}-\x{9FFF}\x{AC00}-\x{D7A3}]"
_BEGUN = compiled(rf"{runs.GROUPS}(?:{_SIGN}|{markup.WITH_BLANKS})*(?:{markup.BEGUN})?\z")

# Apart from those of codes: one automaton of both outgrows the processor's caches.
_MARKS = compiled_set((escapes.MARKS, markup.MARKS, letters.MARKS))
# What hides phrases alone. Together they cost no more than one; with the others they would.
_WORDINGS = compiled_set((*ciphers.MARKS, rf"(?i:{letters.SPELT})"))
_SPELT = len(ciphers.MARKS)

_SURROGATE = re.compile("[\ud800-\udfff]")

Finder = Callable[[str], Iterator[Rewrite]]
# What a text says with its escapes undone, and what it says decoded: what looks like a code may
# be a token, which is looked for as it is.
_LIGHT: tuple[Finder, ...] = (escapes.escapes, markup.markup, letters.hidden_letters)


def readings(passage: Passage) -> Iterator[Reading]:
    """A passage as it is, and what is hidden in it."""
    plain = Reading(passage)
    yield plain
    yield from hidden(plain)


def hidden(plain: Reading) -> Iterator[Reading]:
    """The readings of what a text hides; none of most texts."""
    most = max(len(plain.text), LEAST)
    at = plain
    for depth in range(DEPTH):
        text, data = _sound(at.text)
        if most <= 0:
            return
        marked = _MARKS.Match(data)
        light = [one for number in sorted(marked or ()) for one in _LIGHT[number](text)]
        numbered = list(letters.decoration(text)) if marked and not depth else []
        made = []
        for found in (light, numbered and [*light, *numbered]):
            if found and most > 0:
                made.append(_made(at, apart(found), most))
                most -= len(made[-1].text)
        # Codes that would not be shown are not looked for.
        codes = list(runs.runs(text, data)) if most > 0 else []
        if codes:
            made.append(_made(at, apart([*light, *codes]), most))
            most -= len(made[-1].text)
        yield from made
        if not light and not codes:
            return
        at = made[-1] if codes else made[0]


def disguises(written: Sequence[Reading]) -> Iterator[Reading]:
    """The readings of what hides phrases alone, in texts as they are and as they were read."""
    most = max(LEAST, *(len(one.text) for one in written)) if written else 0
    for reading in written:
        text, data = _sound(reading.text)
        marked = set(_WORDINGS.Match(data) or ())
        # Of other letters a view may show letters of the alphabet.
        reading.maybe_spelt = _SPELT in marked or not data.isascii()
        for find in ciphers.finders(marked - {_SPELT}):
            # What is found is not shown any more.
            if most <= 0:
                break
            found = apart(find(text))
            if found:
                made = _made(reading, found, most)
                yield made
                most -= len(made.text)


def _sound(text: str) -> tuple[str, bytes]:
    """A text of the same length and its UTF-8, which halves of surrogate pairs do not have."""
    try:
        return text, text.encode()
    except UnicodeEncodeError:
        sound = _SURROGATE.sub("\ufffd", text)
        return sound, sound.encode()


def begun(text: str) -> int:
    """The place from which the end of a text may still be something hidden; else its length.

    What is as long as a run may be waits no longer.
    """
    near, data = _sound(text[max(0, len(text) - runs.MOST) :])
    start = len(data[: _BEGUN.search(data).start()].decode())
    return len(text) - len(near) + start if start else len(text) if len(near) == runs.MOST else 0


def _made(of: Reading, rewrites: Sequence[Rewrite], most: int) -> Reading:
    way = rewritten(of.text, rewrites, most=most)
    return of.derive(way.text, way, decoded=any(one.decoded for one in rewrites))


def apart(found: Iterable[Rewrite]) -> list[Rewrite]:
    """Rewrites in order, without those that reach into one before them."""
    kept: list[Rewrite] = []
    for one in sorted(found, key=_order):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


def _order(one: Rewrite) -> tuple[int, int]:
    return one.start, -one.end
