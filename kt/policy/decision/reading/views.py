"""The views of a text that matchers see, and the way back to the original.

| view | made by |
|---|---|
| `RAW` | no change |
| `LOWER` | casefolded, for a kind with `normalize_unicode` off |
| `COMPATIBLE` | NFKC |
| `CLEAN` | `COMPATIBLE`, default-ignorables dropped |
| `FOLDED` | `CLEAN`, casefolded |
| `SIGNS` | `CLEAN`, loose marks dropped, digits, punctuation and Latin letters read as ASCII |
| `PLAIN` | `SIGNS`, letters of other scripts that look like Latin ones read as these |
| `SKELETON` | `PLAIN`, casefolded |
| `LOWER_WORDS`, `FOLDED_WORDS`, `SKELETON_WORDS` | the words alone, one space between two |

The text of a view is made by fast whole-string calls, and what two views share once; the map back
is built only when something hit, one combining cluster at a time.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from itertools import accumulate, pairwise
from types import MappingProxyType

from kt.policy.decision.reading.engine import compiled
from kt.policy.decision.reading.lookalikes import ALIKE, IGNORED, SIGNS, Signs
from kt.policy.decision.reading.words import spaced, word_bounds

Spans = list[tuple[int, int]]


class View(StrEnum):
    RAW = "raw"
    LOWER = "lower"
    COMPATIBLE = "compatible"
    CLEAN = "clean"
    FOLDED = "folded"
    SIGNS = "signs"
    PLAIN = "plain"
    SKELETON = "skeleton"
    LOWER_WORDS = "lower words"
    FOLDED_WORDS = "folded words"
    SKELETON_WORDS = "skeleton words"


WORDS_OF: Mapping[View, View] = MappingProxyType(
    {
        View.LOWER: View.LOWER_WORDS,
        View.FOLDED: View.FOLDED_WORDS,
        View.SKELETON: View.SKELETON_WORDS,
    }
)
MADE_OF: Mapping[View, View] = MappingProxyType({words: view for view, words in WORDS_OF.items()})


_ASTRAL = 0x10000


class _ReadAs:
    """What a table makes of a text. A search for something to translate costs less than that."""

    def __init__(self, table: Signs) -> None:
        self._table = table
        changed = [point for point, read_as in table.items() if read_as != point]
        signs = "".join(f"\\x{{{point:x}}}" for point in changed)
        self._some = compiled(f"[{signs}]")
        # All else is passed over by the search, at a tenth of what a look at the table costs.
        # Beyond the first plane the class would be a list to go through.
        near = "".join(chr(point) for point in changed if point < _ASTRAL)
        self._runs = re.compile(f"[{re.escape(near)}{chr(_ASTRAL)}-{chr(sys.maxunicode)}]+")

    def __call__(self, text: str) -> str:
        if text.isascii() or not self._some.search(text.encode("utf-8", "replace")):
            return text
        return self._runs.sub(self._one, text)

    def _one(self, run: re.Match[str]) -> str:
        return run[0].translate(self._table)


_without_ignored = _ReadAs(IGNORED)
_with_signs = _ReadAs(SIGNS)
_alike = _ReadAs(ALIKE)

SAME_IN_ASCII: Mapping[View, View] = MappingProxyType(
    {
        View.COMPATIBLE: View.RAW,
        View.CLEAN: View.RAW,
        View.SIGNS: View.RAW,
        View.PLAIN: View.RAW,
        View.LOWER: View.FOLDED,
        View.SKELETON: View.FOLDED,
        View.LOWER_WORDS: View.FOLDED_WORDS,
        View.SKELETON_WORDS: View.FOLDED_WORDS,
    }
)
"""The views of ASCII text that are the same as another one, and need not be made."""


@cache
def same_in_ascii(views: tuple[View, ...]) -> tuple[View, ...]:
    """The views that differ in an ASCII text."""
    return tuple(dict.fromkeys(SAME_IN_ASCII.get(view, view) for view in views))


# No composition looks further back than this many characters.
_REACH = 8

# CPython orders the marks of one cluster by insertion: 40,000 of them take seconds.
# As in the stream-safe format of UAX #15, a cluster ends after 30 marks.
_MARK = r"[\pM\x{FF9E}\x{FF9F}]"
_CROWD = compiled(f"{_MARK}{{31}}")
_MOST_MARKS = 30
_MAY_CROWD = re.compile(f"[^\x00-\u02ff]{{{_MOST_MARKS},}}")


def read(text: str, view: View) -> str:
    """The text as `view` shows it. Pure; ASCII text costs at most one lower-casing."""
    step = STEPS[view]
    return step.make(text if step.of is None else read(text, step.of))


def _compatible(text: str) -> str:
    if text.isascii():
        return text
    return "".join([unicodedata.normalize("NFKC", piece) for piece in _pieces(text)])


def _pieces(text: str) -> list[str]:
    """The text in pieces: one, or more where marks crowd, so that normalising stays linear."""
    if not _crowded(text):
        return [text]
    # Not by RE2, which looks through all the rest of the text for each piece.
    cuts = [0]
    for crowd in _MAY_CROWD.finditer(text):
        marks = 0
        for at in range(*crowd.span()):
            marks = marks + 1 if _is_mark(text[at]) else 0
            if marks == _MOST_MARKS:
                cuts.append(at + 1)
                marks = 0
    return [text[start:end] for start, end in pairwise([*cuts, len(text)]) if start < end]


def _crowded(text: str) -> bool:
    return len(text) > _MOST_MARKS and bool(_CROWD.search(text.encode("utf-8", "replace")))


def _is_mark(sign: str) -> bool:
    return sign > "\u02ff" and (unicodedata.category(sign)[0] == "M" or sign in "\uff9e\uff9f")


@dataclass(frozen=True, slots=True)
class ViewStep:
    """The making of a view: `make` is called with the text of the view `of`, or the original."""

    make: Callable[[str], str]
    of: View | None = None


STEPS: Mapping[View, ViewStep] = MappingProxyType(
    {
        View.RAW: ViewStep(str),
        View.LOWER: ViewStep(str.casefold),
        View.COMPATIBLE: ViewStep(_compatible, View.RAW),
        View.CLEAN: ViewStep(_without_ignored, View.COMPATIBLE),
        View.FOLDED: ViewStep(str.casefold, View.CLEAN),
        View.SIGNS: ViewStep(_with_signs, View.CLEAN),
        View.PLAIN: ViewStep(_alike, View.SIGNS),
        View.SKELETON: ViewStep(str.casefold, View.PLAIN),
        View.LOWER_WORDS: ViewStep(spaced, View.LOWER),
        View.FOLDED_WORDS: ViewStep(spaced, View.FOLDED),
        View.SKELETON_WORDS: ViewStep(spaced, View.SKELETON),
    }
)


SIGN_BY_SIGN = frozenset((View.CLEAN, View.FOLDED, View.SIGNS, View.PLAIN, View.SKELETON))
"""Views that drop characters of the one that they are made of, or show two for some, never both.

