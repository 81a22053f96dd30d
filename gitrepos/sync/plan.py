"""What one commit changes, decided without doing it. Pure: no database, no clock, no git."""

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
    """Who has a configuration's id now, as `configurations.models.Configuration` says it."""

    name: str
    owner: str
    origin_url: str
    content_hash: str
    git_hash: str
    archived: bool
    pinned: bool

    @property
    def overridden(self) -> bool:
        """Whether somebody put something else in force than what git gave last."""
        return self.git_hash not in ("", self.content_hash)


@dataclass(frozen=True, slots=True)
class LinkTerms:
    """What the plan must know of the link itself."""

    id: str
    url: str
    auto_create: bool
    adopt: bool
    prune: bool


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a commit waits for a person: a stable `reason`, words, and what would lose its file."""

    reason: str
    message: str
    would_remove: tuple[Linked, ...] = ()


@dataclass(frozen=True, slots=True)
class FileDecision:
    """What becomes of one file. `publish`: its content is the configuration's next version.

    `adopt`: what is in force stands, and this link feeds it from now on. `replaced` is the hash
    of an override that ends with this.
    """

    candidate: Candidate
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    publish: bool = False
    adopt: bool = False
    replaced: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """A policy that git has elsewhere now: at another path, or under another id."""

    before: Linked
    after: Candidate


@dataclass(frozen=True, slots=True)
class Plan:
    """`decisions` are sorted by path. `missing` lost their file and stay in force; `archived`
    lost it and are out of force; `dropped` rows say nothing any more: their configuration never
    was theirs, or has another file now.

    `removed` are those of the first two that feed a configuration in force until now, `retired`
    the ids that go out of force with this plan. `kept` counts the configurations that were fed
    before and still are.
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
        """Whether a reader of configurations will see a difference."""
        return bool(self.retired) or any(d.publish or d.adopt for d in self.decisions)

    def counts(self) -> dict[str, int]:
        """Files by outcome, those that are gone included."""
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
    that may not be enforced is quarantined and never hides its neighbours; what it fed stays
    in force. Planning a commit that was already applied publishes nothing.

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
    """What becomes of a file that may feed its configuration."""
    said = candidate.content_hash
    if holder is None or holder.archived:
        return FileDecision(candidate, "synced", candidate.findings, publish=True)
    # What stands in force may be an override; it stands until the file changes in git.
    if not holder.pinned and said not in (holder.git_hash, holder.content_hash):
        replaced = holder.content_hash if holder.overridden else ""
        return FileDecision(
            candidate, "synced", candidate.findings, publish=True, replaced=replaced
        )
    news = not holder.owner or holder.git_hash != said
    return FileDecision(candidate, _standing(candidate, holder), candidate.findings, adopt=news)


def _standing(candidate: Candidate, holder: Holder | None) -> Outcome:
    """The outcome of a file that changes nothing in force."""
    differs = holder is not None and holder.content_hash != candidate.content_hash
    return "pinned" if holder is not None and holder.pinned and differs else "synced"


def _refusal(
    configuration: str, holder: Holder | None, link: LinkTerms
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


def _fed(row: Linked, holders: Mapping[str, Holder], link: LinkTerms) -> bool:
    holder = holders.get(row.configuration)
    return holder is not None and holder.owner == link.id


def _lives(row: Linked, holders: Mapping[str, Holder], link: LinkTerms) -> bool:
    """Whether a row has its file until now, and feeds what is in force."""
    fed = row.outcome not in ("missing", "archived") and _fed(row, holders, link)
    return fed and not holders[row.configuration].archived


def _is_out(row: Linked, holders: Mapping[str, Holder]) -> bool:
    """Whether what lost its file was archived already, by the link or by somebody."""
    return row.outcome == "archived" or holders[row.configuration].archived


def _may_go(row: Linked, holders: Mapping[str, Holder]) -> bool:
    """Whether what lost its file may leave force. What somebody pinned, or took back out of the
    archive since it left, stays.
    """
    holder = holders[row.configuration]
    return row.outcome != "archived" and not holder.archived and not holder.pinned


def _moves(
    decisions: Sequence[FileDecision],
    gone: Sequence[Linked],
    lost: Sequence[Linked],
    holders: Mapping[str, Holder],
) -> tuple[Move, ...]:
    """What of the rows that are gone goes on elsewhere: under its id, or (`lost`) under a new one.

    A new id goes on what had the same bytes, else the same `pack.name`; where two could be
    meant, it is nobody's.
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
    """Those that agree in something which nobody else on either side has."""
    olds, news = Counter(map(of_row, lost)), Counter(map(of_candidate, new))
    rows = {of_row(row): row for row in lost if olds[of_row(row)] == 1}
    return [
        Move(rows[key], candidate)
        for candidate in new
        if news[key := of_candidate(candidate)] == 1 and key in rows
    ]
