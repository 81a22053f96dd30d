"""Claims of notifications: whose turn it is, and what is noted after an attempt.

A claim has a lease. Who is killed between sending and noting leaves one that ends: then it is sent
again, under the same id.
"""

import secrets as chance
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, When

from events import log as events
from events.models import Event
from keeptrusts.processes.due import Moment
from notifications import measures
from notifications.models import Endpoint, Notification
from notifications.queue import order
from notifications.sending import outcomes
from notifications.sending.outcomes import Attempt

LEASE = timedelta(seconds=60)
"""Longer than any attempt."""
AT_ONCE = 8
"""Attempts at one endpoint at once; at one that rests, one now and then."""
_MOST_LOGGED = 5
_NOTED = (
    "attempts", "log", "claim", "lease_until", "status", "settled_at", "next_attempt_at",
)  # fmt: skip
_STATUS = Notification.Status


@dataclass(frozen=True, slots=True)
class Claim:
    """A notification to be attempted now, and its endpoint."""

    id: UUID
    row: Notification
    endpoint: Endpoint


def due(now: datetime) -> list[Claim]:
    """Claim what may be attempted now at every endpoint that does not rest."""
    ids = list(_with_due(now).values_list("pk", flat=True))
    return [claim for endpoint_id in ids for claim in _claimed(endpoint_id, now)]


def due_rows(now: Moment) -> Iterable[QuerySet[Any]]:
    """What a sender is told of: events to make notifications of, and endpoints where one is due."""
    return Event.objects.filter(notified=False), _with_due(now)


def _with_due(now: datetime | Moment) -> QuerySet[Endpoint]:
    """The endpoints that do not rest, with something to be attempted now."""
    is_due = Notification.objects.filter(_due(now), endpoint=OuterRef("pk"))
    awake = Q(rests_until=None) | Q(rests_until__lte=now)
    return Endpoint.objects.filter(awake, Exists(is_due), enabled=True)


def _due(now: datetime | Moment) -> Q:
    is_free = Q(lease_until=None) | Q(lease_until__lte=now)
    return Q(status=_STATUS.WAITING, next_attempt_at__lte=now) & is_free


def _claimed(endpoint_id: UUID, now: datetime) -> list[Claim]:
    with transaction.atomic():
        rows = Endpoint.objects.select_for_update(of=("self",), skip_locked=True)
        endpoint = rows.filter(pk=endpoint_id, enabled=True).first()
        if endpoint is None:
            return []  # Another process claims, or notes; it is asked again in a second.
        busy = order.waiting(endpoint_id).filter(lease_until__gt=now).count()
        room = (1 if is_silent(endpoint) else AT_ONCE) - busy
        found = Notification.objects.filter(_due(now), endpoint=endpoint)
        # A test first: somebody waits for it.
        tests = Case(When(event=None, then=0), default=1)
        taken = list(found.order_by(tests, "next_attempt_at", "number")[: max(room, 0)])
        claim_id, numbers = uuid4(), [row.pk for row in taken]
        leased = {"claim": claim_id, "lease_until": now + LEASE}
        Notification.objects.filter(pk__in=numbers).update(**leased)
        return [Claim(claim_id, row, endpoint) for row in taken]


def is_silent(endpoint: Endpoint) -> bool:
    """Whether so many notifications failed in a row that the receiver is taken to be away."""
    return endpoint.silent >= outcomes.SILENT_MOST


def note(ended: Sequence[tuple[Claim, Attempt]], now: datetime) -> list[Claim]:
    """Note attempts at one endpoint; returns the claims that are over: nothing is noted of them."""
    with transaction.atomic():
        claims = {claim.row.pk: (claim, attempt) for claim, attempt in ended}
        endpoints = Endpoint.objects.select_for_update(of=("self",))
        endpoint = endpoints.filter(pk=ended[0][0].endpoint.pk).first()
        found = Notification.objects.filter(pk__in=claims, status=_STATUS.WAITING)
        rows = [
            row for row in found.defer("told").order_by("pk") if row.claim == claims[row.pk][0].id
        ]
        if endpoint is None or not rows:
            return [claim for claim, _ in ended]
        before = [getattr(endpoint, name) for name in Endpoint.OBSERVED]
        for row in rows:
            _ended(endpoint, row, claims[row.pk][1], now)
        Notification.objects.bulk_update(rows, _NOTED)
        order.follow([row for row in rows if row.status != _STATUS.WAITING], now)
        if before != [getattr(endpoint, name) for name in Endpoint.OBSERVED]:
            endpoint.save(update_fields=Endpoint.OBSERVED)
        noted = {row.pk for row in rows}
        return [claim for claim, _ in ended if claim.row.pk not in noted]