Where both are as long, each character came from the one at its place.
"""


def origins(text: str, view: View, shown: str | None = None) -> Spans | None:
    """For each character of `shown`, which is `read(text, view)`, the span of `text` it came from.

    None means that every character came from the one at its own place.
    """
    if view in MADE_OF:
        of = MADE_OF[view]
        words = read(text, view)
        places = WordPlaces(words, read(text, of), origins(text, of))
        return [places.origin(at) for at in range(len(words))]
    if view is View.RAW or text.isascii():
        return None
    spans: Spans = []
    at = 0
    for start, end in _stretches(text, _not_one(text, view)):
        # The character before may be one with them.
        first = max(at, start - 1)
        known = _known(text[first:end], view)
        if known is not None:
            spans.extend(_same(at, first))
            spans.extend([(first + low, first + high) for low, high in known])
            at = end
    length = len(read(text, view) if shown is None else shown)
    if at == 0 and len(text) == length:
        return None
    spans.extend(_same(at, len(text)))
    if len(spans) != length:
        # A letter's own marks may be sorted past a cluster's end. Cutting too much is safe.
        return [(0, len(text))] * length
    return spans


def _not_one(text: str, view: View) -> Collection[str]:
    """The characters of a text of which a view may not show each by itself."""
    signs = frozenset(text)
    other = frozenset([sign for sign in signs if not _is_one(sign, view)])
    # Marks are counted from the first that stand side by side.
    return other.union(filter(_is_mark, signs)) if other and _crowded(text) else other


# The spans of single characters, made once: to make them anew for each view takes most of the time.
_SINGLE: Spans = []
_MOST_SINGLE = 16 << 10


def _same(first: int, last: int) -> Spans:
    """The spans of the characters between two places, each by itself."""
    if last > _MOST_SINGLE:
        return list(zip(range(first, last), range(first + 1, last + 1), strict=True))
    if not _SINGLE:
        _SINGLE[:] = zip(range(_MOST_SINGLE), range(1, _MOST_SINGLE + 1), strict=True)
    return _SINGLE[first:last]


def _stretches(text: str, signs: Collection[str]) -> Iterator[tuple[int, int]]:
    """The stretches of a text of some characters alone."""
    places = sorted(_places(text, signs))
    starts = [at for before, at in pairwise([-2, *places]) if at > before + 1]
    ends = [at + 1 for at, after in pairwise([*places, len(text) + 1]) if after > at + 1]
    return zip(starts, ends, strict=True)


# To search for each of so many characters takes less than to look at each sign of a text, unless
# they stand at every so many signs.
_MANY = 48
_DENSE = 4


def _places(text: str, signs: Collection[str]) -> Iterable[int]:
    """The places of some characters in a text."""
    if len(signs) > _MANY or sum(map(text.count, signs)) * _DENSE > len(text):
        return [at for at, sign in enumerate(text) if sign in signs]
    return [at for sign in signs for at in _places_of(text, sign)]


def _places_of(text: str, sign: str) -> Iterator[int]:
    at = text.find(sign)
    while at >= 0:
        yield at
        at = text.find(sign, at + 1)


# The same few stand everywhere in a text, up to this length.
_FEW = 16


def _known(stretch: str, view: View) -> Spans | None:
    return _few_clusters(stretch, view) if len(stretch) <= _FEW else _clusters(stretch, view)


@lru_cache(maxsize=8192)
def _few_clusters(stretch: str, view: View) -> Spans | None:
    return _clusters(stretch, view)


def _clusters(stretch: str, view: View) -> Spans | None:
    """The origins, within a stretch of a text, of what is shown of it. Nothing joins its ends.

    None where each came from the one at its own place.
    """
    spans: Spans = []
    start = 0
    for end in _cluster_ends(stretch, view, {sign for sign in set(stretch) if _begins(sign)}):
        cluster = stretch[start:end]
        size = _size(cluster, view) if len(cluster) <= _FEW else len(read(cluster, view))
        spans += [(start, end)] * size
        start = end
    return None if spans == _same(0, len(stretch)) else spans


@lru_cache(maxsize=8192)
def _size(cluster: str, view: View) -> int:
    """The number of characters that a view shows for one, or for a few that are one cluster."""
    return len(read(cluster, view))


@lru_cache(maxsize=8192)
def _is_one(sign: str, view: View) -> bool:
    """Whether a view shows one character for one, whatever stands around it."""
    return (view is View.LOWER or _begins(sign)) and _size(sign, view) == 1


class WordPlaces:
    """The way from the words of a view, `words`, back to the text it shows, a place at a time.

    `shown` is the view that they are of, and `made` are the origins of its characters.
    """

    def __init__(self, words: str, shown: str, made: Spans | None) -> None:
        self._made = made
        self._starts, self._ends = word_bounds(shown)
        # Where each word begins in `words`.
        self._begun = [0, *accumulate(len(word) + 1 for word in words.split(" "))]

    def origin(self, place: int) -> tuple[int, int]:
        """The span that one character came from; a space came from all between two words."""
        number = bisect_right(self._begun, place) - 1
        at = self._starts[number] + place - self._begun[number]
        if at < self._ends[number]:
            return self._of(at)
        before, after = self._of(at - 1)[1], self._of(self._starts[number + 1])[0]
        # Two words may come from one character: `¼` has two numbers.
        return (before, after) if before <= after else (after, before)

    def _of(self, at: int) -> tuple[int, int]:
        return (at, at + 1) if self._made is None else self._made[at]


def _cluster_ends(text: str, view: View, beginning: Collection[str]) -> list[int]:
    """Where clusters end; characters that are `beginning` one whatever stands before them."""
    if view is View.LOWER:
        return list(range(1, len(text) + 1))
    ends: list[int] = []
    base = 0
    for piece in _pieces(text):
        ends += [
            base + at
            for at in range(1, len(piece))
            if piece[at] in beginning or _separate(piece, at)
        ]
        base += len(piece)
        ends.append(base)
    return ends if text else []


def _begins(sign: str) -> bool:
    return sign < "\u0300" or _stands_alone(sign)


def _separate(text: str, at: int) -> bool:
    """True when normalising the text before `at` and from `at` apart is the same as together."""
    sign = text[at]
    if unicodedata.combining(sign):
        return False
    before = text[max(0, at - _REACH) : at]
    apart = unicodedata.normalize("NFKC", before) + unicodedata.normalize("NFKC", sign)
    return unicodedata.normalize("NFKC", before + sign) == apart


# Vowel signs and the like that no accent's class orders, and that yet join what stands before
# them in Unicode's compositions. None of older characters will ever be added.
_JOINING = frozenset(
    "\u09be\u09d7\u0b3e\u0b56\u0b57\u0bbe\u0bd7\u0cc2\u0cd5\u0cd6\u0d3e\u0d57\u0dcf\u0ddf"
    "\u0fb5\u0fb7\u102e\u1b35"
)
_OLDER = "\U00011000"
_SELECTORS = "\U000e0000"


@lru_cache(maxsize=8192)
def _stands_alone(sign: str) -> bool:
    """Whether normalising leaves a character as it is, whatever stands before it.

    Marks and the letters of Hangul's syllables may join what stands before them.
    """
    if unicodedata.category(sign)[0] == "M" and (
        unicodedata.combining(sign) or sign in _JOINING or _OLDER <= sign < _SELECTORS
    ):
        return False
    jamo = "\u1100" <= sign <= "\u11ff" or "\ud7b0" <= sign <= "\ud7ff"
    return not jamo and unicodedata.normalize("NFKC", sign) == sign
