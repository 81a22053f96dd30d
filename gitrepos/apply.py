"""Writing what a sync found: one link, one transaction, under its fence."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from configurations import versions
from configurations.models import Configuration
from configurations.publish import publish
from configurations.versions import Entry, Origin, Source
from gitrepos import alarm, claim
from gitrepos.claim import Fence
from gitrepos.errors import RemoteError
from gitrepos.models import NO_POLICY_FILES, GitRepo, LinkedFile, SyncRun
from gitrepos.plan import CHECKOUT_CODES, Candidate, Decision, Holder, Link, Linked, Plan, plan
from gitrepos.snapshot import Snapshot

_REPORTED_FINDINGS = 10


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


def linked(repo_id: UUID) -> list[Linked]:
    """What git last said of each file of a link."""
    rows = LinkedFile.objects.filter(repo=repo_id).order_by("path")
    names = ("path", "configuration", "blob", "outcome")
    return [Linked(*row) for row in rows.values_list(*names)]


def apply(
    fence: Fence, attempt: Attempt, snapshot: Snapshot, candidates: Sequence[Candidate]
) -> None:
    """Put a commit in force: all of it in one transaction, or nothing.

    Raises: `FenceLostError`, `LinkChangedError`.
    """
    now = timezone.now()
    with transaction.atomic():
        repo = _held(fence, attempt, now)
        if snapshot.files is not None:
            _apply_files(repo, attempt, snapshot, candidates, now)
        repo.last_commit = snapshot.commit.id
        repo.tree_id = snapshot.tree_id
        repo.last_synced_at = now
        _observe(repo, attempt)


def fail(fence: Fence, attempt: Attempt, error: RemoteError) -> bool:
    """Show a failure on its link; returns whether it is news. What is in force stays in force.

    Raises: `FenceLostError`, `LinkChangedError`.
    """
    now = timezone.now()
    with transaction.atomic():
        repo = _held(fence, attempt, now)
        last = repo.runs.order_by("-pk").first() if repo.error_code == error.code else None
        repo.error_code, repo.error_message = error.code, error.message[:2000]
        _observe(repo, attempt)
        if last and last.error_code == error.code:  # It lasts; the words may differ a little.
            last.occurrences += 1
            last.error_message = repo.error_message
            last.finished_at = now
            last.save(update_fields=["occurrences", "error_message", "finished_at"])
        else:
            _run(repo, attempt, now, error_code=error.code, error_message=repo.error_message)
        return last is None


def _held(fence: Fence, attempt: Attempt, now: datetime) -> GitRepo:
    claim.hold(fence, now)
    repo = GitRepo.objects.select_for_update().filter(pk=attempt.repo_id).first()
    if repo is None or repo.suspended or repo.generation != attempt.generation:
        raise LinkChangedError("the link was edited, suspended or deleted")
    return repo


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
        return repo.expected_commit != repo.last_commit
    return repo.served_seq < repo.requested_seq


def _apply_files(
    repo: GitRepo,
    attempt: Attempt,
    snapshot: Snapshot,
    candidates: Sequence[Candidate],
    now: datetime,
) -> None:
    before = linked(repo.pk)
    decided = _plan(repo, candidates, before)
    if decided.writes:
        publish()  # From here to the commit nobody else writes configurations.
        decided = _plan(repo, candidates, before)
    written = _publish(repo, snapshot, decided)
    changed = _write_files(repo, decided, before, now)
    repo.counts = decided.counts()
    repo.error_code, repo.error_message = _notice(repo, decided)
    if changed or repo.last_commit == "":
        _run(repo, attempt, now, to_commit=snapshot.commit.id, files=_report(changed, written))


def _plan(repo: GitRepo, candidates: Sequence[Candidate], before: Sequence[Linked]) -> Plan:
    link = Link(
        str(repo.pk), repo.url, auto_create=repo.auto_create_configuration, adopt=repo.adopt
    )
    return plan(candidates, linked=before, holders=_holders(candidates, before), link=link)


def _holders(candidates: Sequence[Candidate], before: Sequence[Linked]) -> dict[str, Holder]:
    ids = {c.configuration for c in candidates} | {row.configuration for row in before}
    rows = Configuration.objects.filter(pk__in=ids).only(
        "owner", "origin_url", "content_hash", "git_hash", "status"
    )
    return {
        row.pk: Holder(
            row.owner,
            row.origin_url,
            row.content_hash,
            row.git_hash,
            archived=row.status == Configuration.Status.ARCHIVED,
        )
        for row in rows
    }


def _publish(repo: GitRepo, snapshot: Snapshot, decided: Plan) -> dict[str, int]:
    """New versions by configuration id."""
    if not decided.writes:
        return {}
    entries = [
        Entry(d.candidate.configuration, d.candidate.name, d.candidate.path, d.candidate.content)
        for d in decided.decisions
        if d.publish
    ]
    commit = snapshot.commit
    origin = Origin(
        source=Source.GIT,
        repo_url=repo.url,
        commit=commit.id,
        author=commit.author,
        message=commit.message,
    )
    adopted = {
        d.candidate.configuration: d.candidate.content_hash for d in decided.decisions if d.adopt
    }
    versions.adopt(adopted, owner=str(repo.pk), origin_url=repo.url)
    return versions.record(entries, origin=origin, owner=str(repo.pk))


def _write_files(
    repo: GitRepo, decided: Plan, before: Sequence[Linked], now: datetime
) -> list[LinkedFile]:
    """Bring the rows to what was decided; returns those that changed, missing ones included."""
    rows = {(row.path, row.configuration): row for row in LinkedFile.objects.filter(repo=repo)}
    changed = [row for d in decided.decisions if (row := _row(repo, d, rows, now))]
    for gone in decided.missing:
        row = rows[gone.path, gone.configuration]
        if row.outcome != LinkedFile.Outcome.MISSING:
            row.outcome, row.findings, row.updated_at = LinkedFile.Outcome.MISSING, [], now
            changed.append(row)
    dropped = [rows[gone.path, gone.configuration].pk for gone in decided.dropped]
    LinkedFile.objects.filter(pk__in=dropped).delete()
    LinkedFile.objects.bulk_create([row for row in changed if row.pk is None])
    old = [row for row in changed if row.pk is not None]
    fields = ["blob", "content_hash", "outcome", "findings", "updated_at"]
    if old:
        LinkedFile.objects.bulk_update(old, fields)
    return changed


def _row(
    repo: GitRepo,
    decision: Decision,
    rows: dict[tuple[str, str], LinkedFile],
    now: datetime,
) -> LinkedFile | None:
    """The row for a decision, or None when it says so already."""
    candidate = decision.candidate
    row = rows.get((candidate.path, candidate.configuration)) or LinkedFile(
        repo=repo, path=candidate.path, configuration=candidate.configuration
    )
    said = (row.blob, row.outcome, row.findings)
    row.blob, row.outcome = candidate.blob, decision.outcome
    if not candidate.unchanged:
        row.content_hash = candidate.content_hash
    kept = row.findings if candidate.unchanged and decision.outcome == "synced" else []
    row.findings = [finding for finding in kept if finding["code"] not in CHECKOUT_CODES]
    row.findings += [asdict(finding) for finding in decision.findings]
    row.updated_at = now
    says = (row.blob, row.outcome, row.findings)
    return row if row.pk is None or said != says else None


def _notice(repo: GitRepo, decided: Plan) -> tuple[str, str]:
    if decided.decisions:
        return "", ""
    where = f"under {repo.root!r}" if repo.root else "in the repository"
    return NO_POLICY_FILES, (
        f"The commit has no file named policy-config.yaml {where}; nothing was changed."
    )


def _report(changed: Sequence[LinkedFile], written: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {
            "path": row.path,
            "configuration": row.configuration,
            "outcome": row.outcome,
            "version": written.get(row.configuration),
            "findings": row.findings[:_REPORTED_FINDINGS],
        }
        for row in changed
    ]


def _run(repo: GitRepo, attempt: Attempt, now: datetime, **facts: Any) -> None:
    SyncRun.objects.create(
        repo=repo,
        trigger=attempt.trigger,
        from_commit=repo.last_commit,
        started_at=attempt.started_at,
        finished_at=now,
        **facts,
    )
