"""The words of a text, without the characters between them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import accumulate
from types import MappingProxyType
from typing import TypeAlias

Bounds: TypeAlias = tuple[Sequence[int], Sequence[int]]
"""Where each of some pieces of a text begins, and where each ends."""

# The standard library's engine: one class, which cannot backtrack, and it knows
# Unicode's letters at a tenth of the states that RE2 needs for them.
_WORD = re.compile(r"([^\W_]+)")
_BETWEEN = re.compile(r"[\W_]+")
_LATIN_1 = range(256)
_TO_SPACE = bytes(code if chr(code).isalnum() else 0x20 for code in _LATIN_1)

# Signs of typography, as a sign of Latin-1 that is no letter either; a dash ends a clause.
_TYPOGRAPHY = {
    **dict.fromkeys("\u2018\u2019\u201a\u201c\u201d\u201e\u2039\u203a", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2015\u2022\u2026\u20ac\u2190\u2192", '"'),
    **dict.fromkeys("\u2013\u2014", ";"),
}

SIGNS: Mapping[str, str] = MappingProxyType({"!": "end", "^": "line", ",": "comma"})
"""What stands between words in `marked`: a clause's end, a line's, a comma or bracket."""


def _piece_of(sign: str) -> str:
    if sign.isalnum() or sign in ".,":
        return sign
    if sign in "!?:;|":
        return "!"
    if sign in "\n\r\x0b\x0c\x85":
        return "^"
    if sign == "(":
        return ","
    return "~" if sign == "-" else " " if sign.isspace() else "-"


_PIECES = "".join(_piece_of(chr(code)) for code in _LATIN_1).encode("latin-1")
_REST = bytes(0x20 if chr(code) in ".-~" else code for code in _LATIN_1)

OTHER = "?"
"""What a character that is not ASCII is in `outlined`; no letter of a word, for RE2."""
_OUTLINE = bytes(
    ord(OTHER) if code > 127 or chr(code) == "?" else code if chr(code).isalnum() else 0x20
    for code in _LATIN_1
)

# Scripts that put no space between words, each of whose letters may begin or end one:
# Thai, Lao, Tibetan, Myanmar, Khmer, kana, Bopomofo, Han.
_UNSPACED = (
    r"\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u312f\u3400-\u4dbf"
    r"\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_LATIN = r"A-Za-z\u00c0-\u024f\u1e00-\u1eff"
_OTHER = rf"[^\W\d_{_LATIN}{_UNSPACED}]"
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_IS_LATIN = re.compile(f"[{_LATIN}]")
_START = re.compile(
    rf"(?<![^\W_])(?=[^\W_])|(?=[{_UNSPACED}])|(?<=[{_UNSPACED}])(?=[^\W_])"
    rf"|(?<=[{_LATIN}])(?={_OTHER})|(?<={_OTHER})(?=[{_LATIN}])"
)


def spaced(text: str) -> str:
    """The words of a text with one space between two and none around them."""
    data = _latin_1(text)
    if data is None:
        return _BETWEEN.sub(" ", text).strip(" ")
    return " ".join(data.translate(_TO_SPACE).decode("latin-1").split())


def marked(text: str) -> bytes | None:
    """The words of a text and the signs that end or divide a clause, blanks between them.

    In Latin-1; None for a text with letters of other alphabets.
    """
    data = _latin_1(text)
    if data is None:
        return None
    data = data.translate(_PIECES) + b" "
    # Each step only where there is something to do. A line's end is a blank for what follows.
    if b"^" in data:
        data = data.replace(b"^", b" ^ ")
    if b"~" in data and b" ~" in data:
        for dash in (b" ~ ", b" ~ ", b" ~~ ", b" ~~ "):
            data = data.replace(dash, b" ! ")
    data = data.replace(b". ", b"! ")
    for sign in (b"!", b","):
        if sign in data:
            data = data.replace(sign, b" " + sign + b" ")
    return data.translate(_REST)


def outlined(text: str) -> bytes:
    """The ASCII words of a text, for a first look: `OTHER` for each character that is not ASCII.

    That may be a letter or stand between two words; all ASCII between words is a blank.
    """
    return text.encode("latin-1", "replace").translate(_OUTLINE)


def _latin_1(text: str) -> bytes | None:
    """A text in Latin-1, other signs for those of typography; None where it has other letters."""
    if not text.isascii():
        for sign, written in _TYPOGRAPHY.items():
            if sign in text:
                text = text.replace(sign, written)
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return None


def word_bounds(text: str) -> Bounds:
    """Where the words of a text begin, and where they end."""
    # The lengths of what a split leaves cost half of what matches do.
    bounds = list(accumulate(map(len, _WORD.split(text))))
    return bounds[:-1:2], bounds[1::2]


def word_starts(text: str) -> Sequence[int]:
    """Where words begin, by the rule of `joined`; an underscore ends one."""
    if text.isascii():
        return word_bounds(text)[0]
    return [match.start() for match in _START.finditer(text)]


def joined(left: str, right: str) -> bool:
    """Whether two characters that stand side by side belong to one word.

    Where Latin letters meet those of another script a word ends, as in `项目falcon的`.
    """
    kinds = {_kind(left), _kind(right)}
    return "" not in kinds and (len(kinds) == 1 or "digit" in kinds)


def latin(sign: str) -> bool:
    """Whether a character is a letter of the Latin script, accents and all."""
    return bool(_IS_LATIN.match(sign))


def _kind(sign: str) -> str:
    """What a character is for words; "" for one that joins no other."""
    if not sign.isalpha():
        return "digit" if sign.isalnum() or sign == "_" else ""
    if latin(sign):
        return "latin"
    return "" if _IS_UNSPACED.match(sign) else "other"
