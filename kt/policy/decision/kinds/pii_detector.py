"""`pii-detector`: personal data, which is redacted or blocked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

from kt.policy.decision.cutting.hits import counted, cuts, detections, outermost
from kt.policy.decision.cutting.markers import Marker, marker
from kt.policy.decision.detectors import nationalids
from kt.policy.decision.detectors.personal import base, health, payment
from kt.policy.decision.matching.custom import pattern_rules
from kt.policy.decision.matching.matcher import Hit, Matcher, compile_rules
from kt.policy.decision.outcome import PASSED, Cut, Outcome, Policy, ProviderTarget
from kt.policy.decision.reading.reading import Reading
from kt.policy.decision.subject import Subject
from kt.policy.decision.values import Verdict
from kt.policy.language.regions import PHONE_REGIONS

KIND = "pii-detector"


@dataclass(frozen=True, slots=True)
class PiiDetector(Policy):
    """A compiled `pii-detector` block."""

    action: Verdict
    built_in: Matcher
    patterns: Matcher
    mark: Marker
    counts: bool
    restore: bool

    def judge(self, subject: Subject) -> Outcome:
        """Report and cut every piece of personal data in every text."""
        hits = outermost(
            [
                hit
                for reading in subject.texts
                for matcher in (self.built_in, self.patterns)
                for hit in matcher.scan(reading)
            ]
        )
        if not hits:
            return PASSED
        return Outcome(
            self.action,
            "pii_detector.detected",
            "Personal data is not allowed by policy 'pii-detector'.",
            detections(KIND, subject, hits),
            self._cuts(subject, hits) if self.action == "redact" else (),
            found=counted(hits) if self.counts else (),
        )

    def _cuts(self, subject: Subject, hits: Sequence[Hit]) -> tuple[Cut, ...]:
        # What an answer says by itself did not come from the client, and gets no number.
        numbered = self.restore and subject.stage == "pre-request"
        return cuts(subject, hits, self.mark, numbered=numbered)

    def pending(self, reading: Reading) -> int:
        """The place from which the text may still become a hit of one of the rules."""
        return min(self.built_in.pending(reading), self.patterns.pending(reading))


def compile_block(fields: Mapping[str, Any], _targets: Sequence[ProviderTarget]) -> PiiDetector:
    """Compile a `pii-detector` block whose fields are complete."""
    own = pattern_rules(fields["detect_patterns"], field="detect_patterns", label="custom")
    return PiiDetector(
        action=fields["action"],
        built_in=_built_in(
            fields["pci_mode"],
            fields["healthcare_mode"],
            tuple(fields["phone_regions"]),
            tuple(fields["national_ids"]),
        ),
        patterns=compile_rules(own),
        mark=marker(fields["redaction"]),
        counts=fields["redaction"]["include_metadata"],
        restore=fields["restore"],
    )


@cache
def _built_in(
    pci_mode: bool,
    healthcare_mode: bool,
    regions: tuple[str, ...] = PHONE_REGIONS,
    countries: tuple[str, ...] = (),
) -> Matcher:
    modes = ((pci_mode, payment), (healthcare_mode, health))
    more = (rule for on, rules in modes if on for rule in rules())
    return compile_rules(chain(base(regions), more, nationalids.rules(countries)))
