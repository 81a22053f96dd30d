"""`data-routing-policy`: the targets that may serve, by their promises about data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kt.policy.decision.outcome import Outcome, Policy, ProviderTarget
from kt.policy.decision.subject import Subject
from kt.policy.decision.values import Detection

KIND = "data-routing-policy"


@dataclass(frozen=True, slots=True)
class DataRouting(Policy):
    """A compiled `data-routing-policy` block: the targets, and which of them comply."""

    targets: tuple[ProviderTarget, ...]
    compliant: frozenset[str]
    demanding: bool

    def judge(self, subject: Subject) -> Outcome:
        """Leave the targets that comply; block when none of them serves the model.

        A model that no target serves at all passes here.
        """
        model = subject.request.model
        serving = [target.id for target in self.targets if target.serves(model)]
        hopeless = self.demanding and not self.compliant.intersection(serving)
        if not hopeless or (self.targets and not serving):
            return Outcome(targets=self.compliant if self.demanding else None)
        return Outcome(
            "block",
            "data_routing_policy.no_compliant_provider",
            "No provider complies with policy 'data-routing-policy'.",
            (Detection(KIND, "no_compliant_provider", "provider", "model"),),
        )

    def served_by(self, target: ProviderTarget) -> DataRouting:
        """What is demanded of this target alone."""
        return replace(self, targets=(target,), compliant=self.compliant & {target.id})


def compile_block(fields: Mapping[str, Any], targets: Sequence[ProviderTarget]) -> DataRouting:
    """Compile a `data-routing-policy` block whose fields are complete."""
    retention = fields["require_zero_data_retention"]
    training = fields["require_no_training"]
    days = fields["max_retention_days"]
    compliant = frozenset(
        target.id for target in targets if _complies(target, retention, training, days)
    )
    return DataRouting(tuple(targets), compliant, retention or training or days is not None)


def _complies(target: ProviderTarget, retention: bool, training: bool, days: int | None) -> bool:
    kept = 0 if target.zero_data_retention else target.retention_days
    return (
        (target.zero_data_retention or not retention)
        and (target.training_opt_out or not training)
        and (days is None or (kept is not None and kept <= days))
    )
