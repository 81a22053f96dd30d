"""Provider targets of a policy, as far as a decision needs them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from kt.policy.decision.outcome import ProviderTarget
from kt.policy.decision.tools.globs import compile_globs, matches


def compile_targets(providers: Mapping[str, Any] | None) -> tuple[ProviderTarget, ...]:
    """The targets of a document's `providers`, in order."""
    return tuple(_target(entry) for entry in (providers or {}).get("targets") or ())


def _target(entry: Mapping[str, Any]) -> ProviderTarget:
    promises = entry.get("data_policy") or {}
    provider, _, model = str(entry["provider"]).partition(":chat:")
    given = entry.get("model")
    glob = (given["from"] if isinstance(given, Mapping) else given) or model
    return ProviderTarget(
        id=entry["id"],
        # Under the mock provider any model answers.
        models=partial(matches, compile_globs([glob])) if glob and provider != "mock" else None,
        zero_data_retention=promises.get("zero_data_retention", False),
        training_opt_out=promises.get("training_opt_out", False),
        retention_days=promises.get("retention_days"),
    )
