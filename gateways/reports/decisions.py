"""The decisions of all gateways: the only writer of `Decision` and `Intake`."""

import re
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from gateways.models import Decision, Intake
from keeptrusts.api.errors import BusyError, FieldError

Row = Mapping[str, Any]

_MAX_WRITERS = 4
_PRUNED_AT_ONCE = 5000
_CURSOR = re.compile(r"(-?[0-9]{1,18})-([0-9]{1,18})")
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_EPOCH = datetime.fromtimestamp(0, UTC)
_US = timedelta(microseconds=1)
_MOST_LEVELS = 32
_MOST_DROPPED = 2**63 - 1

# Each writer holds a thread of the web server; others must stay free for pulls and people.
_writers = threading.BoundedSemaphore(_MAX_WRITERS)


def take(gateway_id: str, *, batch: int, events: Sequence[Mapping[str, Any]], dropped: int) -> int:
    """Store a batch, and return how many events it has. Idempotent.

    Raises:
        FieldError: an event cannot be stored.
        BusyError: too many batches are being written.
    """
    now = timezone.now()
    rows = [_row(gateway_id, event, number, now) for number, event in enumerate(events)]
    if not _writers.acquire(blocking=False):
        raise BusyError("Too many batches are being written; send this one again in a few seconds.")
    try:
        with transaction.atomic():
            _note(gateway_id, batch, rows[0].event_id if rows else "", dropped, now)
            Decision.objects.bulk_create(rows, ignore_conflicts=True)
    finally:
        _writers.release()
    return len(rows)


def page(
    filters: Mapping[str, object], *, since: datetime | None, until: datetime | None, after: str,
    limit: int,
) -> tuple[list[Row], str | None]:  # fmt: skip
    """Decisions, the newest first, and the cursor of the next page, None at the end.

    `filters` are lookups of the columns; `since` is included, `until` is not. `after` is the
    cursor that came with the page before.
    """
    matches = Decision.objects.filter(**filters).order_by("-at", "-id")
    if since is not None:
        matches = matches.filter(at__gte=since)
    if until is not None:
        matches = matches.filter(at__lt=until)
    if after:
        at, pk = _cursor(after)
        # In this form an index leads to the page.
        matches = matches.filter(Q(at__lt=at) | Q(pk__lt=pk), at__lte=at)
    rows = list(matches[: limit + 1])
    answer: list[Row] = [
        {**row.event, "gateway": row.gateway, "received_at": row.received_at}
        for row in rows[:limit]
    ]
    return answer, _position(rows[limit - 1]) if len(rows) > limit else None


def prune() -> int:
    """Remove decisions whose retention is over, and return how many."""
    oldest = timezone.now() - timedelta(days=settings.ENV.decision_retention_days)
    removed = 0
    while True:
        rows = Decision.objects.filter(at__lt=oldest).order_by("at").values_list("pk", flat=True)
        count, _ = Decision.objects.filter(pk__in=list(rows[:_PRUNED_AT_ONCE])).delete()
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


def _row(gateway_id: str, event: Mapping[str, Any], number: int, now: datetime) -> Decision:
    name, at = event.get("id"), event.get("time")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise FieldError(f"events.{number}.id", "must be 1 to 64 letters, digits and dashes")
    event, where = _storable(event, number), f"events.{number}"
    config = event.get("config")
    if not isinstance(config, dict | None):
        raise FieldError(f"{where}.config", "must be an object or null")
    return Decision(
        gateway=gateway_id,
        event_id=name,
        at=_moment(at, number),
        configuration=_text(config or {}, "id", f"{where}.config", longest=200),
        verdict=_text(event, "verdict", where, longest=20),
        policy=_text(event, "policy", where, longest=200),
        event=event,
        received_at=now,
    )


def _moment(at: Any, number: int) -> datetime:
    try:
        moment = parse_datetime(at) if isinstance(at, str) else None
        if moment is not None and moment.tzinfo is not None:
            # Which fails past the years 1 to 9999: nobody could read such a row again.
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise FieldError(f"events.{number}.time", "must be a time such as 2026-01-31T12:00:00Z")


def _storable(event: Mapping[str, Any], number: int) -> Mapping[str, Any]:
    """An event in a form that every database can store."""
    try:
        text = orjson.dumps(event)
    except orjson.JSONEncodeError as exc:
        raise _too_deep(number) from exc
    if rb"\u0000" in text or text.count(b"[") + text.count(b"{") > _MOST_LEVELS:
        kept: Mapping[str, Any] = _kept(event, number, _MOST_LEVELS)
        return kept
    return event


def _kept(value: Any, number: int, levels: int) -> Any:
    """A value without NUL, which PostgreSQL does not store in texts."""
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if not isinstance(value, dict | list):
        return value
    if not levels:
        raise _too_deep(number)
    if isinstance(value, list):
        return [_kept(one, number, levels - 1) for one in value]
    return {_kept(k, number, 0): _kept(v, number, levels - 1) for k, v in value.items()}


def _too_deep(number: int) -> FieldError:
    return FieldError(f"events.{number}", f"must not nest deeper than {_MOST_LEVELS} levels")


def _text(fields: Mapping[str, Any], name: str, where: str, *, longest: int) -> str:
    """A text of at most `longest` characters; empty for one that is null or missing."""
    value = fields.get(name)
    if not isinstance(value, str | None):
        raise FieldError(f"{where}.{name}", "must be a string or null")
    return (value or "")[:longest]


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
