"""The end of notifications: those that waited too long are given up, old ones are deleted."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from notifications import measures
from notifications.models import Endpoint, Notification
from notifications.queue import order

MOST_KEPT = 10_000
"""Settled notifications that an endpoint's log has at most."""
_BATCH = 10_000
_UNTRIED = timedelta(minutes=5)
_STATUS = Notification.Status


def sweep(now: datetime) -> tuple[int, int]:
    """Give up and delete; returns how many were given up, and how many deleted."""
    given_up = deleted = 0
    for endpoint_id in list(Endpoint.objects.values_list("pk", flat=True)):
        with transaction.atomic():
            rows = Endpoint.objects.select_for_update(of=("self",), skip_locked=True)
            if rows.filter(pk=endpoint_id).first() is not None:
                if over := _give_up(endpoint_id, now):
                    given_up += over
                    order.mend(endpoint_id, now)
                deleted += _trim(endpoint_id, now)
    return given_up, deleted


def _give_up(endpoint_id: UUID, now: datetime) -> int:
    """Give up what waited its time, mostly at an endpoint that rests or is disabled."""
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    # Of a test, which has no time, nobody may have had time for the one attempt yet.
    due = Q(give_up_at__lt=now, attempts__gt=0) | Q(give_up_at__lt=now - _UNTRIED)
    over = order.waiting(endpoint_id).filter(free & due)
    settled = {"status": _STATUS.GAVE_UP, "settled_at": now, "next_attempt_at": None}
    tests = over.filter(event=None).update(**settled)
    lost = over.update(**settled)
    measures.gave_up(lost)
    return lost + tests


def _trim(endpoint_id: UUID, now: datetime) -> int:
    """Delete what is older than events are kept, and what is beyond the bound."""
    settled = Notification.objects.filter(endpoint=endpoint_id).exclude(status=_STATUS.WAITING)
    since = now - timedelta(days=settings.ENV.event_retention_days)
    old = settled.filter(settled_at__lt=since).order_by("number")
    beyond = settled.order_by("-number")
    numbers = {
        *old.values_list("number", flat=True)[:_BATCH],
        *beyond.values_list("number", flat=True)[MOST_KEPT : MOST_KEPT + _BATCH],
    }
    return Notification.objects.filter(number__in=numbers).delete()[0] if numbers else 0
