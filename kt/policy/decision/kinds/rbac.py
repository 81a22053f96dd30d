"""`rbac`: required headers, and the tools and data that each role may use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from kt.policy.decision.outcome import PASSED, Outcome, Policy, ProviderTarget
from kt.policy.decision.subject import Subject
from kt.policy.decision.tools.allowed import NO_TOOLS, ROLE_HEADER, Roles, compile_roles, refused
from kt.policy.decision.values import Detection, Request
from kt.policy.language import SENSITIVITIES

KIND = "rbac"
SENSITIVITY_HEADER = "X-Data-Sensitivity"


@dataclass(frozen=True, slots=True)
class Rbac(Policy):
    """A compiled `rbac` block. A role that is not listed has no tools and public data only."""

    required: tuple[str, ...]
    require_auth: bool
    roles: Roles
    ceilings: Mapping[str, str]

    def judge(self, subject: Subject) -> Outcome:
        """Block at the first header, tool or role that is missing or not permitted."""
        return next(self._objections(subject), PASSED)

    def _objections(self, subject: Subject) -> Iterator[Outcome]:
        request = subject.request
        for name in self.required:
            if not request.header(name):
                yield _block("missing_header", f"The header {name} is required.", f"headers.{name}")
        if self.require_auth and not _bearer(request):
            yield _block("unauthenticated", "A bearer token is required.", "headers.Authorization")
        yield from self._tool_objections(subject)
        if self.ceilings and _level(request) > self._ceiling(request):
            where = f"headers.{SENSITIVITY_HEADER}"
            yield _block("sensitivity_exceeded", "The role may not see data this sensitive.", where)

    def _tool_objections(self, subject: Subject) -> Iterator[Outcome]:
        if not self.roles:
            return
        rule = self.roles.get(subject.request.header(ROLE_HEADER) or "", NO_TOOLS)
        for tool in refused(rule, (*subject.tools.offered, *subject.tools.called)):
            yield _block("tool_denied", "The role may not use this tool.", tool.where)

    def _ceiling(self, request: Request) -> int:
        role = request.header(ROLE_HEADER) or ""
        return SENSITIVITIES.index(self.ceilings.get(role, SENSITIVITIES[0]))


def compile_block(fields: Mapping[str, Any], _targets: Sequence[ProviderTarget]) -> Rbac:
    """Compile an `rbac` block whose fields are complete."""
    access = fields["data_access"]
    return Rbac(
        required=tuple(fields["deny_if_missing"]),
        require_auth=fields["require_auth"],
        roles=compile_roles(fields["roles"], "allowed_tools", "denied_tools"),
        ceilings=MappingProxyType(
            {role: limits["max_sensitivity"] for role, limits in access.items()}
        ),
    )


def _bearer(request: Request) -> bool:
    scheme, _, token = (request.header("Authorization") or "").partition(" ")
    return scheme.lower() == "bearer" and bool(token.strip())


def _level(request: Request) -> int:
    """The rank of the sensitivity in the caller's header; an unknown word is the most sensitive."""
    level = (request.header(SENSITIVITY_HEADER) or SENSITIVITIES[0]).strip().lower()
    return SENSITIVITIES.index(level) if level in SENSITIVITIES else len(SENSITIVITIES) - 1


def _block(reason: str, message: str, where: str) -> Outcome:
    detection = Detection(KIND, reason, "access", where)
    return Outcome("block", f"rbac.{reason}", message, (detection,))
