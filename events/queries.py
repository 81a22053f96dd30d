"""Reading events and the audit log: rows as plain dicts, newest first."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from events.models import AuditEntry, Event
from keeptrusts.api.cursors import Walk, page
from keeptrusts.api.errors import FieldError

Row = Mapping[str, Any]
Page = tuple[list[Row], str | None]

_MAX_ID = 999_999_999

_COLUMNS = ("id", "kind", "git_repo", "configuration", "message", "details", "created_at")


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a log that a reader sees: rows, and how each is shown; None leaves it out."""

    where: Q
    shown: Callable[[Row], Row | None]


def rows(
    *,
    kinds: Sequence[str],
    about: Mapping[str, str],
    since: datetime | None,
    cursor: str | None,
    limit: int,
    part: Part | None,
) -> Page:
    """Events of the given kinds, newest first, and the cursor of the next page.

    `about` holds ids by column. Without a `part` a cursor is the last row's number.

    Raises:
        FieldError: the cursor is none that an answer had.
    """
    events = Event.objects.filter(kind__in=kinds, **about)
    if since is not None:
        events = events.filter(created_at__gte=since)
    if part is None:
        return _numbered(events.values(*_COLUMNS), cursor, limit)
    walk = Walk(cursor)
    found = events.filter(part.where).order_by("-created_at", "-pk")
    if walk.begun is not None:
        found = found.filter(created_at__lte=walk.begun)
    return _walked(map(part.shown, found.values(*_COLUMNS).iterator()), walk, "created_at", limit)


def audit_rows(
    *,
    actions: Sequence[str],
    about: Mapping[str, str],
    since: datetime | None,
    until: datetime | None,
    cursor: str | None,
    limit: int,
    part: Part | None,
) -> Page:
    """Entries of the audit log, newest first, and the cursor of the next page; as `rows`.

    `about` holds values by column. `since` is included, `until` is not.
    """
    entries = AuditEntry.objects.filter(action__in=actions, **about)
    if since is not None:
        entries = entries.filter(at__gte=since)
    if until is not None:
        entries = entries.filter(at__lt=until)
    if part is None:
        found, following = _numbered(entries.values(), cursor, limit)
        return [_entry(row) for row in found], following
    walk = Walk(cursor)
    visible = entries.filter(part.where).order_by("-at", "-pk")
    if walk.begun is not None:
        visible = visible.filter(at__lte=walk.begun)
    shown = (part.shown(_entry(row)) for row in visible.values().iterator())
    return _walked(shown, walk, "at", limit)


def _numbered(rows: QuerySet[Any, Any], cursor: str | None, limit: int) -> Page:
    if cursor is not None:
        if not re.fullmatch("[0-9]{1,9}", cursor) or not int(cursor):
            raise FieldError("cursor", f"must be a whole number from 1 to {_MAX_ID}")
        rows = rows.filter(pk__lt=int(cursor))
    found = list(rows.order_by("-pk")[: limit + 1])
    listed = found[:limit]
    return listed, str(listed[-1]["id"]) if len(found) > limit else None


def _walked(rows: Iterable[Row | None], walk: Walk, column: str, limit: int) -> Page:
    visible = (row for row in rows if row is not None)
    return page(visible, walk, moment=lambda row: row[column], limit=limit)


def _entry(row: Row) -> Row:
    return {
        "id": row["id"],
        "at": row["at"],
        "actor": {"kind": row["actor_kind"], "id": row["actor_id"], "name": row["actor_name"]},
        "action": row["action"],
        "target": row["target"],
        "before": row["before"],
        "after": row["after"],
    }
