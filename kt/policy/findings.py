"""What lint hands back: findings, and as much of the pack as could be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing said about one place of a policy file.

    `code` is stable for ever (`E002`, `W001`); `kt policy explain CODE` prints its page.
    `path` is the place in the document (`policies.chain[2]`), "" for the document itself.
    `suggestion` is the fix in words, "" where there is none to give.
    `line` and `column` are 1-based and count characters; a file that has no text has 1, 1.
    """

    code: str
    severity: Severity
    path: str
    message: str
    suggestion: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Pack:
    """The `pack` block, as far as it could be read; `enabled` is True where nothing was said."""

    id: str | None = None
    name: str | None = None
    version: str | None = None
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Report:
    """Everything lint says about one file.

    `findings` are in file order. `pack` is None when the file has no readable `pack` mapping.
    `chain` names the entries of `policies.chain` that could be read, in their order.
    """

    findings: tuple[Finding, ...]
    pack: Pack | None
    chain: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the file may be published: warnings do not stop it."""
        return not self.errors

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stop a file from being published."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that do not."""
        return tuple(finding for finding in self.findings if finding.severity == "warning")
