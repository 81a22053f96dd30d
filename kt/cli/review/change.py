"""The two sides of a change of one policy, compared: words, findings, tests, mutants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from kt.cli.review.sides import Side
from kt.policy.changes import Change
from kt.policy.coverage.points import Point
from kt.policy.diff import diff
from kt.policy.findings import Finding
from kt.policy.mutants.measure import Tried
from kt.policy.testing.suites import CaseResult


class Unnoticed(NamedTuple):
    """A mutant that survives after a change, and the case that noticed it before ("" if none)."""

    tried: Tried
    killer: str


class Audience(NamedTuple):
    """Whom a change reaches: its configuration, the link that feeds it, and the gateways."""

    configuration: str
    is_known: bool
    link: str
    gateways: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A policy that a change touches. `before` is None of a new one, `after` of a deleted one.

    `moved_from` is the path that it had, "" where that is the same. `reach` is None where no
    control plane was asked.
    """

    file: str
    before: Side | None
    after: Side | None
    moved_from: str = ""
    reach: Audience | None = None

    @property
    def configuration(self) -> str:
        """The id of the configuration, "" where it has none."""
        sides = (self.after, self.before)
        return next((one.configuration for one in sides if one and one.configuration), "")

    @property
    def fails(self) -> bool:
        """True where lint finds an error, or a test fails, in what the change leaves."""
        after = self.after
        return after is not None and (
            not after.is_valid or bool(after.problem) or bool(self.failed)
        )

    @property
    def changes(self) -> tuple[Change, ...]:
        """The differences in words; a new policy is stronger, a deleted one weaker."""
        before, after = self.before, self.after
        if after is None:
            return (Change("weaker", "", "the policy is deleted"),)
        if before is None:
            return (Change("stronger", "", "the policy is new"),)
        if not (before.is_valid and after.is_valid):
            return ()
        return diff(before.data, after.data)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What lint finds now and did not before."""
        if self.after is None:
            return ()
        known = {_said(one) for one in self.before.findings} if self.before else set()
        return tuple(one for one in self.after.findings if _said(one) not in known)

    @property
    def failed(self) -> tuple[CaseResult, ...]:
        """Cases that do not pass."""
        return tuple(one for one in self.after.results if one.failed) if self.after else ()

    @property
    def gone(self) -> tuple[str, ...]:
        """Cases that there were."""
        if self.before is None or self.after is None or not self.after.is_valid:
            return ()
        now = self.after.cases
        return tuple(name for name in self.before.cases if name not in now)

    @property
    def uncovered(self) -> tuple[Point, ...]:
        """What tests do not reach, and did reach or was not there before."""
        if self.after is None or self.after.coverage is None:
            return ()
        old = self.before.coverage if self.before else None
        known = {point.reach for point in old.missed} if old else set()
        return tuple(one for one in self.after.coverage.missed if one.reach not in known)

    @property
    def survivors(self) -> tuple[Unnoticed, ...]:
        """Mutants that no test notices, and one did or that were not there before."""
        if self.after is None or self.after.mutation is None:
            return ()
        old = self.before.mutation if self.before else None
        fates = {one.mutant.signature: one for one in old.tried} if old else {}
        found = []
        for one in self.after.mutation.of("survived"):
            was = fates.get(one.mutant.signature)
            if was is None or was.fate == "killed":
                found.append(Unnoticed(one, was.killer if was else ""))
        return tuple(found)

    @property
    def idle(self) -> tuple[str, ...]:
        """Cases that noticed a mutant before and notice none any more."""
        old = self.before.mutation if self.before else None
        new = self.after.mutation if self.after else None
        if old is None or new is None:
            return ()
        now = {one.killer for one in new.tried}
        return tuple(dict.fromkeys(one.killer for one in old.of("killed") if one.killer not in now))

    @property
    def rename(self) -> str:
        """What a new path or id takes along; "" where neither is new."""
        before, after = self.before, self.after
        if before is None or after is None:
            return ""
        old, new = before.configuration, after.configuration
        if old == new:
            return (
                f"the configuration {new} goes on, with all that is bound"
                if self.moved_from
                else ""
            )
        if before.data == after.data:
            return f"{new} follows {old}: what is bound to it goes along"
        return f"{old} ends and {new} begins: what is bound to {old} stays with its last version"


def _said(finding: Finding) -> tuple[str, str, str]:
    return finding.code, finding.path, finding.message
