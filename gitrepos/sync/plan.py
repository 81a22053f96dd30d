"""The plan: what one commit changes. Pure: no database, no clock, no git."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gitrepos.sync.candidates import Candidate, Linked, error
from kt.policy.findings import Finding

MASS_REMOVAL = "mass_removal"
_FEW_FILES = 4

Outcome = Literal["synced", "pinned", "unlinked", "quarantined", "conflict"]


@dataclass(frozen=True, slots=True)
class Holder:
    """The present configuration of an id; see `configurations.models.Configuration`."""

    name: str
    owner: str
    origin_url: str
    content_hash: str
    git_hash: str
    archived: bool
    pinned: bool

    @property
    def overridden(self) -> bool:
        """True when an override is in force: content other than the last from git."""
        return self.git_hash not in ("", self.content_hash)


@dataclass(frozen=True, slots=True)
class LinkTerms:
    """The settings of a link that a plan needs."""

    id: str
    url: str
    auto_create: bool
    adopt: bool
    prune: bool


@dataclass(frozen=True, slots=True)
class Hold:
    """The reason why a commit waits for a person: a code, a message, and what it would remove."""

    reason: str
    message: str
    would_remove: tuple[Linked, ...] = ()


@dataclass(frozen=True, slots=True)
class FileDecision:
    """The outcome of one file.

    `publish`: its content becomes the configuration's next version. `adopt`: what is in force
    stays, and this link feeds it from now on. `replaced` is the hash of an override that this
    ends.
    """

    candidate: Candidate
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    publish: bool = False
    adopt: bool = False
    replaced: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """A policy that git now has at another path, or under another id."""

    before: Linked
    after: Candidate


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes of one commit.

    `decisions` are sorted by path. `missing` rows lost their file and their configuration stays in
    force; `archived` rows lost it and their configuration is out of force; `dropped` rows are
    obsolete, since the link does not feed their configuration, or another file does.

    `removed` are the `missing` and `archived` rows that fed a configuration in force until now,
    `retired` the rows whose configuration goes out of force with this plan. `kept` counts the
    configurations that were fed before and still are.
    """

    decisions: tuple[FileDecision, ...]
    missing: tuple[Linked, ...] = ()
    archived: tuple[Linked, ...] = ()
    dropped: tuple[Linked, ...] = ()
    removed: tuple[Linked, ...] = ()
    retired: tuple[Linked, ...] = ()
    moves: tuple[Move, ...] = ()
    kept: int = 0

    @property
    def writes(self) -> bool:
        """True when the plan changes a configuration."""
        return bool(self.retired) or any(d.publish or d.adopt for d in self.decisions)

    def counts(self) -> dict[str, int]:
        """The number of files by outcome, lost files included."""
        outcomes = Counter(str(decision.outcome) for decision in self.decisions)
        gone = Counter(missing=len(self.missing), archived=len(self.archived))
        return dict(outcomes + gone)


def plan(
    candidates: Sequence[Candidate],
    *,
    linked: Sequence[Linked],
    holders: Mapping[str, Holder],
    link: LinkTerms,
) -> Plan:
    """Decide what a commit changes.

    `holders` has every existing configuration that a candidate or a linked row names. A file
    that may not be enforced is quarantined and never stops the others; what it fed stays in
    force. Planning a commit that was already applied publishes nothing.

    Source: CI/CD guide, "GitOps Policy Sync".
    """
    named = Counter(c.configuration for c in candidates if c.configuration)
    decisions = tuple(_decision(candidate, named, holders, link) for candidate in candidates)
    present = {(d.candidate.path, d.candidate.configuration) for d in decisions}
    gone = [row for row in linked if (row.path, row.configuration) not in present]
    lost = [row for row in gone if row.configuration not in named and _fed(row, holders, link)]
    living = {row for row in linked if _lives(row, holders, link)}
    removed = tuple(row for row in lost if row in living)
    retired = tuple(row for row in lost if link.prune and _may_go(row, holders))
    archived = tuple(row for row in lost if row in retired or _is_out(row, holders))
    return Plan(
        decisions=decisions,
        missing=tuple(row for row in lost if row not in archived),
        archived=archived,
        dropped=tuple(row for row in gone if row not in lost),
        removed=removed,
        retired=retired,
        moves=_moves(decisions, [row for row in gone if row in living], removed, holders),
        kept=len({row.configuration for row in living}) - len(removed),
    )


