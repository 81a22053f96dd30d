"""`agent-firewall`: the tools that an agent may be offered and may call, and how often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kt.policy.decision.outcome import PASSED, Outcome, Policy, ProviderTarget
from kt.policy.decision.subject import Subject
from kt.policy.decision.tools.allowed import (
    NO_TOOLS,
    ROLE_HEADER,
    Roles,
    ToolRule,
    compile_roles,
    refused,
    tool_rule,
)
from kt.policy.decision.values import Detection

KIND = "agent-firewall"


@dataclass(frozen=True, slots=True)
class AgentFirewall(Policy):
    """A compiled `agent-firewall` block; `most_calls` is None without a limit."""

    everyone: ToolRule
    roles: Roles
    most_calls: int | None

    @property
    def call_limit(self) -> int | None:
        return self.most_calls

    def judge(self, subject: Subject) -> Outcome:
        """Block a tool that is not permitted, and more calls in one body than the limit."""
        denied = tuple(
            Detection(KIND, "tool_denied", "tool", tool.where)
            for rule in self._rules(subject)
            for tool in refused(rule, (*subject.tools.offered, *subject.tools.called))
        )
        if denied:
            return Outcome(
                "block",
                "agent_firewall.tool_denied",
                "A tool is not allowed by policy 'agent-firewall'.",
                denied,
            )
        calls = subject.tools.called
        if self.most_calls is None or len(calls) <= self.most_calls:
            return PASSED
        first = Detection(KIND, "max_tool_calls", "tool", calls[self.most_calls].where)
        message = f"There are more than {self.most_calls} tool calls."
        return Outcome("block", "agent_firewall.too_many_tool_calls", message, (first,))

    def _rules(self, subject: Subject) -> Iterator[ToolRule]:
        yield self.everyone
        if self.roles:
            yield self.roles.get(subject.request.header(ROLE_HEADER) or "", NO_TOOLS)


def compile_block(fields: Mapping[str, Any], _targets: Sequence[ProviderTarget]) -> AgentFirewall:
    """Compile an `agent-firewall` block whose fields are complete."""
    return AgentFirewall(
        everyone=tool_rule(fields["allowed_tools"], fields["blocked_tools"]),
        roles=compile_roles(fields["tools"]["roles"], "allowed", "denied"),
        most_calls=fields["max_tool_calls"],
    )
