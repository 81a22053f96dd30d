"""How long the history of links is kept."""

from datetime import datetime

from django.db.models import Exists, OuterRef

from gitrepos.models import SyncRun

_BATCH = 10_000


def trim(before: datetime) -> int:
    """Delete runs that ended before a moment, but for the newest of each link.

    Returns how many; a batch at most.
    """
    newer = SyncRun.objects.filter(link=OuterRef("link"), pk__gt=OuterRef("pk"))
    old = SyncRun.objects.filter(Exists(newer), finished_at__lt=before).order_by("finished_at")
    ids = list(old.values_list("pk", flat=True)[:_BATCH])
    return SyncRun.objects.filter(pk__in=ids).delete()[0]
