"""The run of a policy's tests against its mutants: what has been judged once is remembered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from kt.policy.decision import Decision, Snapshot, compile_policy
from kt.policy.decision.auditing import AuditLogger
from kt.policy.decision.outcome import Outcome, Policy, ProviderTarget
from kt.policy.decision.snapshot import ChainStep, recompile
from kt.policy.decision.subject import Subject
from kt.policy.testing.suites import Ask, CaseInput, NoModelError, aimed, no_models


class _Case(NamedTuple):
    name: str
    target: str | None
    verdict: str
    reason: str | None
    input: CaseInput

    def passes(self, decision: Decision) -> bool:
        """True when the decision is the expected one."""
        return decision.verdict == self.verdict and self.reason in (None, decision.reason_code)


class Trial:
    """A policy with its tests, and what its mutants make of these.

    `failing` names the cases that the policy itself does not pass; they kill no mutant, and nor do
    those that need a model which is not there.
    """

    def __init__(
        self, policy: Mapping[str, Any], extra: Sequence[Mapping[str, Any]] = (),
        ask: Ask = no_models,
    ) -> None:  # fmt: skip
        self.policy = policy
        self.snapshot = _remembering(compile_policy(policy))
        self._ask = ask
        self.failing: list[str] = []
        self._cases = list(self._passed([*_suites(policy), *extra]))

    def _passed(self, suites: Sequence[Mapping[str, Any]]) -> Iterator[_Case]:
        for case in _cases(suites):
            try:
                decision = self._decided(self.snapshot, case)
            except NoModelError:
                continue
            if decision is None or not case.passes(decision):
                self.failing.append(case.name)
            else:
                yield case

    def compiled(self, policy: Mapping[str, Any]) -> Snapshot:
        """A policy made of this one by a change: what differs is compiled, nothing else."""
        return recompile(policy, self.policy, self.snapshot)

    def killer(self, snapshot: Snapshot) -> str | None:
        """The name of the first case that does not pass any more; None where all do.

        One that now needs a model which is not there notices nothing: it is not run.
        """
        aims: dict[str | None, Snapshot | None] = {None: snapshot}
        for case in self._cases:
            if case.target not in aims:
                aims[case.target] = aim(snapshot, case.target)
            left = aims[case.target]
            if left is None or not self._passes(case, left):
                return case.name
        return None

    def _passes(self, case: _Case, snapshot: Snapshot) -> bool:
        try:
            return case.passes(case.input.decided(snapshot, self._ask))
        except NoModelError:
            return True

    def _decided(self, snapshot: Snapshot, case: _Case) -> Decision | None:
        left = aim(snapshot, case.target)
        return None if left is None else case.input.decided(left, self._ask)


def _suites(policy: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return (policy.get("testing") or {}).get("suites") or ()


def _cases(suites: Sequence[Mapping[str, Any]]) -> Iterator[_Case]:
    for suite in suites:
        for case in suite["cases"]:
            expected = case["expected"]
            name, target = f"{suite['name']}: {case['name']}", suite.get("target")
            given = CaseInput(case["input"])
            yield _Case(name, target, expected["verdict"], expected.get("reason_code"), given)


def aim(snapshot: Snapshot, target: str | None) -> Snapshot | None:
    """The policy as far as a suite's target tests it, None when there is no such target."""
    return aimed(snapshot, {one.id: one for one in snapshot.targets}, target)


def inner(policy: Policy | AuditLogger) -> Policy | AuditLogger:
    """A compiled policy without what remembers its outcomes."""
    return policy.inner if isinstance(policy, _Remembering) else policy


def _remembering(snapshot: Snapshot) -> Snapshot:
    made: dict[str, Policy | AuditLogger] = {}
    for step in snapshot.steps:
        made.setdefault(step.kind, _remembered(step))
    steps = tuple(replace(step, policy=made[step.kind]) for step in snapshot.steps)
    return replace(snapshot, steps=steps)


def _remembered(step: ChainStep) -> Policy | AuditLogger:
    if isinstance(step.policy, AuditLogger) or step.asks:
        return step.policy
    return _Remembering(step.policy, WeakKeyDictionary())


@dataclass(frozen=True, slots=True)
class _Remembering(Policy):
    """A policy that judges a subject once. A policy is pure, so that is the outcome for good."""

    inner: Policy
    outcomes: MutableMapping[Subject, Outcome]

    def judge(self, subject: Subject) -> Outcome:
        outcome = self.outcomes.get(subject)
        if outcome is None:
            outcome = self.outcomes[subject] = self.inner.judge(subject)
        return outcome

    def served_by(self, target: ProviderTarget) -> Policy:
        served = self.inner.served_by(target)
        return self if served is self.inner else served
