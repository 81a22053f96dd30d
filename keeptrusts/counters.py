"""Change counters, which give readers an ETag and writers an order."""

import time
from collections.abc import Mapping

from django.db.models import BigIntegerField, F, Value
from django.db.models.functions import Greatest

from keeptrusts.models import Counter


def read() -> Mapping[str, int]:
    """All counters by name, in one query. A resource that never changed has none."""
    return dict(Counter.objects.values_list("name", "value"))


def bump(name: str) -> int:
    """Count a change and return the new value. Called in the transaction that makes the change.

    The row stays locked until that transaction ends, so writers of one resource that call
    this first follow one another, and no reader sees a new count before the change it counts.
    """
    if not _grow(name):
        _make(name)
        _grow(name)
    return Counter.objects.values_list("value", flat=True).get(pk=name)


def hold(name: str) -> None:
    """Lock a counter until the transaction ends, and count nothing.

    For whoever must read, before anybody else writes, to know whether there is a change.
    """
    row = Counter.objects.select_for_update().filter(pk=name)
    if row.first() is None:
        _make(name)
        row.get()


def _make(name: str) -> None:
    Counter.objects.bulk_create([Counter(pk=name)], ignore_conflicts=True)


def _grow(name: str) -> int:
    # Never a value that was used before, also after a backup was restored or the data folder
    # made anew: what a reader kept for an old value would pass for the new one's.
    now_us = Value(time.time_ns() // 1000, output_field=BigIntegerField())
    return Counter.objects.filter(pk=name).update(value=Greatest(F("value") + 1, now_us))
