"""Rules for the author's own patterns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kt.policy.decision.matching.patterns import PatternRule
from kt.policy.decision.reading.views import View

# A pattern is written for the text as it is, or in lower case for the normalised one.
ALL_VIEWS = (View.RAW, View.PLAIN, View.FOLDED, View.SKELETON)


def pattern_rules(
    patterns: Sequence[str], *, field: str, label: str, views: tuple[View, ...] = ALL_VIEWS
) -> Iterator[PatternRule]:
    """Rules for the patterns of `field`, which RE2 accepts: lint has seen to it."""
    for at, pattern in enumerate(patterns):
        yield PatternRule(f"{field}[{at}]", label, pattern, views, local=False)
