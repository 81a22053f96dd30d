"""The rows that a plan needs, read from the database, and the plan made of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Self
from uuid import UUID

from django.db.models import Q, QuerySet

from configurations.models import Configuration
from gitrepos import refs
from gitrepos.errors import GoneError, RemoteError
from gitrepos.models import NO_POLICY_FILES, Link, LinkedFile
from gitrepos.snapshot.values import Snapshot
from gitrepos.sync import holds, ownership
from gitrepos.sync.candidates import GONE, Candidate, Linked, read
from gitrepos.sync.ownership import OtherLink
from gitrepos.sync.plan import Holder, LinkTerms, Plan, plan
from keeptrusts import statements
from keeptrusts.judge import policies
from keeptrusts.judge.policies import TOO_COSTLY
from keeptrusts.statements import together
from kt.policy.findings import Finding
from kt.policy.mutants.gates import CODES, Gates
from kt.policy.verify import VERIFY_VERSION

# Outcomes of files that passed all gates, and are read again nevertheless.
_PASSED = ("pinned", "unlinked")
_COLUMNS = ("path", "configuration", "blob", "outcome", "content_hash")


@dataclass(slots=True)
class Look:
    """What one fetch found for a link: its rows before, and its snapshot or the error.

    The files are read once, when they are needed first, and verified and measured by `judge`.
    """

    link: Link
    before: Sequence[Linked]
    result: Snapshot | RemoteError
    judge: policies.Commit
    _read: tuple[Candidate, ...] | None = field(default=None, init=False)

    def candidates(self) -> tuple[Candidate, ...]:
        """The files of the commit, read and named; none where there are none to read."""
        if isinstance(self.result, RemoteError):
            return ()
        if self._read is None:
            self._read = read(
                self.result,
                self.before,
                verify=self.judge.verify,
                measure=partial(self.judge.measure, gates=gates(self.link)),
                prefix=self.link.id_prefix,
            )
        return self._read

    def loses(self) -> bool:
        """True when a file that the link had is not in this commit."""
        if isinstance(self.result, RemoteError) or self.result.files is None:
            return isinstance(self.result, GoneError)
        there = {file.path for file in self.result.files}
        return any(row.path not in there for row in self.before if row.outcome not in GONE)

    def tells(self) -> bool:
        """True when it shows which files the link has in this commit."""
        if isinstance(self.result, RemoteError):
            return isinstance(self.result, GoneError)
        return self.result.files is not None

    def binds(self) -> bool:
        """True when the link would take this commit: its signers, if it has any, signed it."""
        if isinstance(self.result, RemoteError):
            return not self.link.has_signers
        commit = self.result.commit
        return not holds.unverified(commit.signature) or holds.lets_pass(self.link, commit.id)


def gates(link: Link) -> Gates:
    """What a link demands of the tests in its files."""
    return Gates(link.minimum_coverage, link.minimum_killed)


def decide(
    link: Link,
    candidates: Sequence[Candidate],
    before: Sequence[Linked],
    *,
    commit: str = "",
    looks: Sequence[Look] = (),
    holders: Mapping[str, Holder] | None = None,
) -> Plan:
    """The plan for the `candidates` of a commit, given the files of the last sync.

    `looks` are those of the same fetch at other links of the ref, `holders` who has the ids of
    candidates and files, where that was read already.
    """
    if holders is None:
        holders = holding(candidates, before)
    terms = LinkTerms(
        str(link.pk),
        link.url,
        auto_create=link.auto_create_configuration,
        adopt=link.adopt,
        prune=link.prune,
        renames=link.generation == link.observed_generation and commit != link.last_commit,
        four_eyes=link.four_eyes,
        weighs=link.four_eyes or bool(link.fail_on),
    )
    others = _others(link, _contested(link, candidates, before, holders), looks)
    return plan(candidates, linked=before, holders=holders, link=terms, others=others)


def linked(link_id: UUID) -> list[Linked]:
    """The files of a link as of its last sync (`linked_by`)."""
    return linked_by([link_id])[link_id]


def linked_of(
    link: Link, files: Iterable[LinkedFile], holders: Mapping[str, Holder]
) -> list[Linked]:
    """The same, of a link whose rows were read, and who has their ids; all must be locked."""
    own = str(link.pk)
    settled = {(own, pk) for pk, one in holders.items() if one.owner == own and one.git_hash}
    rows = (
        (link.pk, link.observed_rules, file.findings, *(getattr(file, name) for name in _COLUMNS))
        for file in files
    )
    return _standing([link.pk], rows, settled)[link.pk]


def linked_by(link_ids: Sequence[UUID]) -> dict[UUID, list[Linked]]:
    """The files of links as of their last syncs, by the link's id (`Feeding.linked`)."""
    return Feeding.of(link_ids).linked()


