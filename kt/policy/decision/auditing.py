"""`audit-logger`: the records of decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kt.policy.decision.subject import Subject
from kt.policy.decision.tools.allowed import ROLE_HEADER
from kt.policy.decision.values import Decision, Record

KIND = "audit-logger"
_USER_HEADER = "X-User-ID"


@dataclass(frozen=True, slots=True)
class AuditLogger:
    """A compiled `audit-logger` block."""

    immutable: bool
    retention_days: int
    log_all_access: bool

    def record(
        self, subject: Subject, decision: Decision, found: tuple[tuple[str, int], ...]
    ) -> Record | None:
        """The record of a decision; None for an allowed request, unless all access is logged."""
        if decision.verdict == "allow" and not self.log_all_access:
            return None
        request = subject.request
        return Record(
            stage=subject.stage,
            verdict=decision.verdict,
            policy=decision.policy,
            reason_code=decision.reason_code,
            path=request.path,
            model=request.model,
            user=request.header(_USER_HEADER),
            role=request.header(ROLE_HEADER),
            assignee=decision.assignee,
            detections=decision.detections,
            found=found,
            immutable=self.immutable,
            retention_days=self.retention_days,
        )


def compile_block(fields: Mapping[str, Any]) -> AuditLogger:
    """Compile an `audit-logger` block whose fields are complete."""
    return AuditLogger(fields["immutable"], fields["retention_days"], fields["log_all_access"])
