"""Change counters: a reader's ETag, and the order of writers."""

from collections.abc import Mapping

from django.db.models import F

from keeptrusts.models import Counter


def read() -> Mapping[str, int]:
    """Every counter by name, in one query; a resource that never changed is missing."""
    return dict(Counter.objects.values_list("name", "value"))


def bump(name: str) -> None:
    """Count one change. To be called inside the transaction that makes it.

    The row stays locked until that transaction ends, so writers of one resource that call
    this first follow one another, and no reader sees a new count before the change it counts.
    """
    if not Counter.objects.filter(pk=name).update(value=F("value") + 1):
        Counter.objects.bulk_create([Counter(pk=name)], ignore_conflicts=True)
        Counter.objects.filter(pk=name).update(value=F("value") + 1)
