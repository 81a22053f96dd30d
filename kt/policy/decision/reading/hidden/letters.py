"""Characters that hide others: tags, variation selectors, piled accents, numbered keycaps."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kt.policy.decision.reading.confusables import WITHIN_LATIN
from kt.policy.decision.reading.engine import compiled
from kt.policy.decision.reading.hidden.rewriting import Rewrite

# What Latin letters within whose words a letter of another alphabet is a look-alike are.
_LATIN = "A-Za-z\U0001d400-\U0001d7ff\uff21-\uff5a"
_OTHERS = "".join(WITHIN_LATIN.values())

MARKS = (
    rf"[{_LATIN}][{_OTHERS}]|[{_OTHERS}][{_LATIN}]|(?:^|\s)(?:[!-~] {{1,3}}){{8}}[!-~]|"
    r"[\x{E0020}-\x{E007E}]{2}|[\x{FE00}-\x{FE0F}\x{E0100}-\x{E01EF}]{4}|[A-Za-z]\pM\pM"
    r"|[\x{2460}-\x{249B}\x{24EA}-\x{24FF}\x{2776}-\x{2793}\x{20E3}]|(?:^|[^A-Za-z0-9_\-])_+[^\s_]"
)
"""What a text with such characters has, for RE2."""

STEP = r"[ \t\r\n._*|/,~+\-]{1,3}"
SPELT = f"[a-z](?:{STEP}[a-z]){{5,}}|[a-z]{{16,}}"
"""What is spelt out letter by letter, or written without steps, in lower case, for RE2."""

_TAGS = re.compile("[\U000e0020-\U000e007e]+")
_TAG_BASE = 0xE0000
# A byte each: the first sixteen, then 240 more.
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")
_PILED = re.compile(
    "([A-Za-z])[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{2,}"
)


def hidden_letters(text: str) -> Iterator[Rewrite]:
    """What the characters of a text say that no screen shows as such."""
    if " " in text:
        yield from _spaced(text)
    if text.isascii():
        return
    for match in _WITHIN_LATIN.finditer(text):
        yield Rewrite(*match.span(), _READ_AS[match[0]])
    for match in _TAGS.finditer(text):
        yield Rewrite(*match.span(), "".join(chr(ord(sign) - _TAG_BASE) for sign in match[0]))
    for match in _SELECTORS.finditer(text):
        said = bytes(map(_selected, match[0])).decode("utf-8", "replace")
        yield Rewrite(*match.span(), said, decoded=True)
    for match in _PILED.finditer(text):
        yield Rewrite(*match.span(), match[1])


def _spaced(text: str) -> Iterator[Rewrite]:
    """What is written with a blank after each character; wider gaps are its blanks."""
    for match in _SPACED.finditer(text) if _SPACED_MARK.search(text.encode()) else ():
        said, parts = [], []
        for one in _SIGN_OR_GAP.finditer(text, *match.span()):
            said.append(one[0][0])
            parts.append(one.span())
        yield Rewrite(*match.span(), "".join(said), tuple(parts))


def _selected(sign: str) -> int:
    point = ord(sign)
    return point - 0xFE00 if point < 0xE0100 else point - 0xE0100 + 16


_READ_AS = {sign: read for read, signs in WITHIN_LATIN.items() for sign in signs}
# A search for a class of signs is quick: what stands before it is looked at from behind it.
_WITHIN_LATIN = re.compile(f"[{_OTHERS}](?:(?<=[{_LATIN}].)|(?=[{_LATIN}]))")
_SPACED_MARK = compiled(r"(?:^|\s)(?:[!-~] {1,3}){8}[!-~]")
_SPACED = re.compile(r"(?<!\S)[!-~](?: {1,3}[!-~](?!\S)){8,}")
_SIGN_OR_GAP = re.compile(r"\S| (?= \S)")

# A digit in a keycap or a circle, and Markdown's emphasis with underscores. Within an ASCII
# word, or beside a hyphen, an underscore is a letter of a name or token.
_OPENS = r"(?<![A-Za-z0-9_\-]_)_*(?=[^\s_])"
_CLOSES = r"(?<=[^\s_]_)_*(?![A-Za-z0-9_\-])"
_EMPHASIS = re.compile(f"_(?:{_OPENS}|{_CLOSES})")
_CIRCLED = re.compile("[\u2460-\u249b\u24ea-\u24ff\u2776-\u2793]")
_KEYCAP = "\u20e3"
_KEYCAPS = re.compile(rf"[0-9*#]\ufe0f?{_KEYCAP}")


def decoration(text: str) -> Iterator[Rewrite]:
    """Blanks for what numbers or emphasises a value: its digits and signs are none of it."""
    for decorated in _decorations(text):
        for match in decorated.finditer(text):
            yield Rewrite(*match.span(), " " * len(match[0]))


def _decorations(text: str) -> Iterator[re.Pattern[str]]:
    """The patterns of what a text may be decorated with."""
    if "_" in text:
        yield _EMPHASIS
    if not text.isascii():
        yield _CIRCLED
        if _KEYCAP in text:
            yield _KEYCAPS
