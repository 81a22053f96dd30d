"""Previews of syncs and of merges, without a claim, a lock or a row written."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from django.db.models import F
from django.utils import timezone

from configurations import checks
from configurations.models import Version
from gitrepos import refs
from gitrepos.errors import GoneError, PathNotFoundError, RemoteError
from gitrepos.forge import check
from gitrepos.forge.addresses import stored
from gitrepos.forge.git import runner
from gitrepos.forge.secret import NOBODY
from gitrepos.links.sealed_secrets import secret_of
from gitrepos.models import Link
from gitrepos.refs import Followed, Head
from gitrepos.snapshot import ancestry
from gitrepos.snapshot.values import File, FilesRequest, Snapshot
from gitrepos.sync import facts, holds, merging, poll, steps, work
from gitrepos.sync.candidates import Linked, read
from gitrepos.sync.facts import Look, decide
from gitrepos.sync.plan import FileDecision, Hold, Plan, mass_removal
from gitrepos.sync.work import Work
from keeptrusts.api.errors import ConflictError
from keeptrusts.judge import policies

_SHOWN_FINDINGS = 10
# Somebody waits for the answer.
SECONDS = 45.0
_WASTED_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class _Taken:
    """The files to plan with: those of one commit, or of a merge.

    `tag` is the one that is followed. `into` and `fork` are the head of the ref that is merged into
    and the commit where the two parted; empty where nothing is merged, or where that is not known.
    `back` is the hold of a tag that was set back, or of what is gone. `looks` are those at the
    other links of the ref.
    """

    snapshot: Snapshot | GoneError
    tag: str
    back: Hold | None = None
    looks: Sequence[Look] = ()
    both: frozenset[str] = frozenset()
    into: str = ""
    fork: str = ""


def of(link: Link) -> dict[str, Any]:
    """Check, fetch, read and plan, as a sync of `link` would.

    A link with the id of a saved one, and another ref, is merged into that one's ref.
    `against` says so. `error` is the failure of git, `host_keys` are the keys of an ssh server.
    `held` is the reason why the commit would wait for a person, `would_remove` the files that it
    would remove. A file's `version` is the one that the sync would record, and `changes` say what
    that does to enforcement.
    """
    answer: dict[str, Any] = {"commit": None, "tag": None, "error": None, "held": None}
    answer |= {"host_keys": _host_keys(link), "would_remove": [], "files": []}
    before = facts.linked(link.pk)
    saved = Link.objects.filter(pk=link.pk).first()
    answer |= {"against": _against(saved)}
    until = time.monotonic() + SECONDS
    try:
        taken = _taken(link, saved, until)
    except RemoteError as error:
        return answer | {"error": _error(error)}
    if isinstance(taken.snapshot, GoneError):
        lost = taken.snapshot
        gone = decide(link, (), before, commit=lost.commit, looks=taken.looks)
        hold = taken.back if gone.removed else None
        return answer | {"error": _error(lost)} | _going(link, lost.commit, gone, hold)
    judge = policies.Commit(wasted_seconds=_WASTED_SECONDS, until=until)
    gates = facts.gates(link)
    if saved is not None and facts.gates(saved) != gates:
        before = [replace(row, blob="") for row in before]  # As an edit leaves them.
    candidates = read(
        taken.snapshot,
        before,
        verify=judge.verify,
        measure=partial(judge.measure, gates=gates),
        prefix=link.id_prefix,
        every=True,
    )
    commit = taken.snapshot.commit
    shown = merging.marked(candidates, taken.both)
    decided = decide(link, shown, before, commit=commit.id, looks=taken.looks)
    answer |= {"commit": commit.id, "tag": taken.tag or None, "files": _files(decided)}
    answer |= {"against": _against(saved, taken.into, taken.fork)}
    hold = taken.back or holds.unverified(commit.signature) or mass_removal(decided)
    hold = hold or holds.weakening(decided, holds.weigh(decided.replaces, shown))
    return answer | _going(link, commit.id, decided, hold)


def _host_keys(link: Link) -> list[dict[str, str]]:
    """An ssh server's keys, to compare with those that the forge publishes; empty on failure."""
    url = stored(link.url)
    if url.scheme != "ssh":
        return []
    try:
        reached = check.access(url, NOBODY, terms=work.terms())
        keys = runner.host_keys(url, reached.addresses[0])
    except RemoteError:
        return []  # The sync itself shows the reason.
    return [{"type": key.kind, "fingerprint": key.fingerprint} for key in keys]


def _taken(link: Link, saved: Link | None, until: float) -> _Taken:
    """The link's files as of now, with the bytes of each; merged into the ref of `saved`.

    Of a ref that is not merged there is a look at its other links, whose files are judged until the
    moment `until`.
    """
    job = Work(link.remote, (link,) if saved is None else (link, saved), timezone.now())
    groups = check.check([poll.question(job)], terms=work.terms())
    [answer] = [answer for group in groups for answer in group]
    if answer.error is not None:
        raise answer.error
    followed, into = refs.of(link), refs.of(saved or link)
    heads = refs.found(job.followed(), answer.heads)
    head, onto = followed.head(heads), into.head(heads)
    assert head is not None  # Both were asked for.
    assert onto is not None
    merges = into != followed and bool(onto.commit)
    siblings = [] if merges else steps.siblings([link])
    looks = steps.looks(job, followed, head, siblings=siblings, until=until) if siblings else ()
    try:
        snapshot = _snapshot(job, link, followed, head)
    except GoneError as error:
        return _Taken(error, head.tag, holds.gone(link, error, head), looks)
    head = head._replace(commit=snapshot.commit.id)  # An old server may have moved on.
    if merges:
        return _merged(job, link, snapshot, followed, head, onto.commit)
    return _Taken(snapshot, head.tag, holds.set_back(link, head), looks)