def _files_of(ids: Sequence[UUID]) -> QuerySet[LinkedFile, Any]:
    files = LinkedFile.objects.filter(link__id__among=ids).order_by("path")
    columns = ("link_id", "link__observed_rules", "findings", *_COLUMNS)
    return files.values_list(*columns)


def _fed_by(owners: Sequence[str]) -> QuerySet[Configuration, Any]:
    fed = Configuration.objects.filter(owner__among=owners)
    return fed.values_list("owner", "pk", "git_hash", "four_eyes")


_files = statements.tuples(_files_of, ids=list[UUID])
_fed = statements.tuples(_fed_by, owners=list[str])


def _standing(
    link_ids: Sequence[UUID], rows: Iterable[tuple[Any, ...]], settled: Collection[tuple[str, str]]
) -> dict[UUID, list[Linked]]:
    found: dict[UUID, list[Linked]] = {link_id: [] for link_id in link_ids}
    for link_id, rules, findings, *values in rows:
        row = Linked(*values)
        if rules == VERIFY_VERSION:
            measured = _measured(row, findings)
            row = replace(row, too_costly=_too_costly(findings), measured=measured)
        stands = (str(link_id), row.configuration) in settled or row.outcome != "synced"
        found[link_id].append(row if stands else replace(row, blob=""))
    return found


@dataclass(frozen=True, slots=True)
class Feeding:
    """What some links feed: owner, id, hash in git and four eyes of each configuration.

    `files` are the rows of their files.
    """

    link_ids: Sequence[UUID]
    rows: Sequence[tuple[str, str, str, bool]]
    files: Sequence[tuple[Any, ...]]

    @classmethod
    def of(cls, link_ids: Sequence[UUID]) -> Self:
        """What they feed now."""
        owners = list(map(str, link_ids))
        return cls(link_ids, *together(_fed.of(owners=owners), _files.of(ids=link_ids)))

    def linked(self) -> dict[UUID, list[Linked]]:
        """The files of the links as of their last syncs, by the link's id.

        A file that must go into force although it did not change has an empty blob, so that it is
        read again; so has one whose configuration another link feeds by now.
        """
        settled = {(owner, pk) for owner, pk, git_hash, _ in self.rows if git_hash}
        return _standing(self.link_ids, self.files, settled)

    def guarded(self, links: Sequence[Link]) -> set[UUID]:
        """Those of the links that are under four eyes, or feed what is."""
        feeding = {UUID(owner) for owner, _, _, four_eyes in self.rows if four_eyes}
        return feeding | {link.pk for link in links if link.four_eyes}


def _too_costly(findings: Sequence[Mapping[str, Any]]) -> Finding | None:
    """The finding that says so."""
    return next((Finding(**f) for f in findings if f["code"] == TOO_COSTLY), None)


def _measured(row: Linked, findings: Sequence[Mapping[str, Any]]) -> tuple[Finding, ...] | None:
    """What gates said of a file; an edit of them empties its `blob`, by which this is forgotten."""
    if found := tuple(Finding(**f) for f in findings if f["code"] in CODES):
        return found
    return () if row.outcome in _PASSED else None


