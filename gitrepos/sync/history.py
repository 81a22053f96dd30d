"""The history of a link: a row for each file, and for each change or failure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef

from gitrepos.models import Link, LinkedFile, SyncRun
from gitrepos.sync.candidates import CHECKOUT_CODES
from gitrepos.sync.plan import FileDecision, Plan
from keeptrusts import statements
from keeptrusts.database import insert
from keeptrusts.messaging import hints
from keeptrusts.observed import traces
from keeptrusts.statements import BoundQuery
from kt.policy.verify import CASE_NOT_RUN

_REPORTED_FINDINGS = 10
_MESSAGE_LENGTH = 2000
_TRIMMED_AT_ONCE = 10_000
_WRITTEN = ["blob", "content_hash", "outcome", "findings", "renamed_from", "updated_at"]


def files_of(link_id: UUID) -> BoundQuery[list[LinkedFile]]:
    """The rows of a link's files by path, which stay as they are while the link is locked."""
    return _files.of(link=link_id)


_files = statements.objects(
    lambda link: LinkedFile.objects.filter(link=link).order_by("path"), link=UUID
)


def cases_not_run(link: Link, changed: Iterable[LinkedFile]) -> int:
    """The tests in a link's files that need a model which is not there."""
    # Other writers wait for this: where there are none, nothing is asked.
    if not link.cases_not_run and not _not_run(row.findings for row in changed):
        return 0
    told = LinkedFile.objects.filter(link=link).exclude(findings=[])
    return _not_run(told.values_list("findings", flat=True))


def _not_run(findings: Iterable[Iterable[Any]]) -> int:
    return sum(one["code"] == CASE_NOT_RUN for of_file in findings for one in of_file)


def update(
    link: Link, files: Iterable[LinkedFile], decided: Plan, now: datetime
) -> list[LinkedFile]:
    """Update the rows to the plan; returns those that changed, those of lost files included.

    What is new among them has no key, and is left to `add`.
    """
    rows = {(row.path, row.configuration): row for row in files}
    origins = {move.after.path: move.before.configuration for move in decided.moves}
    changed = [row for d in decided.decisions if (row := _row(link, d, rows, origins, now))]
    for outcome, group in (
        (LinkedFile.Outcome.MISSING, decided.missing),
        (LinkedFile.Outcome.ARCHIVED, decided.archived),
    ):
        for gone in group:
            row = rows[gone.path, gone.configuration]
            wait = decided.waits.get(gone)
            findings = [asdict(wait)] if wait else []
            if (row.outcome, row.findings) != (outcome, findings):
                row.updated_at = now if row.outcome != outcome else row.updated_at
                row.outcome, row.findings = outcome, findings
                changed.append(row)
    dropped = [rows[gone.path, gone.configuration].pk for gone in decided.dropped]
    if dropped:
        LinkedFile.objects.filter(pk__in=dropped).delete()
    statements.write_all([row for row in changed if row.pk is not None], _WRITTEN)
    return changed


def add(
    link: Link, changed: Sequence[LinkedFile], files: Sequence[Mapping[str, Any]], **facts: Any
) -> None:
    """Add the new rows of files, and a run that tells of `files`, by one statement.

    A sync that changed nothing is no run, unless it is the first.
    """
    if not changed and link.last_commit:
        return
    run = _run(link, files=files, **facts)
    insert([row for row in changed if row.pk is None], [run])
    hints.announce_on_commit()


def report(changed: Sequence[LinkedFile], written: Mapping[str, int]) -> list[dict[str, Any]]:
    """The `files` of a run; `written` has the new versions by configuration id."""
    return [
        {
            "path": row.path,
            "configuration": row.configuration,
            "outcome": row.outcome,
            "renamed_from": row.renamed_from,
            "version": written.get(row.configuration),
            "findings": row.findings[:_REPORTED_FINDINGS],
        }
        for row in changed
    ]


def failed(link: Link, code: str, message: str, **facts: Any) -> bool:
    """Show a failure on the link and in its history; returns whether it is new.

    A failure that lasts is one run, even where its message changes a little.
    """
    last = link.runs.order_by("-pk").first() if link.error_code == code else None
    link.error_code, link.error_message = code, message[:_MESSAGE_LENGTH]
    if last and last.error_code == code:
        last.occurrences += 1
        last.error_message = link.error_message
        last.finished_at = facts["finished_at"]
        last.save(update_fields=["occurrences", "error_message", "finished_at"])
    else:
        run(link, error_code=code, error_message=link.error_message, **facts)
    return last is None


def run(link: Link, **facts: Any) -> None:
    """Add a run to the history of a link, from the commit that is in force."""
    _run(link, **facts).save()
    hints.announce_on_commit()


def _run(link: Link, **facts: Any) -> SyncRun:
    return SyncRun(link=link, from_commit=link.last_commit, trace_id=traces.current_id(), **facts)


def trim(before: datetime) -> int:
    """Delete runs that ended before a moment, except the newest of each link.

    Returns how many; 10,000 at most.
    """
    newer = SyncRun.objects.filter(link=OuterRef("link"), pk__gt=OuterRef("pk"))
    old = SyncRun.objects.filter(Exists(newer), finished_at__lt=before).order_by("finished_at")
    ids = list(old.values_list("pk", flat=True)[:_TRIMMED_AT_ONCE])
    return SyncRun.objects.filter(pk__in=ids).delete()[0]


def _row(
    link: Link,
    decision: FileDecision,
    rows: Mapping[tuple[str, str], LinkedFile],
    origins: Mapping[str, str],
    now: datetime,
) -> LinkedFile | None:
    """The changed row for a decision, or None when nothing changed."""
    candidate = decision.candidate
    row = rows.get((candidate.path, candidate.configuration)) or LinkedFile(
        link=link, path=candidate.path, configuration=candidate.configuration
    )
    before = (row.blob, row.outcome, row.findings)
    row.blob, row.outcome = candidate.blob, decision.outcome
    row.content_hash = candidate.content_hash
    if origins.get(candidate.path, candidate.configuration) != candidate.configuration:
        row.renamed_from = origins[candidate.path]
    standing = candidate.unchanged and decision.outcome in ("synced", "pinned")
    kept = row.findings if standing else []
    row.findings = [finding for finding in kept if finding["code"] not in CHECKOUT_CODES]
    row.findings += [asdict(finding) for finding in decision.findings]
    row.updated_at = now
    after = (row.blob, row.outcome, row.findings)
    return row if row.pk is None or before != after else None
