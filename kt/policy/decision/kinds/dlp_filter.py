"""`dlp-filter`: credentials, and the author's own terms and patterns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from kt.policy.decision.cutting.hits import cuts, detections
from kt.policy.decision.cutting.markers import label_marker
from kt.policy.decision.detectors import secrets
from kt.policy.decision.matching.custom import pattern_rules
from kt.policy.decision.matching.matcher import Hit, Matcher, compile_rules
from kt.policy.decision.matching.termset import TermSet, compile_terms
from kt.policy.decision.outcome import PASSED, Outcome, Policy, ProviderTarget
from kt.policy.decision.reading.reading import Reading
from kt.policy.decision.subject import Subject
from kt.policy.decision.values import Verdict

KIND = "dlp-filter"


@dataclass(frozen=True, slots=True)
class DlpFilter(Policy):
    """A compiled `dlp-filter` block."""

    action: Verdict
    built_in: Matcher
    patterns: Matcher
    terms: TermSet

    def judge(self, subject: Subject) -> Outcome:
        """Report and cut every secret, term and pattern in every text."""
        hits = self._hits(subject)
        if not hits:
            return PASSED
        return Outcome(
            self.action,
            "dlp_filter.detected",
            "Confidential data is not allowed by policy 'dlp-filter'.",
            detections(KIND, subject, hits),
            cuts(subject, hits, label_marker) if self.action == "redact" else (),
        )

    def pending(self, reading: Reading) -> int:
        """The place from which the text may still become a hit of one of the rules."""
        return min(
            self.built_in.pending(reading),
            self.patterns.pending(reading),
            self.terms.pending(reading),
        )

    def _hits(self, subject: Subject) -> list[Hit]:
        scans = (self.built_in.scan, self.patterns.scan, self.terms.scan)
        return [hit for reading in subject.texts for scan in scans for hit in scan(reading)]


def compile_block(fields: Mapping[str, Any], _targets: Sequence[ProviderTarget]) -> DlpFilter:
    """Compile a `dlp-filter` block whose fields are complete."""
    own = pattern_rules(fields["detect_patterns"], field="detect_patterns", label="custom")
    distance = fields["max_distance"] if fields["fuzzy_matching"] else 0
    terms = fields["blocked_terms"]
    return DlpFilter(
        action=fields["action"],
        built_in=_built_in(),
        patterns=compile_rules(own),
        terms=compile_terms(terms, field="blocked_terms", label="term", distance=distance),
    )


@cache
def _built_in() -> Matcher:
    return compile_rules(secrets.rules())
