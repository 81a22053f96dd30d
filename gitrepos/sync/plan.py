"""The plan: what one commit changes. Pure: no database, no clock, no git."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from gitrepos.sync import ownership
from gitrepos.sync.candidates import GONE, OWNED, Candidate, Linked, error
from gitrepos.sync.moves import Move, moves
from gitrepos.sync.ownership import OtherLink
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
    four_eyes: bool = False

    @property
    def overridden(self) -> bool:
        """True when an override is in force: content other than the last from git."""
        return self.git_hash not in ("", self.content_hash)


@dataclass(frozen=True, slots=True)
class LinkTerms:
    """The settings of a link that a plan needs.

    `renames`: a new commit is planned, and not what an edit of the link made of the last one.
    `weighs`: what replaces something in force is to be compared with it; what the plan replaces of
    a configuration under four eyes is in any case.
    """

    id: str
    url: str
    auto_create: bool
    adopt: bool
    prune: bool
    renames: bool = True
    four_eyes: bool = False
    weighs: bool = False


@dataclass(frozen=True, slots=True)
class Replacement:
    """The hash in force and the one that comes after it; empty where nothing does.

    `besides` says of one under four eyes what changes besides its content, which may stay; empty
    for nothing. `traced`: the link fed it, and its file changed since the commit that was applied
    last. Else another commit or an edit may have brought it.
    """

    configuration: str
    before: str
    after: str
    four_eyes: bool
    besides: str
    traced: bool


@dataclass(frozen=True, slots=True)
class Hold:
    """The reason why a commit waits for a person: a code, a message, and what it would remove.

    `weakens` says what enforces less than what it replaces. With `four_eyes` a second person
    confirms it, and exactly what it `replaces`; where that is not `traced`, the commits since the
    last one do not tell who brought it.
    """

    reason: str
    message: str
    would_remove: tuple[Linked, ...] = ()
    weakens: tuple[str, ...] = ()
    replaces: tuple[Replacement, ...] = ()
    four_eyes: bool = False
    traced: bool = True


@dataclass(frozen=True, slots=True)
class FileDecision:
    """The outcome of one file.

    `publish`: its content becomes the configuration's next version. `adopt`: what is in force
    stays, and this link feeds it from now on. `replaced` is the hash of an override that this
    ends, `taken_from` the link that gave the configuration up.
    """

    candidate: Candidate
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    publish: bool = False
    adopt: bool = False
    replaced: str = ""
    taken_from: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes of one commit.

    `decisions` are sorted by path. `missing` rows lost their file and their configuration stays in
    force; `archived` rows lost it and their configuration is out of force; `dropped` rows are
    obsolete, since the link does not feed their configuration, or another file does.

    `removed` are the `missing` and `archived` rows that fed a configuration in force until now,
    `retired` the rows whose configuration goes out of force with this plan; `waits` says of
    others, which `prune` would retire, why they are not. `left` are the last paths at other links
    of ids that this link takes. `kept` counts the configurations that were fed before and still
    are. `replaces` is to be weighed; `guarded` are the ids under four eyes.
    """

    decisions: tuple[FileDecision, ...]
    missing: tuple[Linked, ...] = ()
    archived: tuple[Linked, ...] = ()
    dropped: tuple[Linked, ...] = ()
    removed: tuple[Linked, ...] = ()
    retired: tuple[Linked, ...] = ()
    waits: Mapping[Linked, Finding] = field(default_factory=dict)
    moves: tuple[Move, ...] = ()
    left: Mapping[str, str] = field(default_factory=dict)
    kept: int = 0
    replaces: tuple[Replacement, ...] = ()
    guarded: frozenset[str] = frozenset()

    @property
    def renames(self) -> tuple[Move, ...]:
        """The moves to another id that gateways follow."""
        return tuple(move for move in self.moves if move.carries)

    @property
    def writes(self) -> bool:
        """True when the plan changes a configuration, or what gateways are bound to."""
        changed = any(d.publish or d.adopt for d in self.decisions)
        return changed or bool(self.retired) or bool(self.renames)

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
    others: Sequence[OtherLink] = (),
) -> Plan:
    """Decide what a commit changes.

    `holders` has every existing configuration that a candidate or a linked row names, `others`
    each other link that feeds one of these or has a file that names one, and each sibling. A file
    that may not be enforced is quarantined and never stops the others; what it fed stays in
    force. Planning a commit that was already applied publishes nothing.

    Source: CI/CD guide, "GitOps Policy Sync".
    """
    named = {c.configuration for c in candidates}
    # A refused file that says another id than it had is no second one of that.
    claimed: dict[str, list[str]] = defaultdict(list)
    for candidate in candidates:
        if candidate.configuration == candidate.own_id:
            claimed[candidate.configuration].append(candidate.path)
    feeders = {other.id: other for other in others}
    decisions = tuple(_decision(c, claimed, holders, link, feeders) for c in candidates)
    present = {(d.candidate.path, d.candidate.configuration) for d in decisions}
    gone = [row for row in linked if (row.path, row.configuration) not in present]
    lost = [row for row in gone if row.configuration not in named and _fed(row, holders, link)]
    living = {row for row in linked if _lives(row, holders, link)}
    elsewhere = {name for other in others if other.sibling for name in other.names.named}
    removed = tuple(row for row in lost if row in living and row.configuration not in elsewhere)
    doomed = [row for row in lost if link.prune and _may_go(row, holders)]
    own = ownership.of(candidates, linked, {row.configuration for row in living})
    waits = ownership.waits(doomed, own, others)
    retired = tuple(row for row in doomed if row not in waits)
    archived = tuple(row for row in lost if row in retired or _is_out(row, holders))
    return Plan(
        decisions=decisions,
        missing=tuple(row for row in lost if row not in archived),
        archived=archived,
        dropped=tuple(row for row in gone if row not in lost),
        removed=removed,
        retired=retired,
        waits=waits,
        moves=_moves(decisions, living, gone=gone, lost=removed, holders=holders, link=link),
        left={
            d.candidate.configuration: feeders[d.taken_from].paths.get(
                d.candidate.configuration, ""
            )
            for d in decisions
            if d.taken_from
        },
        kept=len({row.configuration for row in living} - {row.configuration for row in removed}),
        replaces=_replaced(decisions, retired, linked, holders, link),
        guarded=frozenset(name for name, holder in holders.items() if holder.four_eyes),
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


def _replaced(
    decisions: Sequence[FileDecision],
    retired: Sequence[Linked],
    linked: Sequence[Linked],
    holders: Mapping[str, Holder],
    link: LinkTerms,
) -> tuple[Replacement, ...]:
    """What the plan replaces that is to be weighed, in the order of the plan."""
    after = [(d.candidate.configuration, d.candidate.content_hash) for d in decisions if d.publish]
    after += [(row.configuration, "") for row in retired]
    adopted = [d.candidate.configuration for d in decisions if d.adopt]
    moved = [name for name in adopted if _besides(holders[name], link)]
    after += [(name, holders[name].content_hash) for name in moved]
    return tuple(
        Replacement(
            name,
            holder.content_hash,
            content_hash,
            link.four_eyes or holder.four_eyes,
            besides=_besides(holder, link) if content_hash else "",
            traced=holder.owner == link.id and _changed(name, content_hash, linked),
        )
        for name, content_hash in after
        if (holder := holders.get(name)) is not None and (link.weighs or holder.four_eyes)
    )


def _besides(holder: Holder, link: LinkTerms) -> str:
    if not holder.four_eyes:
        return ""
    if holder.owner != link.id:
        # Who made the link chose whose commits feed it from then on.
        return "this link did not feed it until now"
    return "it comes back into force" if holder.archived else ""


def _changed(name: str, content_hash: str, linked: Sequence[Linked]) -> bool:
    """True when the file of an id was in force as it is in git, and has other bytes now."""
    rows = [row for row in linked if row.configuration == name]
    return bool(rows) and all(
        row.outcome == "synced" and row.content_hash != content_hash for row in rows
    )


def _decision(
    candidate: Candidate,
    claimed: Mapping[str, Sequence[str]],
    holders: Mapping[str, Holder],
    link: LinkTerms,
    feeders: Mapping[str, OtherLink],
) -> FileDecision:
    findings = candidate.findings
    holder = holders.get(candidate.configuration)
    paths = claimed.get(candidate.configuration, ()) if candidate.configuration else ()
    if len(paths) > 1 and not candidate.named:
        other = next((path for path in paths if path != candidate.path), paths[0])
        message = f"{other} names the id {candidate.configuration!r} too"
        how = "give one of the two another `pack.id`, or remove it"
        findings = (*findings, error("duplicate_id", message, how))
        return FileDecision(candidate, "conflict", findings)
    feeder = feeders.get(holder.owner) if holder is not None else None
    if candidate.unchanged:
        if holder is None or holder.owner in ("", link.id):
            return FileDecision(candidate, _standing(candidate, holder), findings)
        # Another link took the id since the file was read; the next look has its bytes.
        message = _owned(candidate, holder.owner, feeder)
        return FileDecision(candidate, "conflict", (error(OWNED, message),))
    if not candidate.ok:
        return FileDecision(candidate, "quarantined", findings)
    refusal = _refusal(candidate, holder, link, feeder)
    if refusal is not None:
        return FileDecision(candidate, refusal[0], (*findings, refusal[1]))
    return _allowed(candidate, holder, link)


def _allowed(candidate: Candidate, holder: Holder | None, link: LinkTerms) -> FileDecision:
    """The decision on a file that may feed its configuration."""
    content_hash = candidate.content_hash
    from_link = holder.owner if holder is not None and holder.owner != link.id else ""
    decide = partial(FileDecision, candidate, findings=candidate.findings, taken_from=from_link)
    if holder is None or holder.archived:
        return decide(outcome="synced", publish=True)
    # An override stays in force until the file changes in git.
    if not holder.pinned and content_hash not in (holder.git_hash, holder.content_hash):
        replaced = holder.content_hash if holder.overridden else ""
        return decide(outcome="synced", publish=True, replaced=replaced)
    news = holder.owner != link.id or holder.git_hash != content_hash
    return decide(outcome=_standing(candidate, holder), adopt=news)


def _standing(candidate: Candidate, holder: Holder | None) -> Outcome:
    """The outcome of a file that leaves what is in force as it is."""
    differs = holder is not None and holder.content_hash != candidate.content_hash
    return "pinned" if holder is not None and holder.pinned and differs else "synced"


def _refusal(
    candidate: Candidate, holder: Holder | None, link: LinkTerms, feeder: OtherLink | None
) -> tuple[Outcome, Finding] | None:
    """The outcome and finding when a link may not feed the id of a file, or None.

    `feeder` is the link that feeds the id now, if it is another one.
    """
    name = candidate.configuration
    if holder is None:
        if link.auto_create:
            return None
        message = (
            f"no configuration {name!r} exists, and the link has auto_create_configuration off"
        )
        return "unlinked", error("unlinked", message)
    if holder.owner == link.id or (feeder is not None and _gave_up(feeder, name)):
        return None
    if holder.owner and not (holder.archived and feeder is not None and name not in feeder.kept):
        return "conflict", error(OWNED, _owned(candidate, holder.owner, feeder))
    if not link.auto_create or link.adopt or holder.origin_url == link.url:
        return None
    message = (
        f"the configuration {name!r} exists and was not made by this link;"
        ' set "adopt": true on the link (kt repos edit LINK --adopt) to take it over'
    )
    return "conflict", error("not_adopted", message)


def _gave_up(feeder: OtherLink, name: str) -> bool:
    """True when a link of the same branch has no file any more for an id that it feeds."""
    return feeder.sibling and name not in feeder.kept


def _owned(candidate: Candidate, owner: str, feeder: OtherLink | None) -> str:
    name = candidate.configuration
    fed = f"the configuration {name!r} is fed by the link {owner}"
    if feeder is not None and feeder.sibling:
        path = feeder.names.named.get(name) or feeder.paths.get(name, "a file")
        if path == candidate.path:
            return f"{fed}, which has this same file; exclude it there, or delete this link"
        return f"{fed}, whose file {path} names it too; remove one of the two"
    return (
        f"{fed}, of another branch or repository; name another id here, or remove its file there"
        " and archive it"
    )


def _fed(row: Linked, holders: Mapping[str, Holder], link: LinkTerms) -> bool:
    holder = holders.get(row.configuration)
    return holder is not None and holder.owner == link.id


def _lives(row: Linked, holders: Mapping[str, Holder], link: LinkTerms) -> bool:
    """True when a row had its file at the last sync and feeds a configuration in force."""
    fed = row.outcome not in GONE and _fed(row, holders, link)
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
    living: Collection[Linked],
    *,
    gone: Sequence[Linked],
    lost: Sequence[Linked],
    holders: Mapping[str, Holder],
    link: LinkTerms,
) -> tuple[Move, ...]:
    """The moves of a plan; `living` are the rows that fed a configuration in force until now."""
    feeding = [d.candidate for d in decisions if d.outcome in ("synced", "pinned")]
    stood = {row.configuration for row in living}
    come = [
        candidate
        for candidate in feeding
        if (holder := holders.get(candidate.configuration)) is None
        or (holder.owner == link.id and candidate.configuration not in stood)
    ]
    left = [row for row in gone if row in living]
    found = moves(feeding, come, gone=left, lost=lost, holders=holders)
    return tuple(replace(move, carries=move.carries and link.renames) for move in found)
