"""Runs of letters or numbers that are text in another code: base64, 32 and 85, hex, numbers.

A run counts only when it is text once decoded. What ASCII text looks like in each code is known
by its first characters, so that names, hashes and identifiers are seldom decoded at all.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from kt.policy.decision.reading.engine import (
    compiled,
    compiled_set,
    every_match,
    first_match,
)
from kt.policy.decision.reading.hidden.rewriting import Rewrite

_Reader: TypeAlias = Callable[[str], str]
_Finder: TypeAlias = Callable[[str], Iterator[Rewrite]]
_Code: TypeAlias = tuple[str, str, _Reader]

_LETTER = r"[A-Za-z0-9+/_\-]"
# Four letters of base64 that stand for three ASCII characters, each with its high bit off.
_FOUR = rf"[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589]{_LETTER}"
_BASE64_ASCII = rf"(?:{_FOUR}[ \r\n]{{0,2}}){{3,}}{_FOUR}"
# Characters of two and three bytes in UTF-8, which begin or end with a group of four letters.
_BASE64_OTHER = (
    rf"(?:[4-6]{_LETTER}{{3}}){{3}}"
    rf"|(?:[w-z0-3]{_LETTER}{{3}}[g-v]{_LETTER}{{3}}){{2}}"
    rf"|(?:[g-v]{_LETTER}{{3}}[w-z0-3]{_LETTER}{{3}}){{2}}"
)
# A byte of text, ends of lines and tabs among them.
_BYTE = r"(?:0[xX])?(?:[2-7][0-9A-Fa-f]|0[9AaDd])"
_HEX = rf"(?:{_BYTE}[ ,:;\-]{{0,2}}){{7,}}{_BYTE}"
# ASCII text in UTF-16: a zero beside each byte, before or behind it.
_GAP = r"[ ,:;\-]{0,2}"
_ZERO = r"(?:0[xX])?00"
_WIDE = rf"{_BYTE}{_GAP}{_ZERO}"
_HEX_WIDE = rf"(?:{_ZERO}{_GAP})?{_WIDE}(?:{_GAP}{_WIDE}){{6,}}(?:{_GAP}{_BYTE})?"
_OCTAL = r"(?:(?:(?:0[4-7]|1[0-7])[0-7]|01[25])[ ,;]{1,2}){7,}(?:0[4-7]|1[0-7])[0-7]"
_DECIMAL = r"(?:(?:1[0-2][0-9]|[3-9][0-9]|1[03])[ ,;]{1,2}){7,}(?:1[0-2][0-9]|[3-9][0-9])"
_BINARY = r"(?:0[01]{7}[ ,]{0,2}){4,}0[01]{7}"
_BASE32 = r"[A-P][A-Z2-7]{7}[ \r\n]{0,2}[A-P][A-Z2-7]{7}"
_BASE32_SMALL = r"(?:[a-p][a-z2-7]{7}){2}"
# Four bytes of ASCII text are at least 10 and at most 41 by their first digit, with the end of a
# line as the first of them at least 2.
_ASCII85 = r"(?:[#-J][!-u]{4}){5,}"
_BASE85 = r"(?:[A-Za-f][0-9A-Za-z!#$%&()*+\-;<=>?@^_`{|}~]{4}){5,}"

GROUPS = (
    rf"(?:(?:{_FOUR})+[ \r\n]{{1,2}}|[A-P][A-Z2-7]{{7}}[ \r\n]{{1,2}}"
    rf"|{_BYTE}[ ,:;\-]{{1,2}}|(?:0[xX])?00[ ,:;\-]{{1,2}}|[01]?[0-9]{{2}}[ ,;]{{1,2}}"
    r"|0[01]{7}[ ,]{1,2}|(?:\b[0-9A-Za-z]|[!-/:-@\[-`{-~]) {1,3})*"
)
"""What of a run with blanks may stand before the end of a text, for RE2."""

MOST = 16 << 10
"""Characters of one run that are decoded."""
_OTHER = first_match(compiled(_BASE64_OTHER))
_LETTERS = re.compile(r"[A-Za-z0-9+/_\-]*")
_MORE_SIGNS = re.compile(r"[^A-Za-z0-9+/_\-]")
_BLANKS = re.compile(r"\s+")
_PAIR = re.compile(r"(?:0[xX])?([0-9A-Fa-f]{2})")
_NUMBER = re.compile(r"[0-9]{2,3}")
_EIGHT = re.compile(r"[01]{8}")
# Controls, surrogates, private and unassigned characters, and what was no UTF-8.
_SHOWS_NOTHING = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\uf8ff\ufffd-\uffff\U000e0080-\U0010ffff]"
)
_NO_WORD = re.compile(r"[^\w\s.,@:\-]")
# One disguise within another: each such escape is a letter.
_ESCAPED = re.compile(
    r"%(?:25)*[0-9A-Fa-f]{2}|=[0-9A-F]{2}|&#?\w{1,8};|\\+(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})"
)
_EIGHTY_FIVE = re.compile(rf"(?:<~)?{_ASCII85}[!-u]{{0,4}}(?:~>)?|{_BASE85}[!-~]{{0,4}}")
_CODE_BEGUN = re.compile("[!-~]{15}")
# The begin of an escape, at the end of what was decoded so far.
_CUT_OFF = re.compile(r"[%&\\=][^;\s]{0,8}$")
_PRINTABLE = 0.9
_TOLD = 0.8


def runs(text: str, data: bytes) -> Iterator[Rewrite]:
    """The runs of a text that are text in another code; `data` is its UTF-8."""
    for marks, codes in _FAMILIES:
        for at in sorted(marks.Match(data) or ()):
            yield from codes[at](text)


def _each(pattern: str, read: _Reader) -> _Finder:
    """A finder of the runs of a code, of base64 with what stands before it of the same run."""
    search = first_match(compiled(pattern))

    def find(text: str) -> Iterator[Rewrite]:
        for start, end in every_match(search, text):
            first = start - _letters_before(text, start) if read is _base64 else start
            yield from _decoded(first, end, text, read) or (
                _decoded(start, end, text, read) if first < start else ()
            )

    return find


def _mixed_runs(text: str) -> Iterator[Rewrite]:
    """The runs of base64 in which a stretch is no ASCII text, each as a whole."""
    last = 0
    for begin, end in every_match(_OTHER, text):
        if begin >= last:
            start = max(last, begin - _letters_before(text, begin))
            behind = _LETTERS.match(text, end, end + MOST)
            last = behind.end() if behind else end
            yield from _decoded(start, last, text, _mixed)


def _letters_before(text: str, at: int) -> int:
    """The number of letters of base64 that stand before a place."""
    before = _LETTERS.match(text[max(0, at - MOST) : at][::-1])
    return len(before[0]) if before else 0


def _decoded(start: int, end: int, text: str, read: _Reader) -> tuple[Rewrite, ...]:
    said = read(text[start : min(end, start + MOST)])
    return (Rewrite(start, end, said, decoded=True),) if said else ()


def _printable(text: str) -> bool:
    """True for text: nearly all of its characters show something."""
    return len(_SHOWS_NOTHING.findall(text)) <= (1 - _PRINTABLE) * len(text)


def _wordy(text: str) -> bool:
    """True for text that numbers would seldom make: of letters and digits for the most part."""
    said = _ESCAPED.sub("a", text)
    few = len(_NO_WORD.findall(said)) <= (1 - _TOLD) * len(said)
    return (few or _is_json(text) or _is_eighty_five(text)) and _printable(text)


def _is_eighty_five(text: str) -> bool:
    """True for a code whose signs are none of words."""
    return bool(_EIGHTY_FIVE.fullmatch(text))


def _is_json(text: str) -> bool:
    if text[:1] not in ('"', "{", "["):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _from_bytes(data: bytes) -> str:
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    if len(data) > 1 and not any(data[1::2]):
        data = data[::2]
    elif len(data) > 1 and not any(data[::2]):
        data = data[1::2]
    return data.decode("utf-8", "replace")


def _base64(run: str) -> str:
    letters = _BLANKS.sub("", run).rstrip("=").replace("-", "+").replace("_", "/")
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    try:
        text = _from_bytes(base64.b64decode(letters + "=" * (-len(letters) % 4)))
    except binascii.Error:
        return ""
    return text if _printable(text) else ""


def _mixed(run: str) -> str:
    text = _base64(run)
    return text if "\ufffd" not in text and any(map(str.isalpha, text)) else ""


def _base32(run: str) -> str:
    letters = _BLANKS.sub("", run).rstrip("=").upper()
    letters = letters[: len(letters) // 8 * 8] if len(letters) % 8 in (1, 3, 6) else letters
    try:
        text = _from_bytes(base64.b32decode(letters + "=" * (-len(letters) % 8)))
    except binascii.Error:
        return ""
    return text if _printable(text) else ""


def _eighty_five(decode: Callable[[str], bytes]) -> _Reader:
    def said(run: str) -> str:
        try:
            return decode(run).decode("ascii")
        except (ValueError, UnicodeDecodeError):
            return ""

    def read(run: str) -> str:
        # Most that looks like it is none, as its signs or its beginning say.
        if not _MORE_SIGNS.search(run):
            return ""
        begun = said(run[:20])
        if not begun or not (_wordy(_CUT_OFF.sub("", begun)) or _CODE_BEGUN.match(begun)):
            return ""
        text = said(run)
        return text if text and _wordy(text) else ""

    return read


def _numbers(one: re.Pattern[str], base: int) -> _Reader:
    def read(run: str) -> str:
        codes = (int(number, base) for number in one.findall(run))
        text = _from_bytes(bytes(code for code in codes if code < 256))
        return text if _wordy(text) else ""

    return read


# How a run of each code begins, what it goes on with, and its reader.
_OF_LETTERS: tuple[_Code, ...] = (
    (_BASE64_ASCII, rf"{_LETTER}*(?:[ \r\n]{{1,2}}{_LETTER}{{2,3}}={{1,2}}|={{0,2}})", _base64),
    (rf"\b{_BASE32}", r"(?:[ \r\n]{0,2}[A-Z2-7]{2,8})*={0,6}", _base32),
    (rf"\b{_BASE32_SMALL}", "[a-z2-7]*={0,6}", _base32),
)
_OF_NUMBERS: tuple[_Code, ...] = (
    (rf"\b{_OCTAL}\b", "", _numbers(_NUMBER, 8)),
    (rf"\b{_DECIMAL}\b", "", _numbers(_NUMBER, 10)),
    (rf"\b{_BINARY}", "", _numbers(_EIGHT, 2)),
    # Behind the decimal numbers, which look like it.
    (rf"\b{_HEX}", "", _numbers(_PAIR, 16)),
    (rf"\b{_HEX_WIDE}", "", _numbers(_PAIR, 16)),
)
_OF_SIGNS: tuple[_Code, ...] = (
    (_ASCII85, "[!-u]{0,4}", _eighty_five(base64.a85decode)),
    (_BASE85, "[!-~]{0,4}", _eighty_five(base64.b85decode)),
)


def _family(codes: Iterable[_Code]) -> tuple[Any, tuple[_Finder, ...]]:
    """A set that says which of some codes a text may have, and their finders."""
    rows = tuple(codes)
    finders = (_each(begin + rest, read) for begin, rest, read in rows)
    return compiled_set(begin for begin, _, _ in rows), tuple(finders)


# Codes that share their signs: one automaton of all would have a state for each mixture of begun
# runs. Of base64 the parts that are no ASCII text at last.
_FAMILIES = (
    *(_family(codes) for codes in (_OF_LETTERS, _OF_NUMBERS, _OF_SIGNS)),
    (compiled_set([_BASE64_OTHER]), (_mixed_runs,)),
)
