"""Rules that permit tools: globs that allow and globs that deny, for all or by role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from kt.policy.decision.tools.calls import Tool
from kt.policy.decision.tools.globs import compile_globs, matches

ROLE_HEADER = "X-Role"


@dataclass(frozen=True, slots=True)
class ToolRule:
    """A rule. `allowed` is None when every tool is allowed; `denied` wins over it."""

    allowed: Any
    denied: Any

    def permits(self, name: str) -> bool:
        """True when a tool may be offered and called."""
        if matches(self.denied, name):
            return False
        return self.allowed is None or matches(self.allowed, name)


def tool_rule(allowed: Iterable[str] | None, denied: Iterable[str]) -> ToolRule:
    """Compile the two lists; `allowed` of None allows every tool, an empty one none."""
    return ToolRule(None if allowed is None else compile_globs(allowed), compile_globs(denied))


NO_TOOLS = tool_rule((), ())

Roles = Mapping[str, ToolRule]


def compile_roles(roles: Mapping[str, Mapping[str, Any]], allowed: str, denied: str) -> Roles:
    """Compile the rule of each role; `allowed` and `denied` are the names of its two fields."""
    rules = {role: tool_rule(lists[allowed], lists[denied]) for role, lists in roles.items()}
    return MappingProxyType(rules)


def refused(rule: ToolRule, tools: Iterable[Tool]) -> tuple[Tool, ...]:
    """The tools that a rule does not permit."""
    return tuple(tool for tool in tools if not rule.permits(tool.name))
