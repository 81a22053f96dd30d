"""How long events are kept."""

from datetime import datetime

from events.models import Event

_BATCH = 10_000


def trim(before: datetime) -> int:
    """Delete what was recorded before a moment; returns how many, a batch at most."""
    # By its ids: neither database can bound a DELETE.
    old = Event.objects.filter(created_at__lt=before).order_by("created_at")
    ids = list(old.values_list("pk", flat=True)[:_BATCH])
    return Event.objects.filter(pk__in=ids).delete()[0]
