"""Markup within words and numbers, which readers do not see, and a terminal's colours."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kt.policy.decision.reading.hidden.rewriting import Rewrite

_VALUE = r"[\w\-+.@()/]"
_IN_BRACKETS = r"!--[^<>]{0,80}-->|/?[A-Za-z][^<>\n]{0,200}>"
_STARRED = r"\*[^*]{0,80}\*/"
_JOINED = r"[\"'] ?\+ ?[\"']"

# A letter, coarsely: with Unicode's classes the search would have thousands of states.
_LETTER = r"[A-Za-z\x{80}-\x{10FFFF}]"
_MARKED = rf" ?<[A-Za-z/!]|/\*[^*]{{0,80}}\*/|\*\*[^\s*]|__[^\s_]|~~[^\s~]|{_JOINED}"

MARKS = (
    rf"\x1b|\\(?:033|[xX]1[bB]|u001[bB]|e)\[|[0-9\-+.@)](?:{_MARKED})|{_LETTER}(?:{_MARKED})"
    rf"|[0-9] ?\*\*|\*\*[0-9]|{_LETTER}-\r?\n{_LETTER}"
)
"""What a text with markup within words or values has, for RE2."""

# Without counts: with them the search of a stream's end has thousands of states.
WITH_BLANKS = r"<[/!A-Za-z][^<>\n]*>|/\*[^*\n]*\*/|[\"'] ?\+ ?[\"']"
BEGUN = rf"<[/!A-Za-z][^<>\n]*|/\*[^*\n]*\*?|[\"'] ?(?:\+ ?)?|{_LETTER}-\r?\n"
"""What of it may stand at the end of a text with blanks in it, for RE2; whole and begun."""

_COLOUR = re.compile(r"(?:\x1b|\\+(?:033|[xX]1[bB]|u001[bB]|e))\[[0-9;]*[mK]")
# What stands in a line of text and ends no word.
_INLINE = re.compile(
    r"</?(?:a|abbr|b|bdi|bdo|big|code|em|font|i|ins|kbd|mark|s|small|span|strike|strong|sub|sup|tt|u|"
    r"wbr)\b|<!"
)
# Tags and comments side by side, behind the first sign of the first one. A search for a class of
# signs takes a tenth of one that looks back at each place, so what stands before comes second.
_MARKUP = rf"(?:(?<=<)(?:{_IN_BRACKETS})|(?<=/){_STARRED})(?:<(?:{_IN_BRACKETS})|/{_STARRED})*"
_WITHIN = re.compile(
    r"[</*_~\"'\-](?:"
    rf"(?<={_VALUE}[</]){_MARKUP}(?={_VALUE})"
    rf"|(?<=[0-9] [</]){_MARKUP}(?=[0-9])|(?<=[0-9][</]){_MARKUP}(?= [0-9])"
    r"|(?:(?<=\w\*)\*|(?<=\w_)_|(?<=\w~)~)(?=[\w\-])"
    r"|(?<=\*)\*(?=[0-9])|(?<=[0-9]\*)\*"
    rf"|(?<={_VALUE}[\"']) ?\+ ?[\"'](?={_VALUE})|(?<=[^\W\d_]-)\r?\n(?=[^\W\d_]))"
)
_TAGS = re.compile(f"[</]{_MARKUP}")


def markup(text: str) -> Iterator[Rewrite]:
    """Nothing in place of what stands within a word; a blank for a tag that ends one."""
    if "[" in text:
        for match in _COLOUR.finditer(text):
            yield Rewrite(*match.span(), " ")
    for match in _WITHIN.finditer(text):
        ends = match[0][0] == "<" and not _INLINE.match(match[0])
        yield Rewrite(*match.span(), " " if ends else "")


def tags(text: str) -> Iterator[Rewrite]:
    """A blank for every tag, also between words: phrases are read without their names."""
    if "<" in text:
        for match in _TAGS.finditer(text):
            yield Rewrite(*match.span(), " ")
