"""Writing the result of a sync: one link in one transaction, under its fence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from configurations import publish, successors, versions
from configurations.versions import Entry, Origin, Source
from gitrepos.errors import (
    GoneError,
    NotACommitError,
    NotOnAnyBranchError,
    PathNotFoundError,
    RemoteError,
)
from gitrepos.models import NO_POLICY_FILES, Link, LinkedFile, Remote, SyncRun
from gitrepos.polling import claims
from gitrepos.polling.claims import Fence
from gitrepos.refs import Head
from gitrepos.snapshot.values import Commit, Snapshot
from gitrepos.sync import facts, history, holds, notices
from gitrepos.sync.candidates import Candidate, Linked
from gitrepos.sync.facts import Look
from gitrepos.sync.holds import Weighed
from gitrepos.sync.needs import Reason
from gitrepos.sync.plan import Hold, Plan, Replacement, mass_removal
from keeptrusts import counters, statements
from keeptrusts.api.acting import Actor, acting_as
from keeptrusts.observed import traces
from keeptrusts.statements import together

_MAX_WAIT = timedelta(hours=1)
_ALL = [one.attname for one in Link._meta.concrete_fields if not one.primary_key]
# Of a commit by its id, which does not change.
_FINAL = (NotOnAnyBranchError.code, NotACommitError.code, PathNotFoundError.code)


class LinkChangedError(Exception):
    """The link was edited, suspended or deleted: work in flight for it must not be applied."""


class NotWeighedError(Exception):
    """Nobody has compared yet what a commit replaces with what is in force."""

    def __init__(self, replaces: Sequence[Replacement]) -> None:
        super().__init__(f"{len(replaces)} contents")
        self.replaces = replaces


@dataclass(frozen=True, slots=True)
class Attempt:
    """A link as it was when the attempt began; after an edit the attempt must not be applied.

    `is_only`: nothing else is done under the claim, so the remote is given back with what is put
    in force; due `again_at_once` if it was edited since the poll.
    """

    link_id: UUID
    generation: int
    requested_seq: int
    rules: str
    reason: Reason
    trigger: SyncRun.Trigger
    started_at: datetime
    is_only: bool = False
    again_at_once: bool = False


@dataclass(frozen=True, slots=True)
class _Last:
    """The files of the last sync, as rows and as a plan sees them."""

    rows: Sequence[LinkedFile]
    files: Sequence[Linked]


_NONE = _Last((), ())


def apply(
    fence: Fence,
    attempt: Attempt,
    snapshot: Snapshot,
    candidates: Sequence[Candidate],
    *,
    head: Head,
    hold: Hold | None = None,
    looks: Sequence[Look] = (),
    weighed: Weighed = MappingProxyType({}),
) -> Hold | None:
    """Put a commit, to which `head` led, in force: all of it in one transaction, or nothing.

    `hold` is a reason to hold the commit that was found before its files were read, `looks` is what
    the same fetch found at other links, `weighed` what was compared already. A commit that needs a
    person's confirmation is held, and the reason is returned.

    Raises:
        FenceLostError: the claim ended.
        LinkChangedError: the link was edited, suspended or deleted meanwhile.
        NotWeighedError: what it replaces is to be compared first, outside of all locks.
    """
    now = timezone.now()
    commit = snapshot.commit.id
    with transaction.atomic():
        last, decided = _NONE, None
        if snapshot.files is not None:
            link, rows = _locked_with_files(fence, attempt, now)
            last, decided = _decide(link, rows, candidates, commit, looks)
        else:
            link = _locked(fence, attempt, now)
        against = _against(link, commit, decided, hold, weighed)
        notices.tell_stage(link.pk, "planned", commit)
        if against is not None:
            _hold_back(link, attempt, against, commit, now, head=head, made=snapshot.commit)
            _end(link, attempt, now)
            return against
        if decided is not None:
            where = {"ref": head.ref, "tree": snapshot.tree_id}
            _apply_files(link, attempt, snapshot.commit, last, decided, now, **where)
            if link.four_eyes or decided.guarded:
                holds.remind(link, decided)
        holds.lift(link, commit)
        if snapshot.rewritten:
            notices.tell_rewrite(link, commit)
        link.retry_at = None
        link.last_commit = commit
        link.last_url, link.last_ref = link.url, head.ref
        link.tree_id = snapshot.tree_id
        link.let_off = ", ".join(snapshot.let_off)
        link.last_synced_at = now
        _observe(link, attempt)
        _end(link, attempt, now)
        return None


def gone(
    fence: Fence,
    attempt: Attempt,
    error: GoneError,
    head: Head,
    *,
    looks: Sequence[Look] = (),
) -> bool:
    """Hold a link whose branch, tag or path is gone, by what `head` led to; returns whether it is.

    A link without a file in force is not held. Once a person confirmed, every file counts as gone
    from git, and the failure is shown like any other.

    Raises:
        FenceLostError: the claim ended.
        LinkChangedError: the link was edited, suspended or deleted meanwhile.
    """
    now = timezone.now()
    with transaction.atomic():
        link, rows = _locked_with_files(fence, attempt, now)
        last, decided = _decide(link, rows, (), error.commit, looks)
        if not decided.removed:
            return False
        if not (holds.lets_pass(link, error.commit) and holds.stands(link, decided.replaces)):
            hold = holds.told(link, holds.gone(link, error, head), decided)
            _hold_back(link, attempt, hold, error.commit, now, head=head, made=None)
            _count()
            return True
        commit = Commit(error.commit, author="", message="")
        _apply_files(link, attempt, commit, last, decided, now)
        holds.lift(link, error.commit)
        link.tree_id = ""  # If it comes back unchanged, its files are read again.
        link.save()
        _count()
        return False


def fail(fence: Fence, attempt: Attempt, error: RemoteError, *, head: str | None = None) -> bool:
    """Show a failure on its link; returns whether it is new. What is in force stays in force.

    `head` is the branch's commit, if this link alone failed: while the branch stands there, the
    wait before the next try grows with the age of the failure, up to an hour.

    Raises:
        FenceLostError: the claim ended.
        LinkChangedError: the link was edited, suspended or deleted meanwhile.
    """
    now = timezone.now()
    with transaction.atomic():
        link = _locked(fence, attempt, now)
        news = history.failed(link, error.code, error.message, **_facts(attempt, now))
        link.failed_commit, link.retry_at = head or "", None
        if head is not None:
            failing = now - (link.error_since or now)
            waited = failing - timedelta(seconds=link.poll_interval_seconds)
            link.retry_at = now + min(max(waited, timedelta()), _MAX_WAIT)
        _observe(link, attempt)
        return news


def _end(link: Link, attempt: Attempt, now: datetime) -> None:
    if attempt.is_only:
        claims.give_back(link.remote, now, at_once=attempt.again_at_once)
    _count()


def _count() -> None:
    """Count a sync that decided. Called last: who counts has all other locks already."""
    counters.bump(Link.SYNCS)


def _locked(fence: Fence, attempt: Attempt, now: datetime) -> Link:
    remotes, links = together(claims.locking(fence), _one.of(pk=attempt.link_id))
    return _unchanged(claims.held(remotes, fence, now), links, attempt)


def _locked_with_files(
    fence: Fence, attempt: Attempt, now: datetime
) -> tuple[Link, Sequence[LinkedFile]]:
    """The link and the rows of its files, and nobody else writes configurations from here on.

    So what a plan stands on can be read, and stays until the transaction ends.
    """
    remotes, links, rows, held = together(
        claims.locking(fence),
        _one.of(pk=attempt.link_id),
        history.files_of(attempt.link_id),
        publish.holding(),
    )
    link = _unchanged(claims.held(remotes, fence, now), links, attempt)
    if not held:
        publish.hold()  # The first ever: there is nothing to lock yet.
    return link, rows


def _unchanged(remote: Remote, found: Sequence[Link], attempt: Attempt) -> Link:
    link = found[0] if found else None
    if link is None or link.suspended or link.generation != attempt.generation:
        raise LinkChangedError("the link was edited, suspended or deleted")
    link.remote = remote
    return link


_one = statements.objects(lambda pk: Link.objects.select_for_update().filter(pk=pk), pk=UUID)


def _decide(
    link: Link,
    rows: Sequence[LinkedFile],
    candidates: Sequence[Candidate],
    commit: str,
    looks: Sequence[Look],
) -> tuple[_Last, Plan]:
    """The files of the last sync, and the plan."""
    holders = facts.holding(candidates, rows)
    before = facts.linked_of(link, rows, holders)
    decided = facts.decide(link, candidates, before, commit=commit, looks=looks, holders=holders)
    return _Last(rows, before), decided


def _against(
    link: Link, commit: str, decided: Plan | None, hold: Hold | None, weighed: Weighed
) -> Hold | None:
    """The reason to hold a commit, or None; None for the one that a person confirmed."""
    replaces = decided.replaces if decided is not None else ()
    if holds.lets_pass(link, commit) and holds.stands(link, replaces):
        return None
    if decided is None:
        return hold
    if unweighed := [one for one in replaces if one not in weighed]:
        raise NotWeighedError(unweighed)
    hold = hold or mass_removal(decided) or holds.weakening(decided, weighed)
    return holds.told(link, hold, decided, weighed) if hold is not None else None


def _hold_back(
    link: Link,
    attempt: Attempt,
    hold: Hold,
    commit: str,
    now: datetime,
    *,
    head: Head,
    made: Commit | None,
) -> None:
    news = holds.put(link, hold, commit, now, head=head, made=made)
    link.error_code, link.error_message = hold.reason, hold.message[:2000]
    if news:
        shown = {"error_code": link.error_code, "error_message": link.error_message}
        history.run(link, to_commit=commit, **shown, **_facts(attempt, now))
    _observe(link, attempt)


def _observe(link: Link, attempt: Attempt) -> None:
    link.observed_generation = attempt.generation
    link.observed_rules = attempt.rules
    link.served_seq = max(link.served_seq, attempt.requested_seq)
    link.settled = bool(link.commit) and _is_final(link)
    if not _is_expecting(link):
        link.expected_commit, link.expected_until = "", None
    notices.tell_failure(link)
    statements.write(link, _ALL)


def _is_final(link: Link) -> bool:
    """True when another try at the same commit would end as this one did."""
    if link.held:
        return bool(link.error_code == link.held["reason"])
    return link.error_code in ("", NO_POLICY_FILES, *_FINAL)


def _is_expecting(link: Link) -> bool:
    """True while the commit that a webhook announced has not been seen."""
    if link.expected_until is None or link.expected_until <= timezone.now():
        return False
    if link.expected_commit:
        seen = link.held["commit"] if link.held else link.last_commit
        return bool(link.expected_commit != seen)
    return link.served_seq < link.requested_seq


def _apply_files(
    link: Link,
    attempt: Attempt,
    commit: Commit,
    last: _Last,
    decided: Plan,
    now: datetime,
    *,
    ref: str = "",
    tree: str = "",
) -> None:
    written = _publish(link, attempt, commit, decided, ref=ref, tree=tree)
    for move in decided.renames:
        old, new = move.before.configuration, move.after.configuration
        notices.tell_followers(link, move, successors.succeed(old, new))
    changed = history.update(link, last.rows, decided, now)
    history.add(
        link, changed, history.report(changed, written), to_commit=commit.id, **_facts(attempt, now)
    )
    notices.tell(link, decided, last.files, changed)
    link.counts = decided.counts()
    link.cases_not_run = history.cases_not_run(link, changed)
    link.error_code, link.error_message = _notice(link, decided)


def _publish(
    link: Link, attempt: Attempt, commit: Commit, decided: Plan, *, ref: str, tree: str
) -> dict[str, int]:
    """Record the new versions; returns their numbers by configuration id."""
    if not decided.writes:
        return {}
    # Who follows a policy to another id follows it under four eyes.
    guarded = [
        move.after.configuration
        for move in decided.renames
        if move.before.configuration in decided.guarded
    ]
    entries = [
        Entry(c.configuration, c.name, c.path, c.content, four_eyes=link.four_eyes)
        for c in (d.candidate for d in decided.decisions if d.publish)
    ]
    origin = Origin(
        source=Source.GIT,
        repo_url=link.url,
        commit=commit.id,
        ref=ref,
        author=commit.author,
        message=commit.message,
        committed_at=commit.committed_at,
        polled_at=attempt.started_at,
        signer=commit.signature.principal if commit.signature else "",
        signer_key=commit.signature.fingerprint if commit.signature else "",
        tree=tree,
    )
    adopted = {
        d.candidate.configuration: d.candidate.content_hash for d in decided.decisions if d.adopt
    }
    with acting_as(Actor("git_repo", str(link.pk), link.url)), traces.span("publish") as span:
        span.attributes["keeptrusts.versions"] = len(entries)
        span.attributes["keeptrusts.commit"] = commit.id
        versions.retire([row.configuration for row in decided.retired])
        versions.adopt(adopted, owner=str(link.pk), origin_url=link.url, four_eyes=link.four_eyes)
        numbers = versions.record(entries, origin=origin, owner=str(link.pk))
        if guarded:
            versions.put_under_four_eyes(str(link.pk), only=guarded)
        return numbers


def _notice(link: Link, decided: Plan) -> tuple[str, str]:
    if decided.decisions:
        return "", ""
    where = f"under {link.root!r}" if link.root else "in the repository"
    return NO_POLICY_FILES, (
        f"The commit has no file named policy-config.yaml {where}; nothing was changed."
    )


def _facts(attempt: Attempt, now: datetime) -> dict[str, Any]:
    """The fields of a history row that come from the attempt."""
    return {"trigger": attempt.trigger, "started_at": attempt.started_at, "finished_at": now}
