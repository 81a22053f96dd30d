"""A compiled policy that notes what it is asked to judge, for coverage.

The decision itself knows nothing of it: entries are wrapped, and a policy that is not watched
costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from kt.policy.coverage.points import RULE_LISTS, Reach
from kt.policy.decision.auditing import AuditLogger
from kt.policy.decision.conditions import Condition
from kt.policy.decision.outcome import Outcome, Policy, ProviderTarget
from kt.policy.decision.reading.reading import Reading
from kt.policy.decision.snapshot import ChainStep, Snapshot
from kt.policy.decision.subject import Subject
from kt.policy.decision.tools.allowed import ROLE_HEADER
from kt.policy.decision.tools.globs import compile_globs, matches
from kt.policy.decision.values import Answer, Decision, Question, Record, Request
from kt.policy.nodes import child_path
from kt.policy.settings import settings

Notes = set[Reach]

_OWN_LABELS = {"prompt-injection": "attack_pattern"}
_GROUP_OF = {"dlp-filter": "credentials", "safety-filter": "harmful content"}


def watched(snapshot: Snapshot, policy: Mapping[str, Any], notes: Notes) -> Snapshot:
    """The compiled form of `policy` that adds to `notes` what each decision reaches."""
    blocks = policy.get("policy") or {}
    steps = tuple(
        _step(step, f"policies.chain[{at}]", blocks.get(step.kind), notes)
        for at, step in enumerate(snapshot.steps)
    )
    return replace(snapshot, steps=steps)


def _step(step: ChainStep, path: str, block: Mapping[str, Any] | None, notes: Notes) -> ChainStep:
    inner = step.policy
    policy: Policy | AuditLogger
    if isinstance(inner, AuditLogger):
        policy = _Logger(**_values(inner), path=path, notes=notes)
    else:
        policy = _Watched(step.kind, path, settings(step.kind, block), inner, notes)
    condition = step.condition
    if condition is not None:
        below = f"{path}.{step.kind}.when"
        condition = _Watching(**_values(condition), below=below, notes=notes)
    return replace(step, policy=policy, condition=condition)


def _values(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


@dataclass(frozen=True, slots=True)
class _Watched(Policy):
    """A policy, and what is noted of its outcomes."""

    kind: str
    path: str
    fields: Mapping[str, Any]
    inner: Policy
    notes: Notes

    @property
    def call_limit(self) -> int | None:
        return self.inner.call_limit

    @property
    def asks(self) -> bool:
        return self.inner.asks

    def judge(self, subject: Subject) -> Outcome:
        return self._noted(subject, self.inner.judge(subject))

    def question(self, subject: Subject) -> Question | None:
        self._run(subject)
        return self.inner.question(subject)

    def answered(self, subject: Subject, answer: Answer) -> Outcome:
        return self._noted(subject, self.inner.answered(subject, answer))

    def pending(self, reading: Reading) -> int:
        return self.inner.pending(reading)

    def served_by(self, target: ProviderTarget) -> Policy:
        return replace(self, inner=self.inner.served_by(target))

    def _run(self, subject: Subject) -> None:
        self.notes.add(Reach("entry", self.path, self.kind))
        self.notes.add(Reach("stage", self.path, subject.stage))

    def _noted(self, subject: Subject, outcome: Outcome) -> Outcome:
        self._run(subject)
        self.notes.add(Reach("verdict", self.path, outcome.verdict))
        for one in outcome.detections:
            self.notes.add(_detected(self.kind, one.rule, one.label, one.where, self.fields))
        self.notes.update(_tools(self.kind, self.fields, subject))
        return outcome


@dataclass(frozen=True, slots=True)
class _Logger(AuditLogger):
    """An `audit-logger`, whose records are noted."""

    path: str
    notes: Notes

    def record(
        self, subject: Subject, decision: Decision, found: tuple[tuple[str, int], ...]
    ) -> Record | None:
        self.notes.add(Reach("entry", self.path, "audit-logger"))
        self.notes.add(Reach("stage", self.path, subject.stage))
        return None


@dataclass(frozen=True, slots=True)
class _Watching(Condition):
    """A condition, each clause of which is noted as it holds or does not."""

    below: str
    notes: Notes

    def holds(self, request: Request) -> bool:
        held = dict(self._clauses(request))
        for path, state in held.items():
            self.notes.add(Reach("condition", path, "holds" if state else "does not hold"))
        return all(held.values())

    def _clauses(self, request: Request) -> Iterator[tuple[str, bool]]:
        if self.path:
            yield f"{self.below}.path", request.path.startswith(self.path)
        for name, value in self.headers:
            yield child_path(f"{self.below}.header", name), request.header(name) == value
        if self.models is not None:
            yield f"{self.below}.model", matches(self.models, request.model)


def _detected(kind: str, rule: str, label: str, where: str, given: Mapping[str, Any]) -> Reach:
    """What a detection says was reached: an author's own rule, or a group of built-in ones."""
    below = f"policy.{kind}"
    if rule.partition("[")[0] in RULE_LISTS.get(kind, ()) or label == _OWN_LABELS.get(kind):
        return Reach("rule", f"{below}.{rule}", "hit")
    if kind == "rbac":
        if rule == "missing_header":
            at = given["deny_if_missing"].index(where.removeprefix("headers."))
            return Reach("rule", f"{below}.deny_if_missing[{at}]", "hit")
        if rule == "unauthenticated":
            return Reach("rule", f"{below}.require_auth", "hit")
    if kind == "agent-firewall":
        return Reach("rule", f"{below}.{rule}", "hit")
    return Reach(
        "group", below, _GROUP_OF.get(kind, label.replace("fake_boundary", "fake boundary"))
    )


def _tools(kind: str, given: Mapping[str, Any], subject: Subject) -> Iterator[Reach]:
    """The roles that asked, and the globs that a tool of the body matches."""
    below = f"policy.{kind}"
    role = subject.request.header(ROLE_HEADER) or ""
    names = {tool.name for tool in (*subject.tools.offered, *subject.tools.called)}
    if kind == "rbac":
        if role in given["data_access"]:
            yield Reach("rule", child_path(f"{below}.data_access", role), "hit")
        yield from _role(given["roles"], f"{below}.roles", role, names)
    elif kind == "agent-firewall":
        yield from _globs(given, below, ("allowed_tools", "blocked_tools"), names)
        yield from _role(given["tools"]["roles"], f"{below}.tools.roles", role, names)


def _role(
    roles: Mapping[str, Mapping[str, Any]], path: str, role: str, names: set[str]
) -> Iterator[Reach]:
    if role in roles:
        below = child_path(path, role)
        yield Reach("rule", below, "hit")
        yield from _globs(roles[role], below, tuple(roles[role]), names)


def _globs(
    given: Mapping[str, Any], path: str, lists: tuple[str, ...], names: set[str]
) -> Iterator[Reach]:
    for field in lists:
        for at, glob in enumerate(given[field] or ()):
            one = compile_globs([glob])
            if any(matches(one, name) for name in names):
                yield Reach("rule", f"{path}.{field}[{at}]", "hit")
