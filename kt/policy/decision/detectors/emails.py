"""E-mail addresses: where one begins and ends when letters of other scripts stand beside it."""

from __future__ import annotations

import re
from itertools import takewhile

from kt.policy.decision.matching.patterns import Spans
from kt.policy.decision.reading.engine import compiled
from kt.policy.decision.reading.words import latin

PATTERN = r"[\pL\pN._%+\-]+@[\pL\pN.\-]+\.\pL{2,}"

# RFC 5321, 4.5.3.1: a local part has 64 characters, a domain 255. One more tells that it is none.
BEGUN = r"[\pL\pN._%+\-]{1,65}@[\pL\pN.\-]{1,255}\.\pL{2,63}"

_LOOK_BACK = 80
AROUND = (_LOOK_BACK, 2)
"""Characters before and behind a match of `PATTERN` that `address` looks at."""

# The end of a line as two characters, and a terminal's colour; their letters are none of its own.
_ESCAPE = re.compile(r"\\[nrt]|\[[0-9;]*m")
_ESCAPE_LENGTH = 12
# RFC 5321, 4.5.3.1.1.
_LOCAL_LENGTH = 64
# A domain whose last label is Latin ends there: `x.org谢谢`, and `x.org。谢谢` where `。` is a dot.
_LATIN = r"A-Za-z\x{C0}-\x{24F}"
_LATIN_DOMAIN = compiled(rf"^(?:[{_LATIN}0-9\-]+\.)+[{_LATIN}]{{2,}}")

_SUFFIX_WORDS = "png jpg jpeg gif svg webp css js ts html json yaml yml txt md"
_FILE_SUFFIXES = frozenset(_SUFFIX_WORDS.split())


def address(text: str, start: int, end: int) -> Spans:
    """The address in a match of `PATTERN`, without the words that stand beside it."""
    at = text.index("@", start)
    begin = _begin(text, start, at)
    stop = _stop(text, at + 1, end)
    local, domain = text[begin:at], text[at + 1 : stop]
    labels = domain.split(".")
    wrong = (
        not 0 < len(local) <= _LOCAL_LENGTH
        or local[-1] == "."
        or any(not label or label[0] == "-" or label[-1] == "-" for label in labels)
        or labels[-1].lower() in _FILE_SUFFIXES
        or _in_url(text, begin)
        or _repository(text, local, stop)
    )
    return () if wrong else ((begin, stop),)


def _begin(text: str, start: int, at: int) -> int:
    """Where the local part begins.

    One that ends in ASCII or Latin letters begins with them, since before it may
    stand a sentence without spaces. One of another script has all its letters.
    """
    # One more than an address may have tells that it is none.
    local = text[max(start, at - _LOCAL_LENGTH - 1) : at]
    if not local.isascii() and _latin_sign(local[-1]):
        length = sum(1 for _ in takewhile(_latin_sign, reversed(local)))
        local = local[len(local) - length :]
    # `write to me...maria@example.org`
    begin = at - len(local.rpartition("..")[2].lstrip("."))
    before = text[max(0, begin - _ESCAPE_LENGTH) : begin]
    if "\\" not in before and "[" not in before:
        return begin
    escapes = _ESCAPE.finditer(text, max(0, begin - _ESCAPE_LENGTH), at)
    return next((one.end() for one in escapes if one.start() < begin < one.end()), begin)


def _latin_sign(sign: str) -> bool:
    return sign.isascii() or latin(sign)


def _stop(text: str, first: int, end: int) -> int:
    domain = text[first:end]
    found = None if domain.isascii() else _LATIN_DOMAIN.search(domain.encode())
    return first + len(found.group().decode()) if found else end


def _in_url(text: str, at: int) -> bool:
    """Whether what begins here is the password of `scheme://user:password@host`."""
    before = text[max(0, at - _LOOK_BACK) : at].split()[-1:]
    return bool(before) and before[0].endswith(":") and "://" in before[0]


def _repository(text: str, local: str, end: int) -> bool:
    """`git@host.org:team/project` is an address of a repository."""
    return local == "git" and text[end : end + 1] == ":" and not text[end + 1 : end + 2].isspace()
