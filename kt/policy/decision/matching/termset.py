"""The matcher of the author's own terms, exact or with a few letters changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kt.policy.decision.matching.fuzzy import FuzzyMatcher, compile_fuzzy
from kt.policy.decision.matching.matcher import Hit, Matcher, compile_rules
from kt.policy.decision.matching.terms import term_rules
from kt.policy.decision.reading.reading import Reading


@dataclass(frozen=True, slots=True)
class TermSet:
    """Compiled terms of one field."""

    exact: Matcher
    near: FuzzyMatcher

    def scan(self, reading: Reading) -> list[Hit]:
        """Every place of a term."""
        return [*self.exact.scan(reading), *self.near.scan(reading)]

    def pending(self, reading: Reading) -> int:
        """The place from which the text may still become a term."""
        return min(self.exact.pending(reading), self.near.pending(reading))


def compile_terms(terms: Sequence[str], *, field: str, label: str, distance: int = 0) -> TermSet:
    """Compile the terms of `field`, of which up to `distance` letters may differ."""
    rules = [
        (term, rule)
        for at, term in enumerate(terms)
        for rule in term_rules(term, name=f"{field}[{at}]", label=label)
    ]
    exact = compile_rules(rule for _, rule in rules)
    return TermSet(exact, compile_fuzzy(rules if distance else (), distance))
