"""Findings of `manage.py doctor` about notifications."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Q
from django.utils import timezone

from keeptrusts import times
from keeptrusts.doctor.findings import Finding
from notifications.models import Endpoint, Notification

_CHECK = "notifications"
_LATE = timedelta(hours=1)
_LATELY = timedelta(days=7)
_STATUS = Notification.Status


def findings() -> Iterator[Finding]:
    """What is found."""
    now = timezone.now()
    late = Q(notifications__status=_STATUS.WAITING, notifications__created_at__lt=now - _LATE)
    over = Q(
        notifications__status=_STATUS.GAVE_UP,
        notifications__settled_at__gte=now - _LATELY,
        notifications__event__isnull=False,
    )
    counted = Endpoint.objects.annotate(
        late=Count("notifications", filter=late), over=Count("notifications", filter=over)
    )
    rows = list(counted.order_by("name"))
    found = [finding for row in rows for finding in _of(row)]
    yield from found
    if rows and not found:
        yield Finding(_CHECK, "ok", f"{len(rows)} endpoints are reached, as far as is known")


def _of(row: Endpoint) -> Iterator[Finding]:
    late, over = row.late, row.over  # type: ignore[attr-defined]
    log = f"`kt notifications log {row.name}` says why"
    if row.form == Endpoint.Form.MAIL and settings.ENV.mailer is None:
        yield Finding(_CHECK, "wrong", f"{row.name} is for mail", "set KEEPTRUSTS_SMTP_HOST")
    if row.gone:
        words = f"{row.name} answered 410 and is disabled"
        yield Finding(_CHECK, "warning", words, "delete it, or give it another url")
    elif row.failing_since and row.told_at:
        words = f"{row.name} is not reached since {times.to_the_second(row.failing_since)}"
        yield Finding(_CHECK, "warning", words, log)
    if late:
        yield Finding(_CHECK, "warning", f"{late} wait for {row.name} for over an hour", log)
    if over:
        words = f"{over} to {row.name} were given up in the last week"
        yield Finding(
            _CHECK,
            "warning",
            words,
            f"`kt notifications replay {row.name} --since TIME` sends them",
        )
