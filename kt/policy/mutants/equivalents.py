"""Mutants that decide everything as the policy does, as far as that can be shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kt.policy.decision import Snapshot
from kt.policy.decision.kinds.data_routing import DataRouting
from kt.policy.decision.reading.views import View, read
from kt.policy.mutants.edits import got
from kt.policy.mutants.globs import covers, meet
from kt.policy.mutants.mutant import Mutant
from kt.policy.mutants.trial import inner
from kt.policy.settings import settings


def is_equivalent(
    mutant: Mutant, policy: Mapping[str, Any], before: Snapshot, after: Snapshot
) -> bool:
    """True where no text, tool or header can tell the two apart; False where that is not shown."""
    if mutant.kind == "data-routing-policy" and mutant.operator in ("switched", "threshold_moved"):
        routed: bool = _routed(before) == _routed(after)
        return routed or not any((*_objects(before), *_objects(after)))
    if mutant.operator in ("switched", "threshold_moved") and mutant.path.endswith(
        (".fuzzy_matching", ".max_distance")
    ):
        return bool(_near(before, mutant.kind) == _near(after, mutant.kind))
    if mutant.path.startswith("policies.") and any(
        _is_idle(kind, policy, before) for kind in (mutant.kind, mutant.beside) if kind
    ):
        return True
    shown = _SHOWN.get(mutant.operator)
    return shown is not None and shown(mutant, policy)


def _is_idle(kind: str, policy: Mapping[str, Any], snapshot: Snapshot) -> bool:
    """True of a kind that objects to nothing, wherever it runs."""
    fields = settings(kind, (policy.get("policy") or {}).get(kind))
    if kind == "data-routing-policy":
        return not any(_objects(snapshot))
    if kind == "agent-firewall":
        nothing = fields["allowed_tools"] is None and fields["max_tool_calls"] is None
        return nothing and not fields["blocked_tools"] and not fields["tools"]["roles"]
    if kind == "rbac":
        return not any(
            fields[name] for name in ("deny_if_missing", "require_auth", "roles", "data_access")
        )
    return False


def _objects(snapshot: Snapshot) -> list[bool]:
    """Whether targets do not comply with what is demanded; without a target none does."""
    ids = {target.id for target in snapshot.targets}
    return [demanding and not (ids and compliant >= ids)
            for compliant, demanding in _routed(snapshot)]  # fmt: skip


def _routed(snapshot: Snapshot) -> list[tuple[frozenset[str], bool]]:
    found = (inner(step.policy) for step in snapshot.steps)
    return [(one.compliant, one.demanding) for one in found if isinstance(one, DataRouting)]


def _near(snapshot: Snapshot, kind: str) -> Any:
    """The near matches of a kind's terms; without an edit they are the exact ones."""
    policy = next(inner(step.policy) for step in snapshot.steps if step.kind == kind)
    terms: Any = policy
    return {(one.text, one.edits) for one in terms.terms.near.terms if one.edits}


def _place(mutant: Mutant) -> tuple[str, int | None]:
    """The list that a mutant shortens, within its block, and which item."""
    path = mutant.path.removeprefix(f"policy.{mutant.kind}.")
    name, bracket, at = path.rpartition("[")
    return (name, int(at.rstrip("]"))) if bracket and path.endswith("]") else (path, None)


def _term(mutant: Mutant, policy: Mapping[str, Any]) -> bool:
    """Whoever writes the term writes another one with it."""
    (name, at), fields = _place(mutant), _fields(mutant, policy)
    terms = fields[name]
    dropped, others = terms[at], [term for number, term in enumerate(terms) if number != at]
    if fields.get("fuzzy_matching") and fields.get("max_distance"):
        return bool(dropped in others)
    return any(
        all(_within(read(term, view).split(), read(dropped, view).split())
            for view in (View.FOLDED, View.SKELETON))
        for term in others
    )  # fmt: skip


def _within(short: Sequence[str], long: Sequence[str]) -> bool:
    size = len(short)
    return size > 0 and any(
        list(long[at : at + size]) == list(short) for at in range(len(long) - size + 1)
    )


def _pattern(mutant: Mutant, policy: Mapping[str, Any]) -> bool:
    block = policy["policy"][mutant.kind]
    name, at = _place(mutant)
    patterns = got(block, name.split("."))
    return bool(at is not None and patterns.count(patterns[at]) > 1)


