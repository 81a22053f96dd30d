"""Writing what a sync found: one link, one transaction, under its fence."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from configurations import versions
from configurations.publish import publish
from configurations.versions import Entry, Origin, Source
from gitrepos.errors import GoneError, RemoteError
from gitrepos.models import NO_POLICY_FILES, GitRepo, SyncRun
from gitrepos.polling import claims
from gitrepos.polling.claims import Fence
from gitrepos.snapshot.values import Commit, Snapshot
from gitrepos.sync import alarm, holds, notices, rows
from gitrepos.sync.candidates import Candidate
from gitrepos.sync.facts import decide
from gitrepos.sync.plan import Hold, Plan, mass_removal

_MAX_WAIT = timedelta(hours=1)


class LinkChangedError(Exception):
    """The link was edited, suspended or deleted: what was in flight for it must not be applied."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A link as it stood when the attempt began. An edit since then makes it worthless."""

    repo_id: UUID
    generation: int
    requested_seq: int
    rules: str
    trigger: SyncRun.Trigger
    started_at: datetime


def apply(
    fence: Fence,
    attempt: Attempt,
    snapshot: Snapshot,
    candidates: Sequence[Candidate],
    hold: Hold | None = None,
) -> Hold | None:
    """Put a commit in force: all of it in one transaction, or nothing.

    `hold` is what somebody found to be said against the commit before its files were read. A
    commit that must not pass without a person is held back, and why is returned.

    Raises: `FenceLostError`, `LinkChangedError`.
    """
    now = timezone.now()
    commit = snapshot.commit.id
    with transaction.atomic():
        repo = _locked(fence, attempt, now)
        before = rows.linked(repo.pk)
        decided = decide(repo, candidates, before) if snapshot.files is not None else None
        against = _against(repo, commit, decided, hold)
        if against is not None:
            _hold_back(repo, attempt, against, commit, now)
            return against
        if decided is not None:
            _apply_files(repo, attempt, snapshot.commit, candidates, decided, now)
        holds.lift(repo, commit)
        if snapshot.rewritten:
            notices.tell_rewrite(repo, commit)
        repo.retry_at = None
        repo.last_commit = commit
        repo.tree_id = snapshot.tree_id
        repo.last_synced_at = now
        _observe(repo, attempt)
        return None


def gone(fence: Fence, attempt: Attempt, error: GoneError) -> bool:
    """Hold a link whose branch or path is gone; returns whether it waits.

    Without a file in force there is nothing to hold. Once a person confirmed it, every file is
    gone from git, and what remains is a failure like any other.

    Raises: `FenceLostError`, `LinkChangedError`.
    """
    now = timezone.now()
    with transaction.atomic():
        repo = _locked(fence, attempt, now)
        decided = decide(repo, (), rows.linked(repo.pk))
        if not decided.removed:
            return False
        if not holds.lets_pass(repo, error.commit):
            hold = Hold(error.code, error.message, decided.removed)
            _hold_back(repo, attempt, hold, error.commit, now)
            return True
        commit = Commit(error.commit, author="", message="")
        _apply_files(repo, attempt, commit, (), decided, now)
        holds.lift(repo, error.commit)
        repo.tree_id = ""  # Should it come back as it was, its files are news.
        repo.save()
        return False


def fail(fence: Fence, attempt: Attempt, error: RemoteError, *, head: str | None = None) -> bool:
    """Show a failure on its link; returns whether it is news. What is in force stays in force.

    `head` is where the branch stood, if it was this link alone that failed: the longer it has
    failed, the longer it waits while the branch stands there, up to an hour.

    Raises: `FenceLostError`, `LinkChangedError`.
    """
    now = timezone.now()
    with transaction.atomic():
        repo = _locked(fence, attempt, now)
        news = rows.failed(repo, error.code, error.message, **_facts(attempt, now))
        repo.failed_commit, repo.retry_at = head or "", None
        if head is not None:
            failing = now - (repo.error_since or now)
            waited = failing - timedelta(seconds=repo.poll_interval_seconds)
            repo.retry_at = now + min(max(waited, timedelta()), _MAX_WAIT)
        _observe(repo, attempt)
        return news


