"""Provider targets of a policy, as far as a decision needs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kt.policy.decision.tools.globs import compile_globs, matches


@dataclass(frozen=True, slots=True)
class ProviderTarget:
    """A provider target and its promises about data; what is not promised does not count."""

    id: str
    models: Any
    zero_data_retention: bool
    training_opt_out: bool
    retention_days: int | None

    def serves(self, model: str) -> bool:
        """True when the target serves `model`; "", no model named, is served by all."""
        return self.models is None or not model or matches(self.models, model)


def compile_targets(providers: Mapping[str, Any] | None) -> tuple[ProviderTarget, ...]:
    """The targets of a document's `providers`, in order."""
    return tuple(_target(entry) for entry in (providers or {}).get("targets") or ())


def _target(entry: Mapping[str, Any]) -> ProviderTarget:
    promises = entry.get("data_policy") or {}
    provider, _, model = str(entry["provider"]).partition(":chat:")
    glob = entry.get("model") or model
    return ProviderTarget(
        id=entry["id"],
        # Under the mock provider any model answers.
        models=compile_globs([glob]) if glob and provider != "mock" else None,
        zero_data_retention=promises.get("zero_data_retention", False),
        training_opt_out=promises.get("training_opt_out", False),
        retention_days=promises.get("retention_days"),
    )
