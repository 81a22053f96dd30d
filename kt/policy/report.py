"""The result of lint: findings, and as much of the pack as could be read.

In a module apart from `findings`, which imports `dataclasses`: a clean file needs no `Finding`.
"""

from __future__ import annotations

from kt.lazy import TYPE_CHECKING
from kt.policy.frozen import Frozen

if TYPE_CHECKING:
    from kt.policy.findings import Finding


class Pack(Frozen):
    """The `pack` block, as far as it could be read; `enabled` is True when it is not given."""

    __slots__ = ("id", "name", "version", "enabled")  # noqa: RUF023 - in the order of `__init__`

    def __init__(
        self,
        id: str | None = None,  # noqa: A002 - the language's word
        name: str | None = None,
        version: str | None = None,
        enabled: bool = True,
    ) -> None:
        self.id = id
        self.name = name
        self.version = version
        self.enabled = enabled


class Suppressed(Frozen):
    """A warning that a comment of the file suppresses, and the reason that it gives."""

    __slots__ = ("finding", "reason")

    def __init__(self, finding: Finding, reason: str) -> None:
        self.finding = finding
        self.reason = reason


class Report(Frozen):
    """The result of lint for one file.

    `findings` are in file order. `pack` is None when the file has no readable `pack` mapping.
    `chain` names the entries of `policies.chain` that could be read, in their order.
    `complete`: the file could be read to its end. `suppressed` are in file order, and none of
    `findings`.
    """

    __slots__ = ("chain", "complete", "findings", "pack", "suppressed")

    def __init__(
        self,
        findings: tuple[Finding, ...],
        pack: Pack | None,
        chain: tuple[str, ...],
        *,
        complete: bool = False,
        suppressed: tuple[Suppressed, ...] = (),
    ) -> None:
        self.findings = findings
        self.pack = pack
        self.chain = chain
        self.complete = complete
        self.suppressed = suppressed

    @property
    def ok(self) -> bool:
        """True when the file may be published: warnings do not stop it."""
        return not self.errors

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stop a file from being published."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that do not stop a file from being published."""
        return tuple(finding for finding in self.findings if finding.severity == "warning")
