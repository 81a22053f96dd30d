"""Notifications sent by hand: tests, and what was sent before or given up."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from events import audit
from keeptrusts import times
from keeptrusts.api.errors import ConflictError, NotFoundError
from notifications.endpoints.registry import locked
from notifications.forms.told import TEST, Told
from notifications.models import Endpoint, Notification
from notifications.queue import order, taking
from notifications.sending.outcomes import GIVEN_UP_AFTER

MOST_AT_ONCE = taking.MOST_WAITING
_STATUS = Notification.Status


def test(endpoint_id: UUID) -> Notification:
    """Have a test sent, once; returns its row, in which its end is noted.

    Raises:
        ConflictError: the endpoint is disabled (`endpoint_disabled`).
        NotFoundError: no endpoint has this id.
    """
    with transaction.atomic():
        endpoint, now = _sendable(endpoint_id), timezone.now()
        message = "This is a test. If you can read it, notifications arrive here."
        at = times.exact(now)
        told = Told(TEST, at, None, "", "", message, {}, "", taking.page("", ""))
        row = taking.made(endpoint, told, now, lasts=timedelta())
        taking.put(endpoint, [row], now)
        _wake(endpoint)
        audit.record("notification_endpoint.tested", endpoint.pk, after={"notification": row.id})
    return row


def again(notification_id: UUID) -> None:
    """Have a notification sent again, under its id, before what waits and is newer.

    Raises:
        ConflictError: the endpoint is disabled (`endpoint_disabled`).
        NotFoundError: there is no such notification.
    """
    with transaction.atomic():
        endpoint, now = _sendable(_endpoint_of(notification_id)), timezone.now()
        numbers = Notification.objects.filter(id=notification_id).values_list("number", flat=True)
        _again(endpoint, list(numbers), now)
        _log(endpoint, {"notification": notification_id})


def hold(notification_id: UUID) -> None:
    """Lock a notification, by its endpoint, until the transaction ends."""
    locked(_endpoint_of(notification_id))


def _endpoint_of(notification_id: UUID) -> UUID:
    rows = Notification.objects.filter(id=notification_id)
    found: UUID | None = rows.values_list("endpoint_id", flat=True).first()
    if found is None:
        raise NotFoundError("notification with this id")
    return found


def again_since(endpoint_id: UUID, since: datetime) -> int:
    """Have all sent again that was given up, of events since a time; returns how many.

    Raises:
        ConflictError: the endpoint is disabled (`endpoint_disabled`).
        NotFoundError: no endpoint has this id.
    """
    with transaction.atomic():
        endpoint, now = _sendable(endpoint_id), timezone.now()
        rows = Notification.objects.filter(endpoint=endpoint, status=_STATUS.GAVE_UP)
        rows = rows.filter(created_at__gte=since, event__isnull=False).order_by("number")
        room = max(0, MOST_AT_ONCE - order.waiting(endpoint.pk).count())
        numbers = list(rows.values_list("number", flat=True)[:room])
        _again(endpoint, numbers, now)
        _log(endpoint, {"since": since, "count": len(numbers)})
        return len(numbers)


def _again(endpoint: Endpoint, numbers: list[int], now: datetime) -> None:
    settled = Notification.objects.filter(number__in=numbers).exclude(status=_STATUS.WAITING)
    anew = {"status": _STATUS.WAITING, "attempts": 0, "settled_at": None, "next_attempt_at": None}
    settled.update(give_up_at=now + GIVEN_UP_AFTER, **anew)
    waits = order.waiting(endpoint.pk).filter(number__in=numbers)
    waits.filter(next_attempt_at__gt=now).update(next_attempt_at=now)
    order.mend(endpoint.pk, now)
    _wake(endpoint)


def _sendable(endpoint_id: UUID) -> Endpoint:
    endpoint = locked(endpoint_id)
    if not endpoint.enabled:
        message = f"{endpoint.name} is disabled; enable it first."
        raise ConflictError("endpoint_disabled", message)
    return endpoint


def _wake(endpoint: Endpoint) -> None:
    """Have an endpoint that rests be asked at once."""
    Endpoint.objects.filter(pk=endpoint.pk).update(rests_until=None)


def _log(endpoint: Endpoint, what: dict[str, object]) -> None:
    audit.record("notification_endpoint.replayed", endpoint.pk, after=what)