def _altered(mutant: Mutant, policy: Mapping[str, Any]) -> bool:
    """A pattern in small letters finds the same without `(?i)`: one view has small ones alone."""
    if not mutant.words.endswith("without its (?i)"):
        return False
    name, at = _place(mutant)
    pattern = got(mutant.policy["policy"][mutant.kind], name.split("."))[at]
    return _ESCAPES.sub("", pattern) == _ESCAPES.sub("", pattern).lower()


# Escapes without a letter of their own; `\\p` and what has a code are none of them.
_ESCAPES = re.compile(r"\\[bBdDsSwW]")


def _item(mutant: Mutant, policy: Mapping[str, Any]) -> bool:
    """Names that the glob has are those of another, or the other list has the last word."""
    name, at = _place(mutant)
    if mutant.path.endswith("]") and ".when.model[" in mutant.path:
        chain_at = int(mutant.path.split("[")[1].split("]")[0])
        globs = policy["policies"]["chain"][chain_at][mutant.kind]["when"]["model"]
        return any(covers(one, globs[at]) for number, one in enumerate(globs) if number != at)
    fields = _fields(mutant, policy)
    if name == "deny_if_missing":
        return False
    rule, field = _rule(fields, name)
    items = rule[field]
    others = [glob for number, glob in enumerate(items) if number != at]
    glob, opposite = items[at], rule[_OPPOSITE[field]]
    if any(covers(one, glob) for one in others):
        return True
    if field in _DENYING:
        return opposite is not None and not any(meet(glob, one) for one in opposite)
    return any(covers(one, glob) for one in opposite)


_OPPOSITE = {
    "allowed_tools": "denied_tools", "denied_tools": "allowed_tools",
    "allowed": "denied", "denied": "allowed", "blocked_tools": "allowed_tools",
}  # fmt: skip
_DENYING = ("denied_tools", "denied", "blocked_tools")


def _rule(fields: Mapping[str, Any], name: str) -> tuple[dict[str, Any], str]:
    """The two lists that belong together, under the names of `_OPPOSITE`."""
    *way, field = _steps(fields, name)
    rule = dict(got(fields, way) or fields)
    if "blocked_tools" in rule:
        rule["denied_tools"] = rule["blocked_tools"]
    return rule, field


def _steps(fields: Mapping[str, Any], name: str) -> list[str]:
    """A path as steps; a role's name may have dots of its own."""
    for way in (("tools", "roles"), ("roles",)):
        prefix = ".".join(way) + "."
        if name.startswith(prefix):
            role, _, field = name.removeprefix(prefix).rpartition(".")
            return [*way, role, field]
    return [name]


def _denial(mutant: Mutant, policy: Mapping[str, Any]) -> bool:
    """Nothing that was denied is allowed."""
    rule, field = _rule(_fields(mutant, policy), _place(mutant)[0])
    allowed = rule[_OPPOSITE[field]]
    return allowed is not None and not any(
        meet(glob, one) for glob in rule[field] for one in allowed
    )


def _role(mutant: Mutant, policy: Mapping[str, Any]) -> bool:
    """A role that has no more than one that is not listed."""
    fields, path = _fields(mutant, policy), _place(mutant)[0]
    if path.startswith("data_access."):
        access = fields["data_access"]
        role = path.removeprefix("data_access.")
        return len(access) > 1 and access[role]["max_sensitivity"] == "public"
    way = "tools.roles." if path.startswith("tools.roles.") else "roles."
    roles = got(fields, way.rstrip(".").split("."))
    rule = roles[path.removeprefix(way)]
    allowed, denied = list(rule.values())
    none_left = allowed is not None and all(
        any(covers(one, glob) for one in denied) for glob in allowed
    )
    return len(roles) > 1 and none_left


def _fields(mutant: Mutant, policy: Mapping[str, Any]) -> dict[str, Any]:
    return settings(mutant.kind, (policy.get("policy") or {}).get(mutant.kind))


_SHOWN: Mapping[str, Callable[[Mutant, Mapping[str, Any]], bool]] = {
    "term_dropped": _term,
    "pattern_dropped": _pattern,
    "pattern_altered": _altered,
    "list_shortened": _item,
    "denial_dropped": _denial,
    "role_dropped": _role,
}
