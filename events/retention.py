"""Deletion of old events."""

from datetime import datetime

from events.models import Event

_BATCH = 10_000


def trim(before: datetime) -> int:
    """Delete events recorded before a moment; returns how many, 10,000 at most."""
    # By its ids: neither database can bound a DELETE.
    old = Event.objects.filter(created_at__lt=before).order_by("created_at")
    ids = list(old.values_list("pk", flat=True)[:_BATCH])
    return Event.objects.filter(pk__in=ids).delete()[0]