def _locked(fence: Fence, attempt: Attempt, now: datetime) -> GitRepo:
    claims.hold(fence, now)
    repo = GitRepo.objects.select_for_update().filter(pk=attempt.repo_id).first()
    if repo is None or repo.suspended or repo.generation != attempt.generation:
        raise LinkChangedError("the link was edited, suspended or deleted")
    return repo


def _against(repo: GitRepo, commit: str, decided: Plan | None, hold: Hold | None) -> Hold | None:
    """What is to be said against a commit, unless a person let exactly this one pass."""
    if holds.lets_pass(repo, commit):
        return None
    if hold is not None and decided is not None:
        return replace(hold, would_remove=decided.removed)
    return hold or (mass_removal(decided) if decided is not None else None)


def _hold_back(repo: GitRepo, attempt: Attempt, hold: Hold, commit: str, now: datetime) -> None:
    news = holds.put(repo, hold, commit, now)
    repo.error_code, repo.error_message = hold.reason, hold.message[:2000]
    if news:
        said = {"error_code": repo.error_code, "error_message": repo.error_message}
        rows.run(repo, to_commit=commit, **said, **_facts(attempt, now))
    _observe(repo, attempt)


def _observe(repo: GitRepo, attempt: Attempt) -> None:
    repo.observed_generation = attempt.generation
    repo.observed_rules = attempt.rules
    repo.served_seq = max(repo.served_seq, attempt.requested_seq)
    if not _is_expecting(repo):
        repo.expected_commit, repo.expected_until = "", None
    alarm.note(repo)
    repo.save()


def _is_expecting(repo: GitRepo) -> bool:
    """Whether what a webhook announced is still to come."""
    if repo.expected_until is None or repo.expected_until <= timezone.now():
        return False
    if repo.expected_commit:
        seen = repo.held["commit"] if repo.held else repo.last_commit
        return bool(repo.expected_commit != seen)
    return repo.served_seq < repo.requested_seq


def _apply_files(
    repo: GitRepo,
    attempt: Attempt,
    commit: Commit,
    candidates: Sequence[Candidate],
    decided: Plan,
    now: datetime,
) -> None:
    before = rows.linked(repo.pk)
    if decided.writes:
        publish()  # From here to the commit nobody else writes configurations.
        decided = decide(repo, candidates, before)
    written = _publish(repo, attempt, commit, decided)
    changed = rows.write(repo, decided, now)
    notices.tell(repo, decided, before, changed)
    repo.counts = decided.counts()
    repo.error_code, repo.error_message = _notice(repo, decided)
    if changed or repo.last_commit == "":
        files = rows.report(changed, written)
        rows.run(repo, to_commit=commit.id, files=files, **_facts(attempt, now))


def _publish(repo: GitRepo, attempt: Attempt, commit: Commit, decided: Plan) -> dict[str, int]:
    """New versions by configuration id."""
    if not decided.writes:
        return {}
    entries = [
        Entry(d.candidate.configuration, d.candidate.name, d.candidate.path, d.candidate.content)
        for d in decided.decisions
        if d.publish
    ]
    origin = Origin(
        source=Source.GIT,
        repo_url=repo.url,
        commit=commit.id,
        author=commit.author,
        message=commit.message,
        committed_at=commit.committed_at,
        polled_at=attempt.started_at,
        signer=commit.signature.principal if commit.signature else "",
        signer_key=commit.signature.fingerprint if commit.signature else "",
    )
    adopted = {
        d.candidate.configuration: d.candidate.content_hash for d in decided.decisions if d.adopt
    }
    versions.retire([row.configuration for row in decided.retired])
    versions.adopt(adopted, owner=str(repo.pk), origin_url=repo.url)
    return versions.record(entries, origin=origin, owner=str(repo.pk))


def _notice(repo: GitRepo, decided: Plan) -> tuple[str, str]:
    if decided.decisions:
        return "", ""
    where = f"under {repo.root!r}" if repo.root else "in the repository"
    return NO_POLICY_FILES, (
        f"The commit has no file named policy-config.yaml {where}; nothing was changed."
    )


def _facts(attempt: Attempt, now: datetime) -> dict[str, Any]:
    """What every line of the history says of its attempt."""
    return {"trigger": attempt.trigger, "started_at": attempt.started_at, "finished_at": now}
