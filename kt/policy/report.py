"""The answer of lint: findings, and as much of the pack as could be read.

Apart from `findings`, so that a clean file is answered without loading what a `Finding` is
made with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from kt.policy.findings import Finding


class Pack(NamedTuple):
    """The `pack` block, as far as it could be read; `enabled` is True where nothing was said."""

    id: str | None = None
    name: str | None = None
    version: str | None = None
    enabled: bool = True


class Report(NamedTuple):
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
