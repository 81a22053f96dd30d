"""The decisions of all gateways: the only writer of `Decision` and `Intake`."""

import re
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import redis
import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from configurations.seen import ALL, Seen
from gateways.models import Decision, Gateway, Intake
from gateways.registry import gateways
from gateways.reports import entries, live
from gateways.reports.entries import Arrival, Entry
from keeptrusts.api.cursors import Walk
from keeptrusts.api.errors import BusyError, FieldError, LimitedError
from keeptrusts.api.printable import printable

log = structlog.get_logger(__name__)

Row = Mapping[str, Any]

_MAX_WRITERS = 4
_PRUNED_AT_ONCE = 5000
_CURSOR = re.compile(r"(-?[0-9]{1,18})-([0-9]{1,18})")
_EPOCH = datetime.fromtimestamp(0, UTC)
_US = timedelta(microseconds=1)
_MOST_PAGE_BYTES = 2 << 20
_READ_AT_ONCE = 50
_MOST_DROPPED = 2**63 - 1

# Each writer holds a thread of the web server; others must stay free for pulls and people.
_writers = threading.BoundedSemaphore(_MAX_WRITERS)


def take(gateway_id: str, *, batch: int, events: Sequence[Mapping[str, Any]], dropped: int) -> int:
    """Store a batch, and return how many events it has. Idempotent.

    Raises:
        FieldError: an event cannot be stored, or the batch is too large.
        LimitedError: the gateway sent what it may send in an hour (`decision_budget_spent`).
        BusyError: too many batches are being written.
    """
    now = timezone.now()
    arrival = Arrival(now, now - _retention(), gateways.configurations(gateway_id))
    found = [entries.read(event, number, arrival) for number, event in enumerate(events)]
    size_bytes = sum(entry.size_bytes for entry in found)
    if size_bytes > entries.MOST_BATCH_BYTES:
        raise FieldError("events", f"must have at most {entries.MOST_BATCH_BYTES:,} bytes together")
    if not _writers.acquire(blocking=False):
        raise BusyError("Too many batches are being written; send this one again in a few seconds.")
    try:
        _spend(gateway_id, size_bytes)
        with transaction.atomic():
            first = found[0].event_id if found else ""
            _note(gateway_id, batch, first, dropped, now)
            rows = [_row(gateway_id, entry, now) for entry in found]
            Decision.objects.bulk_create(rows, ignore_conflicts=True)
    finally:
        _writers.release()
    return len(found)


def page(
    filters: Mapping[str, object], *, since: datetime | None, until: datetime | None, after: str,
    limit: int, seen: Seen = ALL,
) -> tuple[list[Row], str | None]:  # fmt: skip
    """Decisions, the newest first, and the cursor of the next page, None at the end.

    `filters` are lookups of the columns; `since` is included, `until` is not. `after` is the
    cursor that came with the page before. A page ends at `limit`, or where it gets too large.
    Where not all configurations are seen, it has decisions about those that are, of gateways that
    are bound to one of them now.
    """
    matches = Decision.objects.filter(**filters).order_by("-at", "-id")
    if since is not None:
        matches = matches.filter(at__gte=since)
    if until is not None:
        matches = matches.filter(at__lt=until)
    walk: Walk | None = None
    most: int | None = limit + 1
    if seen.is_narrowed:
        walk = Walk(after or None)
        matches, most = _narrowed(matches, seen), None
        matches = matches.filter(at__lte=walk.begun) if walk.begun else matches
    elif after:
        at, pk = _cursor(after)
        # In this form an index leads to the page.
        matches = matches.filter(Q(at__lt=at) | Q(pk__lt=pk), at__lte=at)
    answer: list[Row] = []
    following, left_bytes = "", _MOST_PAGE_BYTES
    # Read piece by piece: a thousand rows may have thirty times what a page may.
    for row in matches[:most].iterator(chunk_size=_READ_AT_ONCE):
        if walk is not None and not walk.is_new(row.at):
            continue
        if answer and (len(answer) == limit or left_bytes <= 0):
            return answer, following
        answer.append(_shown(row))
        following = _position(row) if walk is None else walk.cursor
        left_bytes -= len(orjson.dumps(row.event))
    return answer, None


def _narrowed(matches: QuerySet[Decision], seen: Seen) -> QuerySet[Decision]:
    bound = Gateway.objects.filter(seen.where("bound__pk"), deleted_at=None)
    return matches.filter(seen.where("configuration"), gateway__in=bound.values("pk"))


def _shown(row: Decision) -> Row:
    # Here, since a gateway may call a field as one of ours that has lines.
    event = printable(row.event, keeps_lines=False)
    ours = {"gateway": row.gateway, "received_at": row.received_at, "marks": row.marks or []}
    return {**event, **ours}


def prune() -> int:
    """Remove decisions whose retention is over since they arrived, and return how many."""
    oldest = timezone.now() - _retention()
    removed = 0
    while True:
        rows = Decision.objects.filter(received_at__lt=oldest).order_by("received_at")
        old = list(rows.values_list("pk", flat=True)[:_PRUNED_AT_ONCE])
        count, _ = Decision.objects.filter(pk__in=old).delete()
        removed += count
        if count < _PRUNED_AT_ONCE:
            return removed


def dropped() -> Mapping[str, int]:
    """The number of decisions that each gateway could not keep, by gateway id."""
    return dict(Intake.objects.values_list("pk", "dropped"))


def _note(gateway_id: str, batch: int, first_event: str, dropped: int, now: datetime) -> None:
    """Record a batch and count what was dropped, once also for a batch that is sent twice."""
    row = Intake.objects.select_for_update().filter(pk=gateway_id).first()
    if row is None:
        row = Intake(pk=gateway_id)
    elif (row.last_batch, row.last_event) == (batch, first_event):
        return
    row.last_batch, row.last_event, row.updated_at = batch, first_event, now
    row.dropped = min(row.dropped + dropped, _MOST_DROPPED)
    row.save()


def _row(gateway_id: str, entry: Entry, now: datetime) -> Decision:
    return Decision(
        gateway=gateway_id,
        event_id=entry.event_id,
        at=entry.at,
        configuration=entry.configuration,
        verdict=entry.verdict,
        policy=entry.policy,
        event=entry.event,
        marks=list(entry.marks) or None,
        received_at=now,
    )


def _retention() -> timedelta:
    return timedelta(days=settings.ENV.decision_retention_days)


def _spend(gateway_id: str, size_bytes: int) -> None:
    """Take the bytes of a batch from what a gateway may send, which grows back within an hour."""
    hourly = settings.ENV.decision_hourly_mebibytes
    try:
        wait_seconds = live.spend(gateway_id, share_of_hour=size_bytes / (hourly << 20))
    except redis.RedisError as exc:
        log.warning("bytes of decisions are not counted: no Redis", error=str(exc))
        return
    if wait_seconds:
        message = f"This gateway may send {hourly} MiB of decisions an hour; send this later."
        raise LimitedError("decision_budget_spent", message, wait_seconds=wait_seconds)


def _position(row: Decision) -> str:
    return f"{(row.at - _EPOCH) // _US}-{row.pk}"


def _cursor(text: str) -> tuple[datetime, int]:
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise FieldError("cursor", "must be the next_cursor of an answer")
    try:
        return _EPOCH + int(match[1]) * _US, int(match[2])
    except OverflowError as exc:
        raise FieldError("cursor", "must be the next_cursor of an answer") from exc
