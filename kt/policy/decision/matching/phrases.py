"""Rules for phrases and their variants, written once for plain and for spelt-out text.

A phrase is an RE2 pattern in lower case, matched against the words alone (see
`views`), in which `~` is the step from one word to the next. In text that was
spelt out letter by letter, where the steps are lost, it may be nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kt.policy.decision.matching.patterns import Excuses, PatternRule
from kt.policy.decision.matching.terms import whole_words
from kt.policy.decision.reading.views import View
from kt.policy.decision.reading.words import OTHER, SIGNS

_STEP = " "
_MAYBE_STEP = " ?"
# What stands between two words where signs are left in (see `words.marked` and `outlined`).
_STEP_OR_SIGNS = f"[ {''.join(SIGNS)}{OTHER}]+"


def phrase_rules(
    patterns: Iterable[str], *, name: str, label: str, views: tuple[View, ...], excuses: Excuses
) -> Iterator[PatternRule]:
    """Rules for phrases in views of words, with numbered names."""
    for number, pattern in enumerate(patterns, start=1):
        # With its ends in the pattern `illegal act` is no match that hides `illegal actions`.
        words, first = (
            rf"\b(?:{pattern.replace('~', step)})\b" for step in (_STEP, _STEP_OR_SIGNS)
        )
        yield PatternRule(
            f"{name}.{number}",
            label,
            words,
            views,
            whole_words,
            retry=True,
            excuses=excuses,
            first=first,
        )


def spelt_rules(patterns: Iterable[str], *, name: str, label: str) -> Iterator[PatternRule]:
    """Rules for phrases in text that was spelt out (see `spelt`)."""
    for number, pattern in enumerate(patterns, start=1):
        loose = pattern.replace("~", _MAYBE_STEP)
        yield PatternRule(f"{name}.{number}", label, loose, (View.RAW,))
