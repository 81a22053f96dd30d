"""The decisions of all gateways: the only writer of `Decision` and `Intake`."""

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
import redis
import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from configurations.seen import Seen
from evidence import log as evidence
from evidence.log import Fact
from gateways.models import Decision, Gateway, Intake
from gateways.registry import gateways
from gateways.reports import entries, live
from gateways.reports.entries import Arrival, Entry
from keeptrusts.api.errors import BusyError, FieldError, LimitedError
from keeptrusts.api.lists.filters import among, between, equal
from keeptrusts.api.lists.listing import MOST_OF_LOG, PAGE_OF_LOG
from keeptrusts.api.lists.table import Table
from keeptrusts.api.printable import printable
from kt.policy.language import VERDICTS

log = structlog.get_logger(__name__)

Row = Mapping[str, Any]

_MAX_WRITERS = 4
_PRUNED_AT_ONCE = 5000
# What gateways of this release log, and what is known here of it; others may lack some.
_MEMBERS = (
    "time", "id", "request_id", "trace_id", "config", "client", "route", "model", "target",
    "status", "stream", "verdict", "policy", "reason_code", "unjudged", "remembered", "scores",
    "gateway_ms", "upstream_ms", "prompt_tokens", "completion_tokens", "tokens_reported", "audit",
    "gateway", "received_at", "marks",
)  # fmt: skip
_MOST_PAGE_BYTES = 2 << 20
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
            if _note(gateway_id, batch, first, dropped, now):
                evidence.append([_fact(gateway_id, batch, found, dropped)], at=now)
            rows = [_row(gateway_id, entry, now) for entry in found]
            Decision.objects.bulk_create(rows, ignore_conflicts=True)
    finally:
        _writers.release()
    return len(found)


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


def _note(gateway_id: str, batch: int, first_event: str, dropped: int, now: datetime) -> bool:
    """Record a batch and count what was dropped, once also for a batch that is sent twice.

    Returns whether it is a new one.
    """
    row = Intake.objects.select_for_update().filter(pk=gateway_id).first()
    if row is None:
        row = Intake(pk=gateway_id)
    elif (row.last_batch, row.last_event) == (batch, first_event):
        return False
    row.last_batch, row.last_event, row.updated_at = batch, first_event, now
    row.dropped = min(row.dropped + dropped, _MOST_DROPPED)
    row.save()
    return True


def _fact(gateway_id: str, batch: int, found: Sequence[Entry], dropped: int) -> Fact:
    """What evidence has of a batch: the sha256 of the events' own sha256s, in their order."""
    digest = hashlib.sha256()
    for entry in found:
        event = orjson.dumps(entry.event, option=orjson.OPT_SORT_KEYS)
        digest.update(hashlib.sha256(event).digest())
    given = {"gateway": gateway_id, "batch": batch, "count": len(found), "dropped": dropped}
    return Fact("decisions", {**given, "digest": digest.hexdigest()})


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


def seen_by(seen: Seen) -> QuerySet[Decision]:
    """The decisions that are seen.

    Where not all configurations are, those about them, of gateways that are bound to one now.
    """
    if not seen.is_narrowed:
        return Decision.objects.all()
    bound = Gateway.objects.filter(seen.where("bound__pk"), deleted_at=None)
    return Decision.objects.filter(seen.where("configuration"), gateway__in=bound.values("pk"))


def _shown(rows: Sequence[Row], _seen: Seen) -> Iterator[Row]:
    for row in rows:
        # Here, since a gateway may call a field as one of ours that has lines.
        event = printable(row["event"], keeps_lines=False)
        ours = {name: row[name] for name in ("gateway", "received_at")}
        yield {**event, **ours, "marks": row["marks"] or []}


DECISIONS: Table[Seen] = Table(
    name="decisions",
    members=_MEMBERS,
    rows=seen_by,
    values=lambda rows: rows.values("gateway", "event", "received_at", "marks"),
    shown=_shown,
    sorts={"time": "at"},
    sort="-time",
    page_size=PAGE_OF_LOG,
    most=MOST_OF_LOG,
    size=lambda row: len(orjson.dumps(row)),
    most_bytes=_MOST_PAGE_BYTES,
    searched=("gateway", "configuration", "policy"),
    filters=(
        equal("gateway", "Decisions of this gateway."),
        equal("configuration", "Decisions about this configuration."),
        equal("policy", "Decisions of this policy of the chain."),
        among("verdict", "Those with these verdicts.", known=tuple(VERDICTS)),
        *between("at"),
    ),
)
