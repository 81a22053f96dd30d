"""Escapes: characters that are written as their numbers, and what they say.

Percent (RFC 3986), backslashes of programming languages and JSON, HTML's character references,
quoted-printable (RFC 2045). One within another is undone in the same step where it only has the
mark again (`%2541`, `\\\\u0041`), else in the next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html.entities import html5

from kt.policy.decision.reading.hidden.rewriting import Rewrite

MARKS = (
    # Of a backslash: the end of a line or a number; never a path's `\Users`.
    r"%[0-9A-Fa-f]{2}|\\(?:[nrt]|u\{?[0-9A-Fa-f]{2}|U000|x\{?[0-9A-Fa-f]{2}|[01][0-7]{2})"
    r"|&(?:#[xX]?[0-9A-Fa-f]{1,7}|[A-Za-z]{2,8});"
    r"|=[0-9A-F]{2}=[0-9A-F]{2}|[A-Za-z0-9]=(?:20|2D|2E|40)[A-Za-z0-9]"
)
"""What a text with escapes has, for RE2."""

_PERCENT = re.compile(r"(?:%(?:25)*[0-9A-Fa-f]{2})+")
_ONE_PERCENT = re.compile(r"%(?:25)*(?!25[0-9A-Fa-f]{2})([0-9A-Fa-f]{2})|%25")
_NUMBERED = re.compile(
    r"\\+(?:u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})"
    r"|x\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{2})|([01][0-7]{2})|([nrt]))"
)
_NUMBERED_RUN = re.compile(rf"(?:{_NUMBERED.pattern})+")
_REFERENCE = re.compile(r"&(?:#[xX]([0-9A-Fa-f]{1,6})|#([0-9]{1,7})|([A-Za-z]{2,8}));")
_REFERENCES = re.compile(rf"(?:{_REFERENCE.pattern})+")
_QUOTED = re.compile(r"(?:=[0-9A-F]{2}){2,}|(?<=[A-Za-z0-9])=(?:20|2D|2E|40)(?=[A-Za-z0-9])")
_WORD = re.compile(r"\S+")
_PLUS = re.compile(r"(?<=[^\W_])\+(?=[^\W_])")
_ONE_QUOTED = re.compile(r"=([0-9A-F]{2})")
_BREAKS = {"n": "\n", "r": "\n", "t": " "}
_HIGH, _LOW, _END = 0xD800, 0xDC00, 0xE000
_LAST = 0x10FFFF


def escapes(text: str) -> Iterator[Rewrite]:
    """The escapes of a text, of each sort in order; those side by side as one rewrite."""
    if "%" in text:
        for run in _PERCENT.finditer(text):
            yield _bytes(_ONE_PERCENT, run)
        yield from _pluses(text)
    if "\\" in text:
        for run in _NUMBERED_RUN.finditer(text):
            yield from _each(_NUMBERED, run, _numbered)
    if "&" in text:
        for run in _REFERENCES.finditer(text):
            yield from _each(_REFERENCE, run, _referred)
    if "=" in text:
        for run in _QUOTED.finditer(text):
            yield _bytes(_ONE_QUOTED, run)


def _pluses(text: str) -> Iterator[Rewrite]:
    """Blanks that a query has written as `+`, in words that have other escapes."""
    if "+" in text:
        for word in _WORD.finditer(text):
            if "%" in word[0]:
                for plus in _PLUS.finditer(text, *word.span()):
                    yield Rewrite(*plus.span(), " ")


def _bytes(one: re.Pattern[str], run: re.Match[str]) -> Rewrite:
    """The characters of a run of escaped bytes, which are UTF-8."""
    found = list(one.finditer(run.string, *run.span()))
    spans = [match.span() for match in found]
    data = bytes([int(match[1] or "25", 16) for match in found])
    if data.isascii():
        return Rewrite(*run.span(), data.decode(), tuple(spans))
    try:
        said = data.decode()
    except UnicodeDecodeError:
        # In another charset: what is ASCII of it is known.
        said = "".join(chr(byte) if byte < 0x80 else "?" for byte in data)
        return Rewrite(*run.span(), said, tuple(spans))
    parts = []
    at = 0
    for sign in said:
        width = len(sign.encode())
        parts.append((spans[at][0], spans[at + width - 1][1]))
        at += width
    return Rewrite(*run.span(), said, tuple(parts))


def _each(
    one: re.Pattern[str], run: re.Match[str], read: Callable[[re.Match[str]], str]
) -> Iterator[Rewrite]:
    """The characters of a run of escapes; of two halves of a surrogate pair one."""
    said: list[str] = []
    parts: list[tuple[int, int]] = []
    for match in one.finditer(run.string, *run.span()):
        for sign in read(match):
            if said and _LOW <= ord(sign) < _END and _HIGH <= ord(said[-1]) < _LOW:
                high = (ord(said.pop()) - _HIGH) * 0x400
                said.append(chr(0x10000 + high + ord(sign) - _LOW))
                parts.append((parts.pop()[0], match.end()))
            else:
                said.append(sign)
                parts.append(match.span())
    text = "".join(said)
    if text != run[0]:
        yield Rewrite(*run.span(), text, tuple(parts))


def _numbered(escape: re.Match[str]) -> str:
    if escape[7]:
        return _BREAKS[escape[7]]
    octal = escape[6]
    return _character(int(octal, 8) if octal else int(escape[escape.lastindex or 0], 16), escape[0])


def _referred(reference: re.Match[str]) -> str:
    sixteen, ten, name = reference.groups()
    if name:
        return html5.get(f"{name};", reference[0])
    return _character(int(sixteen, 16) if sixteen else int(ten), reference[0])


def _character(point: int, written: str) -> str:
    return chr(point) if point <= _LAST else written
