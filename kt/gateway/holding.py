"""How much of a stream must stay back, so that no match leaves before it is seen whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kt.policy.decision.widths import longest_match

# What the built-in phrases need, with room for what people put between letters.
_LEAST_CHARACTERS = 400
_MOST_CHARACTERS = 4000
_FUZZY_ROOM = 2

# What crosses from one word to the next: `.`, a negated class, a class or sign for space.
_CROSSES = re.compile(r"\.|\[\^|\\[sWDPpC]|[\s]|\[:\^?space")
_LITERAL_SIGN = re.compile(r"\\[.\\\[]")


@dataclass(frozen=True, slots=True)
class Hold:
    """`characters` stay back; with `everything`, the whole answer does until its end."""

    characters: int = _LEAST_CHARACTERS
    everything: bool = False


def hold(document: Mapping[str, Any]) -> Hold:
    """What the policy's own terms and patterns ask to be held back.

    A pattern that can match any number of words has no longest match, so an answer is
    collected whole before it is sent. One that stays within a word needs no more than the
    word, and a stream is never cut within a word.
    """
    blocks = document.get("policy") or {}
    widths = [_width(pattern) for pattern in _patterns(blocks)]
    known = [width for width in widths if width is not None]
    longest = max([*known, *(_FUZZY_ROOM * len(term) for term in _terms(blocks))], default=0)
    everything = None in widths or longest > _MOST_CHARACTERS
    return Hold(max(_LEAST_CHARACTERS, longest), everything)


def _patterns(blocks: Mapping[str, Any]) -> Iterator[str]:
    for kind in ("pii-detector", "dlp-filter"):
        yield from (blocks.get(kind) or {}).get("detect_patterns") or ()


def _terms(blocks: Mapping[str, Any]) -> Iterator[str]:
    for kind, field in (
        ("safety-filter", "block_if"),
        ("dlp-filter", "blocked_terms"),
        ("human-oversight", "require_human_for"),
    ):
        yield from (blocks.get(kind) or {}).get(field) or ()


def _width(pattern: str) -> int | None:
    """The longest match in characters, 0 for what stays in a word, None for no bound."""
    width = longest_match(pattern)
    if width is not None:
        return width
    return None if _CROSSES.search(_LITERAL_SIGN.sub("", pattern)) else 0
