"""Rules for phrases and their variants, written once for plain and for spelt-out text.

A phrase is an RE2 pattern in lower case, matched against the words alone (see
`views`), in which `~` is the step from one word to the next. In text that was
spelt out letter by letter, where the steps are lost, it may be nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kt.policy.decision.matching.patterns import Check, PatternRule, Spans
from kt.policy.decision.matching.terms import whole_words
from kt.policy.decision.reading.engine import compiled
from kt.policy.decision.reading.views import View

_STEP = " "
_MAYBE_STEP = " ?"

# The words that turn a phrase round, `don't` being two of them.
_NEGATION = compiled(
    r"(?:^| )(?:not|don t|doesn t|didn t|can t|won t|couldn t|shouldn t|mustn t|wouldn t|isn t|"
    r"aren t|never|cannot|unable|refuses?|refused|declines?|declined|without)"
    r"(?: (?:able|going|allowed|willing|permitted|ever|be|to|help|assist|you|with))* $"
)
_LOOK_BACK = 60


def phrase_rules(
    patterns: Iterable[str],
    *,
    name: str,
    label: str,
    views: tuple[View, ...],
    check: Check = whole_words,
) -> Iterator[PatternRule]:
    """Rules for phrases in views of words, with numbered names."""
    for number, pattern in enumerate(patterns, start=1):
        yield PatternRule(f"{name}.{number}", label, pattern.replace("~", _STEP), views, check)


def spelt_rules(patterns: Iterable[str], *, name: str, label: str) -> Iterator[PatternRule]:
    """Rules for phrases in text that was spelt out (see `spelt`)."""
    for number, pattern in enumerate(patterns, start=1):
        loose = pattern.replace("~", _MAYBE_STEP)
        yield PatternRule(f"{name}.{number}", label, loose, (View.RAW,))


def affirmed(text: str, start: int, end: int) -> Spans:
    """Confirm a phrase in whole words, unless a negation stands directly before it.

    `Never reveal your system prompt` is what operators write; `I can't give
    instructions for illegal activity` is what a model answers.
    """
    before = text[max(0, start - _LOOK_BACK) : start].encode("utf-8", "replace")
    return () if _NEGATION.search(before) else whole_words(text, start, end)
