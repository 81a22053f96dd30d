"""Events and the audit log: what happened, and who changed what."""

from typing import Any

from console import paging, targets
from console.pages.base import Context, Page
from console.pages.exporting import MOST_ROWS, Export
from events.audit import ACTIONS
from events.models import Event

_ROWS = 100
_OF_EVENTS = ("kind", "git_repo", "configuration", "since", "until")
_OF_AUDIT = ("action", "target", "actor_id", "since", "until")


class Events(Page):
    """What somebody should know of, newest first."""

    template = "console/events.html"

    def read(self, **_: Any) -> Context:
        listed = paging.rows(
            self.api, "/v1/events", self.request.GET, known=_OF_EVENTS, limit=_ROWS
        )
        return {"list": listed, "kinds": Event.Kind.values, "most": MOST_ROWS}


class EventsFile(Export):
    """Events as a file."""

    listed = "/v1/events"
    known = _OF_EVENTS
    columns = ("created_at", "kind", "message", "configuration", "git_repo", "details", "id")


class Audit(Page):
    """Who changed what, newest first, with what it was before and after."""

    template = "console/audit.html"

    def read(self, **_: Any) -> Context:
        listed = paging.rows(
            self.api, "/v1/audit-log", self.request.GET, known=_OF_AUDIT, limit=_ROWS
        )
        rows = [
            {**row, "changed": _changed(row), "about": targets.target(row)} for row in listed.rows
        ]
        return {"list": listed, "rows": rows, "actions": ACTIONS, "most": MOST_ROWS}


class AuditFile(Export):
    """The audit log as a file."""

    listed = "/v1/audit-log"
    known = _OF_AUDIT
    columns = (
        "at", "actor.kind", "actor.name", "actor.id", "action", "target", "before", "after", "id",
    )  # fmt: skip


def _changed(row: Any) -> list[tuple[str, Any, Any]]:
    """The fields of an entry, each with its value before and after."""
    before, after = row["before"] or {}, row["after"] or {}
    return [(name, before.get(name), after.get(name)) for name in {**before, **after}]