def mass_removal(decided: Plan) -> Hold | None:
    """The hold for a plan that removes over half of at least four configurations, or None.

    So many at once are more often a mistake than meant.
    """
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
    link: LinkTerms,
) -> FileDecision:
    findings = candidate.findings
    holder = holders.get(candidate.configuration)
    if named[candidate.configuration] > 1:
        message = f"another file of this commit names the id {candidate.configuration!r} too"
        findings = (*findings, error("duplicate_id", message))
        return FileDecision(candidate, "conflict", findings)
    if candidate.unchanged:
        return FileDecision(candidate, _standing(candidate, holder), findings)
    if not candidate.ok:
        return FileDecision(candidate, "quarantined", findings)
    refusal = _refusal(candidate.configuration, holder, link)
    if refusal is not None:
        return FileDecision(candidate, refusal[0], (*findings, refusal[1]))
    return _allowed(candidate, holder)


def _allowed(candidate: Candidate, holder: Holder | None) -> FileDecision:
    """The decision on a file that may feed its configuration."""
    content_hash = candidate.content_hash
    if holder is None or holder.archived:
        return FileDecision(candidate, "synced", candidate.findings, publish=True)
    # An override stays in force until the file changes in git.
    if not holder.pinned and content_hash not in (holder.git_hash, holder.content_hash):
        replaced = holder.content_hash if holder.overridden else ""
        return FileDecision(
            candidate, "synced", candidate.findings, publish=True, replaced=replaced
        )
    news = not holder.owner or holder.git_hash != content_hash
    return FileDecision(candidate, _standing(candidate, holder), candidate.findings, adopt=news)


def _standing(candidate: Candidate, holder: Holder | None) -> Outcome:
    """The outcome of a file that leaves what is in force as it is."""
    differs = holder is not None and holder.content_hash != candidate.content_hash
    return "pinned" if holder is not None and holder.pinned and differs else "synced"


def _refusal(
    configuration: str, holder: Holder | None, link: LinkTerms
) -> tuple[Outcome, Finding] | None:
    """The outcome and finding when a link may not feed `configuration`, or None."""
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


def _fed(row: Linked, holders: Mapping[str, Holder], link: LinkTerms) -> bool:
    holder = holders.get(row.configuration)
    return holder is not None and holder.owner == link.id


def _lives(row: Linked, holders: Mapping[str, Holder], link: LinkTerms) -> bool:
    """True when a row had its file at the last sync and feeds a configuration in force."""
    fed = row.outcome not in ("missing", "archived") and _fed(row, holders, link)
    return fed and not holders[row.configuration].archived


def _is_out(row: Linked, holders: Mapping[str, Holder]) -> bool:
    """True when the configuration of a lost file was archived already, by the link or a person."""
    return row.outcome == "archived" or holders[row.configuration].archived


def _may_go(row: Linked, holders: Mapping[str, Holder]) -> bool:
    """True when the configuration of a lost file may go out of force.

    It stays when somebody pinned it, or restored it from the archive since the file was lost.
    """
    holder = holders[row.configuration]
    return row.outcome != "archived" and not holder.archived and not holder.pinned


def _moves(
    decisions: Sequence[FileDecision],
    gone: Sequence[Linked],
    lost: Sequence[Linked],
    holders: Mapping[str, Holder],
) -> tuple[Move, ...]:
    """The policies of `gone` rows that another file has now, under the same id or a new one.

    A new id continues the row of `lost` with the same bytes, else with the same `pack.name`. Where
    two rows or two files match, there is no move.
    """
    feeding = [d.candidate for d in decisions if d.outcome in ("synced", "pinned")]
    taken = {candidate.configuration: candidate for candidate in feeding}
    same = [Move(row, taken[row.configuration]) for row in gone if row.configuration in taken]
    new = [d.candidate for d in decisions if d.publish and d.candidate.configuration not in holders]
    by_bytes = _pairs(lost, new, lambda row: row.blob, lambda candidate: candidate.blob)
    done = {move.before for move in by_bytes}, {move.after for move in by_bytes}
    by_name = _pairs(
        [row for row in lost if row not in done[0]],
        [candidate for candidate in new if candidate not in done[1]],
        lambda row: holders[row.configuration].name,
        lambda candidate: candidate.name,
    )
    return tuple(sorted([*same, *by_bytes, *by_name], key=lambda move: move.after.path))


def _pairs(
    lost: Sequence[Linked],
    new: Sequence[Candidate],
    of_row: Callable[[Linked], str],
    of_candidate: Callable[[Candidate], str],
) -> list[Move]:
    """Moves between rows and candidates with the same key, which no other row or candidate has."""
    olds, news = Counter(map(of_row, lost)), Counter(map(of_candidate, new))
    rows = {of_row(row): row for row in lost if olds[of_row(row)] == 1}
    return [
        Move(rows[key], candidate)
        for candidate in new
        if news[key := of_candidate(candidate)] == 1 and key in rows
    ]
