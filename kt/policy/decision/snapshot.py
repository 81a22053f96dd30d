"""The snapshot: a policy document compiled for decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kt.policy.decision import auditing
from kt.policy.decision.auditing import AuditLogger
from kt.policy.decision.conditions import Condition, compile_condition
from kt.policy.decision.kinds import COMPILERS
from kt.policy.decision.outcome import Policy
from kt.policy.decision.targets import ProviderTarget, compile_targets
from kt.policy.decision.values import Request, Stage
from kt.policy.language import KINDS
from kt.policy.settings import settings


@dataclass(frozen=True, slots=True)
class ChainStep:
    """An entry of the chain. `policy` judges, or is an `AuditLogger`, which records."""

    kind: str
    policy: Policy | AuditLogger
    stages: tuple[str, ...]
    condition: Condition
    parallel: bool

    def applies(self, request: Request, stage: Stage) -> bool:
        """True when the entry runs for a request at a stage."""
        return stage in self.stages and self.condition.holds(request)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A compiled policy. It is never changed, and threads may share it."""

    enabled: bool
    steps: tuple[ChainStep, ...]
    targets: tuple[ProviderTarget, ...]


def compile_policy(policy: Mapping[str, Any]) -> Snapshot:
    """Compile a policy document that lint accepts, given as plain data.

    Raises:
        KeyError, re2.error: lint refuses the document.
    """
    targets = compile_targets(policy.get("providers"))
    blocks = policy.get("policy") or {}
    return Snapshot(
        enabled=policy["pack"]["enabled"],
        steps=tuple(_step(entry, blocks, targets) for entry in policy["policies"]["chain"]),
        targets=targets,
    )


def _step(entry: Any, blocks: Mapping[str, Any], targets: tuple[ProviderTarget, ...]) -> ChainStep:
    kind, options = (entry, {}) if isinstance(entry, str) else next(iter(entry.items()))
    given = options or {}
    stage = given.get("stage")
    return ChainStep(
        kind=kind,
        policy=_policy(kind, blocks.get(kind), targets),
        stages=(stage,) if stage else KINDS[kind].stages,
        condition=compile_condition(given.get("when") or {}),
        parallel=bool(given.get("parallel", False)),
    )


def _policy(
    kind: str, block: Mapping[str, Any] | None, targets: tuple[ProviderTarget, ...]
) -> Policy | AuditLogger:
    fields = settings(kind, block)
    if kind == auditing.KIND:
        return auditing.compile_block(fields)
    return COMPILERS[kind](fields, targets)
