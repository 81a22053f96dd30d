"""The ids that the files of links name, and those that may name any: whose file an id has. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gitrepos.sync.candidates import GONE, Candidate, Linked, warning
from kt.policy.findings import Finding


@dataclass(frozen=True, slots=True)
class NamedIds:
    """The ids that files name, each with a path, and the files that may name any id.

    A file may name any id while nobody can read which: a pointer, a link, broken YAML.
    """

    named: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OtherLink:
    """Another link, as far as a plan needs it.

    `names` are of its files in the commit that is planned; where these do not bind it, those of
    its own last sync as well. `kept` are the ids that it still has a file for, and keeps. A
    `sibling` follows the same ref of the same url. `paths` are the last paths of ids.
    """

    id: str
    sibling: bool
    suspended: bool = False
    names: NamedIds = NamedIds()
    kept: frozenset[str] = frozenset()
    paths: Mapping[str, str] = field(default_factory=dict)


def of(candidates: Sequence[Candidate], linked: Iterable[Linked], fed: Collection[str]) -> NamedIds:
    """The names of a link's candidates.

    A file that cannot be read is taken for what it was where it was, if that is in `fed`, the
    ids that the link feeds. Anywhere else it may be a policy that moved.
    """
    stood = {(row.path, row.configuration) for row in linked if row.outcome not in GONE}
    named: dict[str, str] = {}
    for candidate in candidates:
        if name := candidate.own_id:
            named.setdefault(name, candidate.path)
    unread = tuple(
        candidate.path
        for candidate in candidates
        if candidate.unread
        and not (
            candidate.configuration in fed and (candidate.path, candidate.configuration) in stood
        )
    )
    return NamedIds(named, unread)


def said(linked: Iterable[Linked], fed: Collection[str]) -> NamedIds:
    """The names of a link as of its last sync."""
    rows = [row for row in linked if row.outcome not in GONE]
    named: dict[str, str] = {}
    for row in rows:
        if row.configuration:
            named.setdefault(row.configuration, row.path)
    unread = (
        row.path for row in rows if row.outcome == "quarantined" and row.configuration not in fed
    )
    return NamedIds(named, tuple(unread))


def seen(
    link_id: str,
    rows: Sequence[Linked],
    candidates: Sequence[Candidate] | None,
    *,
    fed: Collection[str],
    sibling: bool,
    suspended: bool = False,
    failing: bool = False,
    together: bool = True,
    signed: bool = True,
) -> OtherLink:
    """Another link, of its rows and of its files in the commit that is planned.

    `candidates` are None where the commit was not read for it. A link that syncs apart from the
    planned one (not `together`) may be at a newer commit, so it keeps what it said last until it
    says otherwise; so does one whose signers did not sign this commit (not `signed`). One that is
    suspended or failing says nothing: the commit decides what it still has, but what it gave up
    it does not take back meanwhile.
    """
    # A refused file's row has the id that it had; what it says itself is in the file.
    says = {(c.path, c.blob) for c in candidates or () if c.named}
    word, idle = said([r for r in rows if (r.path, r.blob) not in says], fed), suspended or failing
    told = word if candidates is None else of(candidates, rows, fed)
    bound = candidates is not None and signed and (idle or together)
    kept = {*told.named} if bound else {*word.named, *told.named}
    if idle:
        kept &= word.named.keys()
    last = sorted(rows, key=lambda row: row.outcome not in GONE)
    return OtherLink(
        link_id,
        sibling,
        suspended,
        names=told if bound else _joined(told, word),
        kept=frozenset(kept),
        paths={row.configuration: row.path for row in last},
    )


def _joined(one: NamedIds, two: NamedIds) -> NamedIds:
    return NamedIds({**two.named, **one.named}, tuple(dict.fromkeys((*one.unread, *two.unread))))


def waits(
    doomed: Iterable[Linked], own: NamedIds, others: Sequence[OtherLink]
) -> dict[Linked, Finding]:
    """The rows that `prune` may not retire yet, with a finding that says why.

    A commit with a file that names an id, or may name it, does not prove that the id is gone.
    """
    reasons = {row: _reason(row.configuration, own, others) for row in doomed}
    return {
        row: warning("prune_waits", f"it lost its file and stays in force: {reason}")
        for row, reason in reasons.items()
        if reason
    }


def _reason(configuration: str, own: NamedIds, others: Iterable[OtherLink]) -> str:
    """The reason not to archive an id that lost its file, for people; empty for none."""
    if configuration in own.named:
        return f"{own.named[configuration]} names it, and is refused; mend that file"
    for other in others:
        if configuration in other.names.named:
            return f"{other.names.named[configuration]} of the link {other.id} {_next(other)}"
    others = [other for other in others if other.sibling]
    unread = [*own.unread, *(path for other in others for path in other.names.unread)]
    if unread:
        return f"{unread[0]} names no readable id, and may be what it became; mend or remove it"
    return ""


def _next(other: OtherLink) -> str:
    if other.suspended:
        return "names it; resume that link, which then feeds it"
    if other.sibling:
        return "names it; that link feeds it as soon as the file passes there"
    return "names it, of another branch or repository; archive it here to let that link have it"
