"""The views of a text that matchers see, and the way back to the original.

| view | made by |
|---|---|
| `RAW` | no change |
| `LOWER` | casefolded, for a kind with `normalize_unicode` off |
| `FOLDED` | NFKC, default-ignorables dropped, casefolded |
| `SIGNS` | NFKC, default-ignorables dropped, digits, punctuation and Latin letters read as ASCII |
| `PLAIN` | `SIGNS`, letters of other scripts that look like Latin ones read as these |
| `SKELETON` | `PLAIN`, casefolded |
| `LOWER_WORDS`, `FOLDED_WORDS`, `SKELETON_WORDS` | the words alone, one space between two |

The text of a view is made by fast whole-string calls; the map back is built
only when something hit, one combining cluster at a time.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from kt.policy.decision.reading.engine import compiled
from kt.policy.decision.reading.lookalikes import ALIKE, IGNORED, SIGNS, Signs
from kt.policy.decision.reading.words import spaced, word_spans

Spans = list[tuple[int, int]]


def _class(table: Mapping[int, object]) -> str:
    """A regular expression's class of the characters that a table changes."""
    changed = (point for point, read_as in table.items() if read_as != point)
    signs = "".join(f"\\x{{{point:x}}}" for point in changed)
    return f"[{signs}]"


class View(StrEnum):
    RAW = "raw"
    LOWER = "lower"
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

# A search for something to translate costs less than translating.
_SOME_IGNORED = compiled(_class(IGNORED))
_SOME_SIGNS = compiled(_class(SIGNS))
_SOME_ALIKE = compiled(_class(ALIKE))

SAME_IN_ASCII: Mapping[View, View] = MappingProxyType(
    {
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


def read(text: str, view: View) -> str:
    """The text as `view` shows it. Pure; ASCII text costs at most one lower-casing."""
    step = STEPS[view]
    return step.make(text if step.of is None else read(text, step.of))


def _folded(text: str) -> str:
    return (
        text.lower()
        if text.isascii()
        else _read_as(_compatible(text), IGNORED, _SOME_IGNORED).casefold()
    )


def _signs(text: str) -> str:
    return text if text.isascii() else _read_as(_compatible(text), SIGNS, _SOME_SIGNS)


def _plain(text: str) -> str:
    return text if text.isascii() else _read_as(text, ALIKE, _SOME_ALIKE)


def _read_as(text: str, table: Signs, some: Any) -> str:
    return text.translate(table) if some.search(text.encode("utf-8", "replace")) else text


def _compatible(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", piece) for piece in _pieces(text))


def _pieces(text: str) -> list[str]:
    """The text in pieces: one, or more where marks crowd, so that normalising stays linear."""
    if not _CROWD.search(text.encode("utf-8", "replace")):
        return [text]
    # Not by RE2, which looks through all the rest of the text for each piece.
    cuts = [0]
    marks = 0
    for at, sign in enumerate(text):
        marks = marks + 1 if _is_mark(sign) else 0
        if marks == _MOST_MARKS:
            cuts.append(at + 1)
            marks = 0
    return [text[start:end] for start, end in pairwise([*cuts, len(text)]) if start < end]


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
        View.FOLDED: ViewStep(_folded),
        View.SIGNS: ViewStep(_signs),
        View.PLAIN: ViewStep(_plain, View.SIGNS),
        View.SKELETON: ViewStep(str.casefold, View.PLAIN),
        View.LOWER_WORDS: ViewStep(spaced, View.LOWER),
        View.FOLDED_WORDS: ViewStep(spaced, View.FOLDED),
        View.SKELETON_WORDS: ViewStep(spaced, View.SKELETON),
    }
)


def origins(text: str, view: View) -> Spans | None:
    """For each character of `read(text, view)`, the span of `text` it came from.

    None means that every character came from the one at its own place.
    """
    if view in MADE_OF:
        return word_origins(read(text, MADE_OF[view]), origins(text, MADE_OF[view]))
    if view is View.RAW or text.isascii():
        return None
    signs = frozenset(text)
    if all(_is_one(sign, view) for sign in signs):
        return None
    # Marks are counted from the first that stand side by side.
    other = frozenset(sign for sign in signs if _is_mark(sign) or not _is_one(sign, view))
    spans: Spans = []
    at = 0
    for start, end in _stretches(text, other):
        # The character before may be one with them.
        first = max(at, start - 1)
        spans.extend(_same(at, first))
        spans.extend([(first + low, first + high) for low, high in _known(text[first:end], view)])
        at = end
    spans.extend(_same(at, len(text)))
    length = len(read(text, view))
    if len(spans) != length:
        # A letter's own marks may be sorted past a cluster's end. Cutting too much is safe.
        return [(0, len(text))] * length
    return spans


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
    places = [at for at, sign in enumerate(text) if sign in signs]
    starts = [at for before, at in pairwise([-2, *places]) if at > before + 1]
    ends = [at + 1 for at, after in pairwise([*places, len(text) + 1]) if after > at + 1]
    return zip(starts, ends, strict=True)


# The same few stand everywhere in a text, up to this length.
_FEW = 16


def _known(stretch: str, view: View) -> Spans:
    return _few_clusters(stretch, view) if len(stretch) <= _FEW else _clusters(stretch, view)


@lru_cache(maxsize=8192)
def _few_clusters(stretch: str, view: View) -> Spans:
    return _clusters(stretch, view)


def _clusters(stretch: str, view: View) -> Spans:
    """The origins, within a stretch of a text, of what is shown of it. Nothing joins its ends."""
    spans: Spans = []
    start = 0
    for end in _cluster_ends(stretch, view, {sign for sign in set(stretch) if _begins(sign)}):
        one = end == start + 1 and _size(stretch[start], view) == 1
        spans.extend([(start, end)] * (1 if one else len(read(stretch[start:end], view))))
        start = end
    return spans


@lru_cache(maxsize=8192)
def _size(sign: str, view: View) -> int:
    """The number of characters that a view shows for one."""
    return len(read(sign, view))


@lru_cache(maxsize=8192)
def _is_one(sign: str, view: View) -> bool:
    """Whether a view shows one character for one, whatever stands around it."""
    return (view is View.LOWER or _begins(sign)) and _size(sign, view) == 1


def word_origins(shown: str, made: Spans | None) -> Spans:
    """The origins of the words of a view, of which `made` are those of its characters.

    A space came from all that stood between two words.
    """
    made = made or _same(0, len(shown))
    spans: Spans = []
    for start, end in word_spans(shown):
        if spans:
            # Two words may come from one character: `¼` has two numbers.
            before, after = sorted((spans[-1][1], made[start][0]))
            spans.append((before, after))
        spans.extend(made[start:end])
    return spans


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


@lru_cache(maxsize=8192)
def _stands_alone(sign: str) -> bool:
    """Whether normalising leaves a character as it is, whatever stands before it.

    Marks and the letters of Hangul's syllables may join what stands before them.
    """
    if unicodedata.category(sign)[0] == "M" and (
        unicodedata.combining(sign) or sign in _JOINING or sign >= _OLDER
    ):
        return False
    jamo = "\u1100" <= sign <= "\u11ff" or "\ud7b0" <= sign <= "\ud7ff"
    return not jamo and unicodedata.normalize("NFKC", sign) == sign