def holding(
    candidates: Iterable[Candidate], files: Iterable[Linked | LinkedFile]
) -> dict[str, Holder]:
    """Who has the ids that candidates and files name, by id."""
    ids = {one.configuration for one in candidates} | {one.configuration for one in files}
    return {
        pk: Holder(
            name,
            owner,
            origin_url,
            content_hash,
            git_hash,
            archived=status == Configuration.Status.ARCHIVED,
            pinned=pinned_at is not None,
            four_eyes=four_eyes,
        )
        for (
            pk,
            name,
            owner,
            origin_url,
            content_hash,
            git_hash,
            status,
            pinned_at,
            four_eyes,
        ) in _holders(ids=list(ids))
    }


def _holders_of(ids: Sequence[str]) -> QuerySet[Configuration, Any]:
    columns = ("pk", "name", "owner", "origin_url", "content_hash", "git_hash")
    rows = Configuration.objects.filter(pk__among=ids)
    return rows.values_list(*columns, "status", "pinned_at", "four_eyes")


_holders = statements.tuples(_holders_of, ids=list[str])


def _contested(
    link: Link,
    candidates: Iterable[Candidate],
    before: Iterable[Linked],
    holders: Mapping[str, Holder],
) -> dict[str, str]:
    """The ids that other links have a word in, with their owners: another's, or without a file."""
    named = {candidate.configuration for candidate in candidates}
    lost = {row.configuration for row in before if row.outcome != "archived"} - named
    own = str(link.pk)
    foreign = {pk: holders[pk].owner for pk in named & holders.keys()}
    return {
        **{pk: owner for pk, owner in foreign.items() if owner not in ("", own)},
        **{pk: own for pk in lost & holders.keys() if holders[pk].owner == own},
    }


def _others(link: Link, contested: Mapping[str, str], looks: Sequence[Look]) -> list[OtherLink]:
    """The links that feed or name one of the ids, and all links of the same ref."""
    if not contested:
        return []
    seen = {look.link.pk: look for look in looks if look.link.pk != link.pk}
    unread = {c.configuration for look in seen.values() for c in look.candidates() if c.unread}
    same = {"url": link.url, **refs.columns(link)}
    rows: dict[UUID, set[Linked]] = defaultdict(set)
    for wanted in (
        LinkedFile.objects.filter(configuration__in={*contested, *unread} - {""}),
        LinkedFile.objects.filter(
            outcome="quarantined", **{f"link__{name}": value for name, value in same.items()}
        ),
    ):
        for link_id, *row in wanted.values_list("link_id", *_COLUMNS):
            rows[link_id].add(Linked(*row))
    named = {row.configuration for found in rows.values() for row in found}
    owners = dict(Configuration.objects.filter(pk__in=named).values_list("pk", "owner"))
    concerned = {*rows, *(UUID(owner) for owner in contested.values())}
    known = Link.objects.filter(Q(**same) | Q(pk__in=concerned)).exclude(pk=link.pk)
    return [
        _other(
            link,
            other,
            sorted(rows[other.pk], key=lambda row: row.path),
            seen.get(other.pk),
            {pk for pk, owner in owners.items() if owner == str(other.pk)},
        )
        for other in known.order_by("pk")
    ]


def _other(
    link: Link, other: Link, rows: Sequence[Linked], look: Look | None, fed: Collection[str]
) -> OtherLink:
    sibling = (other.url, refs.of(other)) == (link.url, refs.of(link))
    told = look is not None and sibling and look.tells()
    return ownership.seen(
        str(other.pk),
        rows,
        look.candidates() if told and look is not None else None,
        fed=fed,
        sibling=sibling,
        suspended=other.suspended,
        failing=other.error_code not in ("", NO_POLICY_FILES),
        together=other.remote_id == link.remote_id,
        signed=look is not None and look.binds(),
    )
