"""Reading events and the audit log: rows as plain dicts, newest first."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from events.models import AuditEntry, Event

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


def audit_rows(
    *,
    actions: Sequence[str],
    about: Mapping[str, str],
    since: datetime | None,
    until: datetime | None,
    before: int | None,
    limit: int,
) -> list[Row]:
    """Entries of the audit log, newest first.

    `about` holds values by column. `since` is included, `until` is not; only entries with an id
    below `before` are listed.
    """
    entries = AuditEntry.objects.filter(action__in=actions, **about).order_by("-pk")
    if since is not None:
        entries = entries.filter(at__gte=since)
    if until is not None:
        entries = entries.filter(at__lt=until)
    if before is not None:
        entries = entries.filter(pk__lt=before)
    return [
        {
            "id": row.pk,
            "at": row.at,
            "actor": {"kind": row.actor_kind, "id": row.actor_id, "name": row.actor_name},
            "action": row.action,
            "target": row.target,
            "before": row.before,
            "after": row.after,
        }
        for row in entries[:limit]
    ]
