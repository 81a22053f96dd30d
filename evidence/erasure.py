"""Erasure of values that leaves commit to; what else is proven stays so."""

from typing import Any

from django.db import transaction

from evidence.models import Hidden


def erase(text: str) -> int:
    """Erase every value that has a text in it, and return how many those were."""
    erased = 0
    with transaction.atomic():
        for row in Hidden.objects.order_by("pk").iterator(chunk_size=500):
            kept = {name: pair for name, pair in row.values.items() if not _has(pair[1], text)}
            if len(kept) < len(row.values):
                erased += len(row.values) - len(kept)
                Hidden.objects.filter(pk=row.pk).update(values=kept)
    return erased


def _has(value: Any, text: str) -> bool:
    if isinstance(value, dict):
        return any(_has(one, text) for pair in value.items() for one in pair)
    if isinstance(value, list):
        return any(_has(one, text) for one in value)
    return isinstance(value, str) and text in value
