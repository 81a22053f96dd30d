"""The rollout of a configuration's current version to the gateways bound to it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import F

from configurations.models import Version
from gateways.models import Gateway, State
from keeptrusts.api.errors import NotFoundError


def show(configuration_id: str) -> dict[str, Any]:
    """Times of a rollout, from the commit to the last gateway, and the seconds between them.

    A step that has not happened is null. Gateways that were bound after the version was published
    are counted as bound and enforcing, but not in the times.

    Raises:
        NotFoundError: there is no such configuration.
    """
    version = (
        Version.objects.filter(configuration=configuration_id, number=F("configuration__version"))
        .defer("content")
        .first()
    )
    if version is None:
        raise NotFoundError(f"configuration {configuration_id!r}")
    bound = Gateway.objects.filter(deleted_at=None, bound=configuration_id)
    enforcing = State.objects.filter(gateway__in=bound, running_hash=version.content_hash)
    waiting = bound.filter(bound_at__lte=version.created_at)
    arrived = enforcing.filter(gateway__in=waiting, enforced_at__gte=version.created_at)
    moments = {
        "committed_at": version.committed_at,
        "polled_at": version.polled_at,
        "published_at": version.created_at,
        **_arrivals(sorted(arrived.values_list("enforced_at", flat=True)), waiting.count()),
    }
    return {
        "configuration": configuration_id,
        "version": version.number,
        "content_hash": version.content_hash,
        "commit": version.commit or None,
        "gateways": bound.count(),
        "enforcing": enforcing.count(),
        **moments,
        "seconds": _seconds(moments),
    }


def _arrivals(times: Sequence[Any], expected: int) -> dict[str, datetime | None]:
    """The first, half and last of `times`, which are sorted; half of five gateways are three."""
    half = (expected + 1) // 2
    return {
        "first_enforced_at": times[0] if times else None,
        "half_enforced_at": times[half - 1] if times and len(times) >= half else None,
        "all_enforced_at": times[-1] if times and len(times) >= expected else None,
    }


def _seconds(moments: dict[str, datetime | None]) -> dict[str, float | None]:
    steps = (
        ("commit_to_poll", "committed_at", "polled_at"),
        ("poll_to_publish", "polled_at", "published_at"),
        ("publish_to_first", "published_at", "first_enforced_at"),
        ("publish_to_half", "published_at", "half_enforced_at"),
        ("publish_to_all", "published_at", "all_enforced_at"),
    )
    return {name: _between(moments[begin], moments[end]) for name, begin, end in steps}


def _between(begin: datetime | None, end: datetime | None) -> float | None:
    return None if begin is None or end is None else (end - begin).total_seconds()
