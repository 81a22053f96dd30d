"""`safety-filter`: harmful requests and answers, by phrases and by the author's own terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from kt.policy.decision.cutting.hits import detections
from kt.policy.decision.detectors.harmful import HARMLESS_AFTER, MODES
from kt.policy.decision.detectors.ideas.harm import IDEAS, OF_MODES
from kt.policy.decision.detectors.ideas.words import HARM, TOGETHER
from kt.policy.decision.matching.clauses import compounded
from kt.policy.decision.matching.ideas.finder import IdeaFinder, harmless_around
from kt.policy.decision.matching.ideas.lexicon import Lexicon
from kt.policy.decision.matching.matcher import Hit, Known, Matcher, compile_rules
from kt.policy.decision.matching.negations import Denials
from kt.policy.decision.matching.phrases import phrase_rules, spelt_rules
from kt.policy.decision.matching.spelt import spelling, spelt
from kt.policy.decision.matching.termset import TermSet, compile_terms
from kt.policy.decision.outcome import PASSED, Outcome, Policy, ProviderTarget
from kt.policy.decision.reading.plain import Plain
from kt.policy.decision.reading.reading import Excuse, Reading
from kt.policy.decision.reading.views import View
from kt.policy.decision.subject import Subject
from kt.policy.decision.values import Verdict

KIND = "safety-filter"
_LABEL = "harmful_content"
_VIEWS = (View.FOLDED_WORDS, View.SKELETON_WORDS)


@dataclass(frozen=True, slots=True)
class SafetyFilter(Policy):
    """A compiled `safety-filter` block.

    Lexicon, ideas, and phrases of text that was spelt out are made when the first text asks.
    """

    action: Verdict
    mode: str
    phrases: Matcher
    terms: TermSet

    def judge(self, subject: Subject) -> Outcome:
        """Block or escalate at the first harm, and report every other one with it."""
        hits = self._hits(subject)
        if not hits:
            return PASSED
        return Outcome(
            self.action,
            "safety_filter.detected",
            "Harmful content is not allowed by policy 'safety-filter'.",
            detections(KIND, subject, hits),
        )

    def pending(self, reading: Reading) -> int:
        """The place from which the text may still become a hit of one of the rules."""
        return min(
            _ideas(self.mode).pending(reading),
            self.phrases.pending(reading),
            self.terms.pending(reading),
            spelling(reading, View.SKELETON),
        )

    def _hits(self, subject: Subject) -> list[Hit]:
        hits: list[Hit] = []
        known: Known = set()
        for reading in subject.phrased(known):
            hits += _ideas(self.mode).scan(reading, known)
            hits += self.phrases.scan(reading, known)
            hits += self.terms.scan(reading)
            spelt_out = spelt(reading, View.SKELETON)
            if spelt_out:
                hits += _spelt_phrases(self.mode).scan(spelt_out, known)
        return hits


def compile_block(fields: Mapping[str, Any], _targets: Sequence[ProviderTarget]) -> SafetyFilter:
    """Compile a `safety-filter` block whose fields are complete."""
    distance = fields["max_distance"] if fields["fuzzy_matching"] else 0
    terms = fields["block_if"]
    return SafetyFilter(
        action=fields["action"],
        mode=fields["mode"],
        phrases=_phrases(fields["mode"]),
        terms=compile_terms(terms, field="block_if", label="blocked_term", distance=distance),
    )


def _lexicon() -> Lexicon:
    return TOGETHER.lexicon(HARM)


@cache
def _ideas(mode: str) -> IdeaFinder:
    """The ideas of all modes, and those that one adds."""
    lexicon = _lexicon()
    return IdeaFinder(
        lexicon,
        (*IDEAS, *OF_MODES.get(mode, ())),
        label=_LABEL,
        views=(View.FOLDED, View.SKELETON),
        excuses=_excuses,
        harmless=harmless_around(lexicon),
    )


@cache
def _phrases(mode: str) -> Matcher:
    """The built-in phrases of a mode; they are the same for every policy."""
    rules = phrase_rules(MODES[mode], name=mode, label=_LABEL, views=_VIEWS, excuses=_excuses)
    return compile_rules(rules)


@cache
def _spelt_phrases(mode: str) -> Matcher:
    return compile_rules(spelt_rules(MODES[mode], name=mode, label=_LABEL))


def _excuses(plain: Plain) -> Excuse:
    denied = Denials.of(plain)

    def excused(start: int, end: int) -> tuple[int, int] | None:
        return compounded(plain, start, end, HARMLESS_AFTER) or denied(start, end)

    return excused
