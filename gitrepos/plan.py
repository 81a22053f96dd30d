"""What one commit changes, decided without doing it. Pure: no database, no clock, no git."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gitrepos.candidates import Candidate, Linked, error
from kt.policy.findings import Finding

MASS_REMOVAL = "mass_removal"
_FEW_FILES = 4

Outcome = Literal["synced", "unlinked", "quarantined", "conflict", "missing"]


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a configuration's id now, as `configurations.models.Configuration` says it."""

    owner: str
    origin_url: str
    content_hash: str
    git_hash: str
    archived: bool


@dataclass(frozen=True, slots=True)
class Link:
    """What the plan must know of the link itself."""

    id: str
    url: str
    auto_create: bool
    adopt: bool


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a commit waits for a person: a stable `reason`, words, and what would lose its file."""

    reason: str
    message: str
    would_remove: tuple[Linked, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one file. `publish`: its content is the configuration's next version.

    `adopt`: what is in force stands, and this link feeds it from now on.
    """

    candidate: Candidate
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    publish: bool = False
    adopt: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """`decisions` are sorted by path. `missing` lost their file and stay in force; `dropped`
    rows say nothing any more: their configuration never was theirs, or has another file now.
    `removed` are those of `missing` that feed a configuration in force until now, `kept` counts
    the configurations that were fed before and still are.
    """

    decisions: tuple[Decision, ...]
    missing: tuple[Linked, ...] = ()
    dropped: tuple[Linked, ...] = ()
    removed: tuple[Linked, ...] = ()
    kept: int = 0

    @property
    def writes(self) -> bool:
        """Whether a reader of configurations will see a difference."""
        return any(decision.publish or decision.adopt for decision in self.decisions)

    def counts(self) -> dict[str, int]:
        """Files by outcome, those that are missing included."""
        outcomes = Counter(str(decision.outcome) for decision in self.decisions)
        return dict(outcomes + Counter(missing=len(self.missing)))


def plan(
    candidates: Sequence[Candidate],
    *,
    linked: Sequence[Linked],
    holders: Mapping[str, Holder],
    link: Link,
) -> Plan:
    """Decide what a commit changes.

    `holders` has every existing configuration that a candidate or a linked row names. A file
    that may not be enforced is quarantined and never hides its neighbours; what it fed stays
    in force. Planning a commit that was already applied publishes nothing.

    Source: CI/CD guide, "GitOps Policy Sync".
    """
    named = Counter(c.configuration for c in candidates if c.configuration)
    decisions = tuple(_decision(candidate, named, holders, link) for candidate in candidates)
    present = {(d.candidate.path, d.candidate.configuration) for d in decisions}
    gone = [row for row in linked if (row.path, row.configuration) not in present]
    missing = [row for row in gone if row.configuration not in named and _fed(row, holders, link)]
    living = {row for row in linked if _lives(row, holders, link)}
    removed = tuple(row for row in missing if row in living)
    return Plan(
        decisions=decisions,
        missing=tuple(missing),
        dropped=tuple(row for row in gone if row not in missing),
        removed=removed,
        kept=len({row.configuration for row in living}) - len(removed),
    )


def mass_removal(decided: Plan) -> Hold | None:
    """More than half of at least four files gone at once is more often a mistake than a wish."""
    gone = len(decided.removed)
    total = gone + decided.kept
    if total < _FEW_FILES or 2 * gone <= total:
        return None
    message = f"{gone} of {total} configurations would lose their file at once."
    return Hold(MASS_REMOVAL, message, decided.removed)


def _decision(
    candidate: Candidate,
    named: Mapping[str, int],
    holders: Mapping[str, Holder],
    link: Link,
) -> Decision:
    findings = candidate.findings
    if named[candidate.configuration] > 1:
        message = f"another file of this commit names the id {candidate.configuration!r} too"
        findings = (*findings, error("duplicate_id", message))
        return Decision(candidate, "conflict", findings)
    if candidate.unchanged:
        return Decision(candidate, "synced", findings)
    if not candidate.ok:
        return Decision(candidate, "quarantined", findings)
    holder = holders.get(candidate.configuration)
    refusal = _refusal(candidate.configuration, holder, link)
    if refusal is not None:
        return Decision(candidate, refusal[0], (*findings, refusal[1]))
    # What stands in force may be an override; it stands until the file changes in git.
    said = candidate.content_hash
    if holder is None or holder.archived or said not in (holder.git_hash, holder.content_hash):
        return Decision(candidate, "synced", findings, publish=True)
    news = not holder.owner or holder.git_hash != said
    return Decision(candidate, "synced", findings, adopt=news)


def _refusal(
    configuration: str, holder: Holder | None, link: Link
) -> tuple[Outcome, Finding] | None:
    """Why a link may not feed `configuration`, or None when it may."""
    if holder is None:
        if link.auto_create:
            return None
        message = (
            f"no configuration {configuration!r} exists, and the link has"
            " auto_create_configuration off"
        )
        return "unlinked", error("unlinked", message)
    if holder.owner == link.id:
        return None
    if holder.owner:
        message = f"the configuration {configuration!r} is fed by the link {holder.owner}"
        return "conflict", error("owned_by_another_link", message)
    if not link.auto_create or link.adopt or holder.origin_url == link.url:
        return None
    message = (
        f"the configuration {configuration!r} exists and was not made by this link;"
        ' set "adopt": true on the link to take it over'
    )
    return "conflict", error("not_adopted", message)


def _lives(row: Linked, holders: Mapping[str, Holder], link: Link) -> bool:
    """Whether a row has its file until now, and feeds what is in force."""
    fed = row.outcome != "missing" and _fed(row, holders, link)
    return fed and not holders[row.configuration].archived


def _fed(row: Linked, holders: Mapping[str, Holder], link: Link) -> bool:
    holder = holders.get(row.configuration)
    return holder is not None and holder.owner == link.id
