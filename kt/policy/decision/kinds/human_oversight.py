"""`human-oversight`: requests and answers that need a person's decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kt.policy.decision.cutting.hits import detections
from kt.policy.decision.matching.termset import TermSet, compile_terms
from kt.policy.decision.outcome import PASSED, Outcome, Policy, ProviderTarget
from kt.policy.decision.reading.reading import Reading
from kt.policy.decision.subject import Subject
from kt.policy.decision.values import Verdict

KIND = "human-oversight"


@dataclass(frozen=True, slots=True)
class HumanOversight(Policy):
    """A compiled `human-oversight` block."""

    action: Verdict
    assignee: str | None
    terms: TermSet

    def judge(self, subject: Subject) -> Outcome:
        """Escalate or block a text that has one of the terms."""
        hits = [hit for reading in subject.texts for hit in self.terms.scan(reading)]
        if not hits:
            return PASSED
        return Outcome(
            self.action,
            "human_oversight.required",
            "A person must decide on this by policy 'human-oversight'.",
            detections(KIND, subject, hits),
            assignee=self.assignee,
        )

    def pending(self, reading: Reading) -> int:
        """The place from which the text may still become a term."""
        return self.terms.pending(reading)


def compile_block(fields: Mapping[str, Any], _targets: Sequence[ProviderTarget]) -> HumanOversight:
    """Compile a `human-oversight` block whose fields are complete."""
    terms = compile_terms(fields["require_human_for"], field="require_human_for", label="term")
    return HumanOversight(fields["action"], fields["default_assignee"], terms)
