"""Events and the audit log: what happened, and who changed what."""

from typing import Any

from console import paging
from console.pages.base import Context, Page
from events.audit import ACTIONS
from events.models import Event

_ROWS = 100


class Events(Page):
    """What somebody should know of, newest first."""

    template = "console/events.html"

    def read(self, **_: Any) -> Context:
        known = ("kind", "git_repo", "configuration", "since", "until")
        listed = paging.rows(self.api, "/v1/events", self.request.GET, known=known, limit=_ROWS)
        return {"list": listed, "kinds": Event.Kind.values}


class Audit(Page):
    """Who changed what, newest first, with what it was before and after."""

    template = "console/audit.html"

    def read(self, **_: Any) -> Context:
        known = ("action", "target", "actor_id", "since", "until")
        listed = paging.rows(self.api, "/v1/audit-log", self.request.GET, known=known, limit=_ROWS)
        rows = [{**row, "changed": _changed(row)} for row in listed.rows]
        return {"list": listed, "rows": rows, "actions": ACTIONS}


def _changed(row: Any) -> list[tuple[str, Any, Any]]:
    """The fields of an entry, each with its value before and after."""
    before, after = row["before"] or {}, row["after"] or {}
    return [(name, before.get(name), after.get(name)) for name in {**before, **after}]
