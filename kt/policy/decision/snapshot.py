"""The snapshot: a policy document compiled for decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kt.policy.decision import auditing
from kt.policy.decision.auditing import AuditLogger
from kt.policy.decision.conditions import Condition, compile_condition
from kt.policy.decision.kinds import COMPILERS, data_routing
from kt.policy.decision.outcome import Policy, ProviderTarget
from kt.policy.decision.targets import compile_targets
from kt.policy.decision.values import Request, Stage
from kt.policy.settings import settings, stages


@dataclass(frozen=True, slots=True)
class ChainStep:
    """An entry of the chain. `policy` judges, or is an `AuditLogger`, which records.

    It runs always when it has no `condition`. `asks` is true of one that asks a model.
    """

    kind: str
    policy: Policy | AuditLogger
    stages: tuple[str, ...]
    condition: Condition | None
    parallel: bool
    asks: bool

    def applies(self, request: Request, stage: Stage) -> bool:
        """True when the entry runs for a request at a stage."""
        if stage not in self.stages:
            return False
        return self.condition is None or self.condition.holds(request)

    def served_by(self, target: ProviderTarget) -> ChainStep:
        """The same entry where one target is all that there is."""
        if isinstance(self.policy, AuditLogger):
            return self
        return replace(self, policy=self.policy.served_by(target))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A compiled policy. It is never changed, and threads may share it.

    `asks` is true when any entry asks a model.
    """

    enabled: bool
    steps: tuple[ChainStep, ...]
    targets: tuple[ProviderTarget, ...]
    blocks_unjudged: bool
    asks: bool = False

    def unasked(self) -> Snapshot:
        """The policy without the entries that ask a model. Nothing is compiled."""
        steps = tuple(step for step in self.steps if not step.asks)
        return replace(self, steps=steps, asks=False)

    def of_kind(self, kind: str) -> Snapshot:
        """The entries of one kind alone. Nothing is compiled."""
        steps = tuple(step for step in self.steps if step.kind == kind)
        return replace(self, steps=steps, asks=any(step.asks for step in steps))

    def served_by(self, target: ProviderTarget) -> Snapshot:
        """The same policy where one of its targets is all that there is. Nothing is compiled."""
        steps = tuple(step.served_by(target) for step in self.steps)
        return replace(self, steps=steps, targets=(target,))


def compile_policy(policy: Mapping[str, Any]) -> Snapshot:
    """Compile a policy document that lint accepts, given as plain data.

    Raises:
        KeyError, re2.error: lint refuses the document.
    """
    return _compiled(policy, {})


def recompile(policy: Mapping[str, Any], before: Mapping[str, Any], snapshot: Snapshot) -> Snapshot:
    """`compile_policy`, for a change of the document `before`, which `snapshot` was compiled from.

    Only blocks that differ are compiled, and where providers do, what demands things of them.
    """
    blocks, known = policy.get("policy") or {}, before.get("policy") or {}
    moved = policy.get("providers") != before.get("providers")
    kept = {
        step.kind: step.policy
        for step in snapshot.steps
        if blocks.get(step.kind) == known.get(step.kind)
        and not (moved and step.kind == data_routing.KIND)
    }
    return _compiled(policy, kept)


def _compiled(policy: Mapping[str, Any], kept: Mapping[str, Policy | AuditLogger]) -> Snapshot:
    targets = compile_targets(policy.get("providers"))
    blocks = policy.get("policy") or {}
    entries = [_entry(entry) for entry in policy["policies"]["chain"]]
    # The entries of a kind share one block, and so what it is compiled into.
    kinds = dict.fromkeys(kind for kind, _ in entries)
    policies = {kind: kept.get(kind) or _policy(kind, blocks.get(kind), targets) for kind in kinds}
    steps = tuple(
        _step(kind, options, policies[kind], blocks.get(kind)) for kind, options in entries
    )
    return Snapshot(
        enabled=policy["pack"]["enabled"],
        steps=steps,
        targets=targets,
        blocks_unjudged=policy.get("unjudged") == "block",
        asks=any(step.asks for step in steps),
    )


def _entry(entry: Any) -> tuple[str, Mapping[str, Any]]:
    """The kind that a chain's entry names, and its options."""
    kind, options = (entry, None) if isinstance(entry, str) else next(iter(entry.items()))
    return kind, options or {}


def _step(
    kind: str,
    options: Mapping[str, Any],
    policy: Policy | AuditLogger,
    block: Mapping[str, Any] | None,
) -> ChainStep:
    when = options.get("when")
    return ChainStep(
        kind=kind,
        policy=policy,
        stages=stages(kind, options, block),
        condition=compile_condition(when) if when else None,
        parallel=bool(options.get("parallel", False)),
        asks=isinstance(policy, Policy) and policy.asks,
    )


def _policy(
    kind: str, block: Mapping[str, Any] | None, targets: tuple[ProviderTarget, ...]
) -> Policy | AuditLogger:
    fields = settings(kind, block)
    if kind == auditing.KIND:
        return auditing.compile_block(fields)
    return COMPILERS[kind](fields, targets)
