"""Rounds of telling: which links are looked at, what is told of each, and what came of it.

A process that is killed between a call and its result tells the same again, which changes nothing.
"""

import secrets as chance
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from commitstatus import due, facts, measures, proofs, sender
from commitstatus.due import Due, LinkFacts, Step, Told
from commitstatus.models import CommitStatus, ForgeCredential
from commitstatus.sender import Failed, Message, Result
from gitrepos import refs
from gitrepos.errors import HostNotAllowedError, RemoteError
from gitrepos.forge import documents
from gitrepos.models import Link

log = structlog.get_logger(__name__)

_BATCH = 96
# Longer than a batch may take, of which each call has its deadline.
_LEASE = timedelta(seconds=120)
_ROUND_SECONDS = 10
_BELIEVED = timedelta(hours=1)
_SKIPPED = timedelta(seconds=30)
_NOTHING_TOLD = {
    "commit": "", "state": "", "description": "", "told_at": None, "tellings": 0,
    "visibility": "", "visibility_until": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Job:
    """A row with its link and credential, and the status that is due."""

    row: CommitStatus
    due: Due


def run() -> int:
    """Tell what is due, for a few seconds; returns how many statuses were told or tried."""
    until, count = time.monotonic() + _ROUND_SECONDS, 0
    while time.monotonic() < until:
        rows = _claimed(timezone.now())
        count += _tell(rows)
        if len(rows) < _BATCH:
            break
    return count


def _claimed(now: datetime) -> list[CommitStatus]:
    """Rows that are to be looked at, which no other process has until the lease ends."""
    if not _to_be_looked_at(now).exists():  # As in most rounds: without a lock.
        return []
    with transaction.atomic():
        rows = _to_be_looked_at(now).select_for_update(skip_locked=True, of=("self",))
        ids = [row.pk for row in rows.only("pk").order_by("look_at")[:_BATCH]]
        rows = CommitStatus.objects.select_related("link", "credential").filter(pk__in=ids)
        found = list(rows)
        lease = now + _LEASE
        CommitStatus.objects.filter(pk__in=ids).update(look_at=lease)
        for row in found:
            row.look_at = lease
        changed = [row for row in found if _sees(row)]
        CommitStatus.objects.bulk_update(changed, [*CommitStatus.SEEN])
    return found


def _sees(row: CommitStatus) -> bool:
    """Have a row see its link as it is now; returns whether that is news."""
    before = [getattr(row, column) for column in CommitStatus.SEEN]
    now = [getattr(row.link, column) for column in CommitStatus.SEEN.values()]
    for column, value in zip(CommitStatus.SEEN, now, strict=True):
        setattr(row, column, value)
    return before != now


def _to_be_looked_at(now: datetime) -> QuerySet[CommitStatus]:
    """Rows whose time has come; or whose link changed since, unless somebody is at it."""
    changed = ~Q(
        seen_commit=F("link__last_commit"),
        seen_failed=F("link__failed_commit"),
        seen_error=F("link__error_code"),
    )
    later = Q(link__last_synced_at__isnull=False) & (
        Q(seen_synced_at__isnull=True) | Q(seen_synced_at__lt=F("link__last_synced_at"))
    )
    is_free = Q(look_at__lte=now + due.LOOK)
    is_due = Q(look_at__lte=now) | Q(look_at__gt=now + 2 * _LEASE)
    return CommitStatus.objects.filter(is_due | (changed | later) & is_free)


def _is_ahead(at: datetime, now: datetime, most: timedelta) -> bool:
    """Whether a time is still to come; one farther ahead is of a clock that was set back."""
    return now < at <= now + most


def _tell(rows: Sequence[CommitStatus]) -> int:
    """Look at claimed rows, tell what is due, and write what came of it.

    Who chose anew meanwhile has taken the lease away, and is looked at again at once.
    """
    if not rows:
        return 0
    now, lease = timezone.now(), rows[0].look_at
    known = facts.read([row.link for row in rows])
    jobs, quiet = [], defaultdict(list)
    for row in rows:
        job = _job(row, known[row.link_id], now)
        if job is None:
            quiet[row.look_at].append(row.pk)
        else:
            jobs.append(job)
    for at, ids in quiet.items():  # Nearly always one time for all.
        CommitStatus.objects.filter(pk__in=ids, look_at=lease).update(look_at=at)
    sent = [(job, message) for job in jobs if (message := _usable(job, now)) is not None]
    results = sender.send([message for _, message in sent], terms=documents.terms_of(settings.ENV))
    for (job, _), result in zip(sent, results, strict=True):
        _written(job, result, timezone.now())
    return len(sent)


def _job(row: CommitStatus, known: LinkFacts, now: datetime) -> _Job | None:
    """The job of a row whose status is told now; `look_at` is set in any case."""
    what = due.status(known)
    step, row.look_at = due.step(what, _told(row), now)
    if step is not Step.TELL or what is None:
        return None
    paused = row.credential.paused_until
    if paused is not None and _is_ahead(paused, now, due.LONGEST_WAIT):
        row.look_at = min(paused, row.look_at)
        return None
    return _Job(row, what)


def _usable(job: _Job, now: datetime) -> Message | None:
    """The message of a job; None where the credential may not be used, which is written."""
    try:
        return _message(job, now)
    except RemoteError as error:
        _written(job, Result(failed=Failed(error.code, error.message)), now)
        return None


def _told(row: CommitStatus) -> Told:
    """What was told of the repository that the link has now."""
    if row.url != row.link.url:
        return Told()
    return Told(
        row.commit, row.state, row.description, row.told_at, row.tellings, row.visibility,
        row.failures, row.failed_commit, row.retry_at,
    )  # fmt: skip


def _message(job: _Job, now: datetime) -> Message:
    """The message of a job.

    Raises:
        RemoteError: the credential may not be used.
    """
    row, by, link = job.row, job.row.credential, job.row.link
    if not proofs.is_for(by, link.url):  # Somebody edited that since it was chosen.
        raise HostNotAllowedError(f"{by.name!r} does not tell of repositories at the link's host.")
    is_here = row.url == link.url
    is_same = is_here and (row.commit, row.state) == (job.due.commit, job.due.state)
    until = row.visibility_until
    is_believed = is_here and until is not None and _is_ahead(until, now, _BELIEVED)
    page = settings.ENV.public_url
    return Message(
        forge=by.forge,
        api_url=by.api_url,
        proof=proofs.of(by),
        url=link.url,
        due=job.due,
        status_name=status_name(by, link),
        more_url=f"{page}/repositories/{link.pk}" if page else "",
        visibility=row.visibility if is_believed else "",
        described=row.description if is_same else "",
    )


def status_name(by: ForgeCredential, link: Link) -> str:
    """The name under which the statuses of a link stand."""
    form = refs.form(link)
    return due.status_name(by.status_name, link.root, getattr(link, form))


def _written(job: _Job, result: Result, now: datetime) -> None:
    """Write what came of a job, unless somebody chose anew meanwhile."""
    row = job.row
    if result.is_skipped:
        _skipped(row, now)
        return
    fields = _failure(job, result.failed, now) if result.failed else _success(job, result, now)
    if result.visibility:
        fields |= {"visibility": result.visibility, "visibility_until": now + _BELIEVED}
    fields["url"] = row.link.url
    about = {"git_repo": str(row.link_id), "commit": job.due.commit, "state": job.due.state}
    if result.failed:
        log.warning("commit status not told", code=result.failed.code, **about)
        measures.ended(row.credential.forge, result.failed.code)
        _pause(row.credential, result.failed, now)
    else:
        log.info("commit status told", **about)
        if result.is_sent:
            measures.ended(row.credential.forge, "")
    CommitStatus.objects.filter(pk=row.pk, updated_at=row.updated_at).update(**fields)


def _skipped(row: CommitStatus, now: datetime) -> None:
    """Have a row looked at again soon, of which nothing was tried."""
    rows = CommitStatus.objects.filter(pk=row.pk, updated_at=row.updated_at)
    rows.update(look_at=now + _SKIPPED)


def _success(job: _Job, result: Result, now: datetime) -> dict[str, object]:
    row, what = job.row, job.due
    is_here = row.url == row.link.url
    fields: dict[str, object] = {
        "failures": 0, "failed_commit": "", "retry_at": None, "error_code": "",
        "error_message": "", "error_since": None, "look_at": row.look_at,
    }  # fmt: skip
    if result.is_sent:
        tellings = row.tellings + 1 if is_here and row.commit == what.commit else 1
        fields |= {
            "commit": what.commit, "state": what.state, "description": result.description,
            "told_at": now, "tellings": tellings,
        }  # fmt: skip
    return fields


def _failure(job: _Job, failed: Failed, now: datetime) -> dict[str, object]:
    row = job.row
    is_news = row.error_code != failed.code
    retry_at = now + due.wait(row.failures + 1, chance.randbelow(1000) / 1000)
    elsewhere = {} if row.url == row.link.url else _NOTHING_TOLD
    return {
        **elsewhere,
        "failures": row.failures + 1, "failed_commit": job.due.commit, "retry_at": retry_at,
        "error_code": failed.code, "error_message": failed.message[:500],
        "error_since": now if is_news or row.error_since is None else row.error_since,
        "look_at": min(retry_at, now + due.LOOK),
    }  # fmt: skip


def _pause(by: ForgeCredential, failed: Failed, now: datetime) -> None:
    if not failed.pause_seconds:
        return
    until = now + min(timedelta(seconds=failed.pause_seconds), due.LONGEST_WAIT)
    is_ahead = Q(paused_until__gte=until, paused_until__lte=now + due.LONGEST_WAIT)
    rows = ForgeCredential.objects.filter(pk=by.pk, updated_at=by.updated_at)
    rows.exclude(is_ahead).update(paused_until=until)