def _merged(
    job: Work, link: Link, snapshot: Snapshot, followed: Followed, head: Head, ours: str
) -> _Taken:
    """The files of a merge of `head` into the commit `ours`; its own where git cannot tell."""
    access = check.access(work.url_of(job.remote), secret_of(job.remote), terms=work.terms())
    folder, ref = work.folder(), head.ref or head.commit
    taken = _Taken(snapshot, head.tag, holds.set_back(link, head), into=ours)
    fork = ancestry.fork(access, ref=ref, head=head.commit, other=ours, folder=folder)
    if fork in ("", ours):
        return replace(taken, fork=fork)
    sides = [_side(job, link, followed, Head(at, head.ref)) for at in (ours, fork)]
    if None in sides:
        return taken
    merged = merging.merge(sides[0] or (), snapshot.files or (), sides[1] or ())
    return replace(
        taken, snapshot=replace(snapshot, files=merged.files), both=merged.both, fork=fork
    )


def _side(job: Work, link: Link, followed: Followed, at: Head) -> tuple[File, ...] | None:
    """The link's files at a commit; None where the server does not serve it by its id."""
    try:
        snapshot = _snapshot(job, link, followed, at)
    except PathNotFoundError:
        return ()
    return snapshot.files if snapshot.commit.id == at.commit else None


def _snapshot(job: Work, link: Link, followed: Followed, head: Head) -> Snapshot:
    ask = FilesRequest(
        link.root,
        include=tuple(link.include),
        exclude=tuple(link.exclude),
        allowed_signers=link.allowed_signers,
        allowed_openpgp_keys=link.allowed_openpgp_keys,
    )
    [result] = steps.fetched(job, followed, head, [ask])
    if isinstance(result, RemoteError):
        raise result
    return result


def _against(saved: Link | None, into: str = "", fork: str = "") -> dict[str, str | None] | None:
    """The link that the files are compared with, and what of its branch is merged."""
    if saved is None:
        return None
    commits = {"commit": into or saved.last_commit or None, "merge_base": fork or None}
    names = {"branch": saved.branch, "tag": saved.tag, "semver": saved.semver}
    return {"git_repo": str(saved.pk), **names, **commits}


def _going(link: Link, commit: str, decided: Plan, hold: Hold | None) -> dict[str, Any]:
    held = hold is not None and not holds.lets_pass(link, commit)
    told = holds.told(link, hold, decided) if hold else None
    reason = {"reason": told.reason, "message": told.message} if told else None
    return {"held": reason if held else None, "would_remove": _named(decided.removed)}


def _named(gone: Sequence[Linked]) -> list[dict[str, str]]:
    return [{"path": row.path, "configuration": row.configuration} for row in gone]


def _files(decided: Plan) -> list[dict[str, Any]]:
    origins = {move.after.path: move.before.configuration for move in decided.moves}
    published = [d.candidate.configuration for d in decided.decisions if d.publish]
    current = _current({*published, *origins.values()})
    return [
        {
            "path": decision.candidate.path,
            "configuration": decision.candidate.configuration,
            "renamed_from": origins.get(decision.candidate.path, ""),
            "outcome": decision.outcome,
            "content_hash": decision.candidate.content_hash,
            "version": _next(decision, current),
            "changes": _changes(decision, current, origins),
            "findings": [asdict(finding) for finding in decision.findings[:_SHOWN_FINDINGS]],
        }
        for decision in decided.decisions
    ]


def _current(configurations: set[str]) -> Mapping[str, Version]:
    """The version in force of each configuration."""
    rows = Version.objects.filter(
        configuration__in=configurations, number=F("configuration__version")
    )
    return {row.configuration_id: row for row in rows}


def _next(decision: FileDecision, current: Mapping[str, Version]) -> int | None:
    if not decision.publish:
        return None
    present = current.get(decision.candidate.configuration)
    return present.number + 1 if present else 1


def _changes(
    decision: FileDecision, current: Mapping[str, Version], origins: Mapping[str, str]
) -> list[dict[str, Any]] | None:
    """What a file changes in enforcement since the version in force, of its former id if need be.

    Empty for a file that changes nothing or makes a new configuration; None where the present
    rules refuse what is in force, or the two differ too much to be compared.
    """
    candidate = decision.candidate
    before = current.get(candidate.configuration) or current.get(origins.get(candidate.path, ""))
    if not decision.publish or before is None:
        return []
    try:
        return checks.compared(bytes(before.content), candidate.content)
    except ConflictError:
        return None


def _error(error: RemoteError) -> dict[str, str]:
    return {"code": error.code, "message": error.message}
