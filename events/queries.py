"""Reading events: rows as plain dicts, newest first."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from events.models import Event

Row = Mapping[str, Any]

_COLUMNS = ("id", "kind", "git_repo", "configuration", "message", "details", "created_at")


def rows(
    *,
    kinds: Sequence[str],
    about: Mapping[str, str],
    since: datetime | None,
    before: int | None,
    limit: int,
) -> list[Row]:
    """Events of the given kinds, newest first.

    `about` holds ids by column; only events with an id below `before` are listed.
    """
    events = Event.objects.filter(kind__in=kinds, **about).order_by("-pk")
    if since is not None:
        events = events.filter(created_at__gte=since)
    if before is not None:
        events = events.filter(pk__lt=before)
    return list(events.values(*_COLUMNS)[:limit])