def _ended(endpoint: Endpoint, row: Notification, attempt: Attempt, now: datetime) -> None:
    row.attempts += 1
    row.log = [*row.log, attempt.stored()][-_MOST_LOGGED:]
    row.claim = row.lease_until = None
    if attempt.error:
        _failed(endpoint, row, attempt, now)
    else:
        _delivered(endpoint, row, now)


def _delivered(endpoint: Endpoint, row: Notification, now: datetime) -> None:
    row.status, row.settled_at, row.next_attempt_at = _STATUS.DELIVERED, now, None
    if is_silent(endpoint):
        # It is back: what waits for its next attempt has waited for that.
        order.waiting(endpoint.pk).filter(next_attempt_at__gt=now).update(next_attempt_at=now)
    if endpoint.told_at is not None:
        message = f"Notifications reach {endpoint.name} again."
        _tell(events.Kind.ENDPOINT_RECOVERED, endpoint, message)
    endpoint.failures = endpoint.silent = 0
    endpoint.failing_since = endpoint.told_at = endpoint.rests_until = None


def _failed(endpoint: Endpoint, row: Notification, attempt: Attempt, now: datetime) -> None:
    wait = _wait(row.attempts, attempt)
    row.next_attempt_at = now + wait
    if now + wait > row.give_up_at or attempt.is_gone:
        row.status, row.settled_at, row.next_attempt_at = _STATUS.GAVE_UP, now, None
    if row.event is None:
        return  # A test, which somebody looks at.
    measures.gave_up(int(row.status == _STATUS.GAVE_UP))
    endpoint.failures += 1
    endpoint.silent += row.attempts == 1 or is_silent(endpoint)
    endpoint.failing_since = endpoint.failing_since or now
    if is_silent(endpoint):
        endpoint.rests_until = now + _wait(endpoint.silent - outcomes.SILENT_MOST + 1, attempt)
    if attempt.is_gone:
        endpoint.enabled, endpoint.gone = False, True
        message = f"{endpoint.name} wants no more notifications (410), and is disabled."
        _tell(events.Kind.ENDPOINT_DISABLED, endpoint, message)
    elif endpoint.told_at is None and endpoint.failures >= outcomes.FAILURES_TOLD:
        endpoint.told_at = now
        message = f"Notifications do not reach {endpoint.name}: {attempt.error}."
        _tell(events.Kind.ENDPOINT_FAILING, endpoint, message)


def _wait(attempts: int, attempt: Attempt) -> timedelta:
    spread = chance.randbelow(1000) / 1000
    seconds = outcomes.wait_seconds(attempts, attempt.retry_after_seconds, spread)
    return timedelta(seconds=seconds)


def _tell(kind: events.Kind, endpoint: Endpoint, message: str) -> None:
    since = endpoint.failing_since
    details = {"notification_endpoint": str(endpoint.pk), "name": endpoint.name, "since": since}
    events.record(kind, message, details=details)


def wake_late(now: datetime) -> None:
    """Repair times too far ahead, which a clock that was set back leaves."""
    latest = now + timedelta(seconds=outcomes.LONGEST_WAIT_SECONDS)
    waiting = Notification.objects.filter(status=_STATUS.WAITING)
    waiting.filter(next_attempt_at__gt=latest).update(next_attempt_at=now)
    waiting.filter(lease_until__gt=now + LEASE).update(lease_until=now)
    Endpoint.objects.filter(rests_until__gt=latest).update(rests_until=None)
