"""Clauses: where they end, and the words after a phrase that make it harmless in its own.

A `bomb shelter` is no bomb. In `build a bomb. Shelter is cheap` and in `build a bomb
test it` the same words excuse nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import lru_cache

from kt.policy.decision.reading.plain import Plain
from kt.policy.decision.reading.views import View, read


def word_set(words: str) -> frozenset[str]:
    """The words of a text, to look one up in."""
    return frozenset(words.split())


BLANK = " \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
"""The blanks of a line, to stand in a class of characters."""

# What joins two words of a clause: blanks, and Markdown's emphasis on either word. Anything
# else ends it, a sign that nobody thought of too: that way an attack is found, not excused.
_GAP = rf"(?:[*_]*[{BLANK}]+[*_]*|[*_]+|-)"
_NEXT_WORD = re.compile(rf"{_GAP}([A-Za-z]+)(?![^\W_])")
_FOLLOWING = re.compile(rf"{_GAP}([^\W_]+)")
_NOTHING_YET = re.compile(rf"[{BLANK}*_-]*$")
_LOOK_AHEAD = 64

_DETACHED = re.compile(r"(?<!\S)[*_]+(?=\s)")

# `PLAIN` shows every dash as `-`. Only hyphens join words; the others end a clause.
_HYPHENS = "-\u2010\u2011"
_WORD = re.compile(r"[^\W\d_]+")

# Where a clause may end within a phrase; too often does no harm.
_CLAUSE_END = re.compile(
    rf"[^\w{BLANK},()*'\u2019\-]|\B['\u2019\-]|['\u2019\-]\B|{_DETACHED.pattern}"
)

# Words after `bomb test` that go on with a thing of that name. The others are ordinary words:
# after `build a bomb` they say what to do with it.
_OF_A_TEST = word_set(
    "in for at on with near against of from during within by using "
    "bench campaign campaigns case cases chamber data design email emails environment equipment "
    "exercise exercises facility harness kit kits lab laboratory message messages plan plans "
    "procedure procedures program programme range record report results rig scenario scenarios "
    "schedule script site stand suite team template track training vehicle"
)
# Words that end the name of a thing and begin to say something else.
_ELSE = word_set(
    "it this these those them me him her us you i we he she they the a an my your our his their "
    "first please not no now then is are was were be will must should can never always aside "
    "later"
)
_VERBS = frozenset(("drill", "test", "tests"))
# Nothing that anybody builds: only what is named after it, `a bomb safety course`.
_ADJECTIVES = frozenset(("response", "safety"))
_AS_A_NOUN = word_set("in for at on with as to and or of from by using but so")


def compounded(
    plain: Plain, start: int, end: int, words: Collection[str]
) -> tuple[int, int] | None:
    """The part of a phrase that is one of `words` with it, `a bomb shelter`: its last clause."""
    after = plain.between(end, end + _LOOK_AHEAD)
    word = _NEXT_WORD.match(after)
    if not word or word[1].lower() not in words:
        return None
    text = plain.text
    after = read(_until_dash(text[end : end + _LOOK_AHEAD]), View.PLAIN)
    word = _NEXT_WORD.match(after)
    if not word or _begins_sentence(plain.between(start, end), word[1]):
        return None
    rest = after[word.end() :]
    if _NOTHING_YET.match(rest) and len(text) > end + _LOOK_AHEAD:
        return None
    following = _FOLLOWING.match(rest)
    if not _names_a_thing(word[1].lower(), following[1].lower() if following else ""):
        return None
    return max(clause_ends(text, start, end), default=start), end


def clause_ends(text: str, start: int, end: int) -> Iterator[int]:
    """Where clauses may end within a span."""
    return (
        match.end() for match in _CLAUSE_END.finditer(text, start, end) if not _unseen(match[0][0])
    )


def detached(text: str) -> str:
    """The text with a sign in place of emphasis that stands by itself and emphasises nothing."""
    return _DETACHED.sub(lambda match: ";" * len(match[0]), text)


def _names_a_thing(word: str, following: str) -> bool:
    """Whether a word after a phrase is a noun's, by the one that follows in its clause, if any."""
    if word in _VERBS:
        return not following or following in _OF_A_TEST
    if word in _ADJECTIVES:
        return bool(following) and following not in _ELSE | _AS_A_NOUN
    return following not in _ELSE


def _begins_sentence(before: str, word: str) -> bool:
    """Whether a word has a capital, and what stands before it is not written in the same way."""
    words = [one for one in _WORD.findall(before) if len(one) > len("the")]
    alike = str.isupper if word.isupper() else str.istitle
    return word[0].isupper() and not all(map(alike, words))


def _unseen(sign: str) -> bool:
    """Whether a character is a part of the one before it: a combining mark, or a format's."""
    kind = unicodedata.category(sign)
    return kind.startswith("M") or kind == "Cf"


def _until_dash(text: str) -> str:
    """The text up to the first character that is read as a hyphen and is none."""
    if text.isascii() or "-" not in read(text, View.PLAIN):
        return text
    signs = enumerate(text)
    return text[: next((at for at, sign in signs if _is_dash(sign)), len(text))]


@lru_cache(maxsize=1024)
def _is_dash(sign: str) -> bool:
    return sign not in _HYPHENS and read(sign, View.PLAIN) == "-"
