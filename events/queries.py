"""Reading events and the audit log: rows as plain dicts, newest first."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from events.audit import ACTIONS
from events.models import AuditEntry, Event
from keeptrusts.api.lists.filters import among, between, equal
from keeptrusts.api.lists.listing import MOST_OF_LOG, PAGE_OF_LOG
from keeptrusts.api.lists.table import Table

Row = Mapping[str, Any]

_EVENT = ("id", "kind", "git_repo", "configuration", "message", "details", "created_at")
_ENTRY = ("id", "at", "actor", "action", "target", "before", "after", "trace_id")
_STORED = (
    "id", "at", "actor_kind", "actor_id", "actor_name", "action", "target", "before", "after",
    "trace_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a log that a reader sees: rows, and how each is shown; None leaves it out."""

    where: Q
    shown: Callable[[Row], Row | None]


def _where(part: Part | None) -> Q:
    return Q() if part is None else part.where


def _shown(rows: Sequence[Row], part: Part | None) -> Iterable[Row | None]:
    return rows if part is None else map(part.shown, rows)


def _entries(rows: Sequence[Row], part: Part | None) -> Iterable[Row | None]:
    return _shown([_entry(row) for row in rows], part)


def _entry(row: Row) -> Row:
    actor = {name: row[f"actor_{name}"] for name in ("kind", "id", "name")}
    return {name: actor if name == "actor" else row[name] for name in _ENTRY}


# They are sorted by their numbers, which are in the order of their times.
EVENTS: Table[Part | None] = Table(
    name="events",
    members=_EVENT,
    rows=lambda part: Event.objects.filter(_where(part)),
    values=lambda rows: rows.values(*_EVENT),
    shown=_shown,
    sorts={"created_at": "pk"},
    sort="-created_at",
    page_size=PAGE_OF_LOG,
    most=MOST_OF_LOG,
    searched=("git_repo", "configuration"),
    filters=(
        among("kind", "Events of these kinds.", known=Event.Kind.values),
        equal("git_repo", "Events about this link."),
        equal("configuration", "Events about this configuration."),
        *between("created_at"),
    ),
)

ENTRIES: Table[Part | None] = Table(
    name="audit-log",
    members=_ENTRY,
    rows=lambda part: AuditEntry.objects.filter(_where(part)),
    values=lambda rows: rows.values(*_STORED),
    shown=_entries,
    drops=lambda part: part is not None,
    sorts={"at": "pk"},
    sort="-at",
    page_size=PAGE_OF_LOG,
    most=MOST_OF_LOG,
    searched=("target", "actor_id", "actor_name"),
    filters=(
        among("action", "Entries of these actions.", known=tuple(ACTIONS)),
        equal("target", "Entries about what has this id."),
        equal("actor_id", "Entries of what this actor did."),
        *between("at"),
    ),
)
