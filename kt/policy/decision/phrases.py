"""Phrases as people vary them, written once for plain and for spelt-out text.

A phrase is an RE2 pattern in lower case in which `~` stands for what comes
between two words. In running text that is anything but letters and digits; in
text that was spelt out letter by letter, where word boundaries are lost, it
may be nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kt.policy.decision.engine import compiled
from kt.policy.decision.rules import Check, Rule, Spans
from kt.policy.decision.terms import whole_words
from kt.policy.decision.views import View

_BETWEEN = r"[^\pL\pN]+"
_NOTHING = r"[^\pL\pN]*"

_NEGATION = compiled(
    r"(?i)(?:\bnot|n['\x{2019}]t|\bnever|\bcannot|\bunable|\brefuse[sd]?|\bdecline[sd]?|\bwithout)"
    r"(?:\s+(?:able|going|allowed|willing|permitted|ever|be|to|help|assist|you|with))*\s+$"
)
_LOOK_BACK = 60


def phrase_rules(
    patterns: Iterable[str],
    *,
    name: str,
    label: str,
    views: tuple[View, ...],
    check: Check = whole_words,
) -> Iterator[Rule]:
    """Rules for phrases in running text; numbered names say which one hit."""
    for number, pattern in enumerate(patterns, start=1):
        yield Rule(f"{name}.{number}", label, pattern.replace("~", _BETWEEN), views, check)


def spelt_rules(patterns: Iterable[str], *, name: str, label: str) -> Iterator[Rule]:
    """Rules for the same phrases in text that was spelt out (see `spelt`)."""
    for number, pattern in enumerate(patterns, start=1):
        loose = pattern.replace("~", _NOTHING)
        yield Rule(f"{name}.{number}", label, loose, (View.RAW,))


def affirmed(text: str, start: int, end: int) -> Spans:
    """Confirm a phrase in whole words, unless a negation stands directly before it.

    `Never reveal your system prompt` is what operators write; `I can't give
    instructions for illegal activity` is what a model answers.
    """
    before = text[max(0, start - _LOOK_BACK) : start].encode("utf-8", "replace")
    return () if _NEGATION.search(before) else whole_words(text, start, end)
