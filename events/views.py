"""`/v1/events` and `/v1/audit-log`."""

from collections.abc import Callable
from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from events import queries
from events.audit import ACTIONS
from events.models import Event
from keeptrusts.api.parameters import flag, moment, opaque, text, whole, words
from keeptrusts.api.printable import encode
from keeptrusts.api.views import View

_KIND = words("kind", "Events of these kinds.", known=Event.Kind.values, default=Event.Kind.values)
_ACTION = words("action", "Entries of these actions.", known=(*ACTIONS,), default=(*ACTIONS,))
_OF_EVENTS = (
    text("git_repo", "Events about this link."),
    text("configuration", "Events about this configuration."),
)
_OF_ENTRIES = (
    text("target", "Entries about what has this id."),
    text("actor_id", "Entries of what this actor did."),
)
_SINCE = moment("since", "From this time on, which is included.")
_UNTIL = moment("until", "Before this time, which is not included.")
_LIMIT = whole("limit", "At most so many.", lowest=1, highest=1000, default=100)
_CURSOR = opaque("cursor", "The `next_cursor` of the page before.")
_LINES = flag("lines", "Each entry as a line of JSON.", default=False)


def _nothing(_request: Request) -> queries.Part | None:
    return queries.Part(Q(pk__in=()), lambda _: None)


class Events(View):
    """List events, newest first.

    The route says which `part` a bearer sees, None for all; where it does not, nobody sees any.
    """

    part: Callable[[Request], queries.Part | None] = staticmethod(_nothing)

    query = {"GET": (_KIND, *_OF_EVENTS, _SINCE, _LIMIT, _CURSOR)}
    actions = {"GET": "events.read"}
    narrowed = {"GET": "filtered"}

    def get(self, request: Request) -> Response:
        asked = self.asked(request)
        rows, following = queries.rows(
            kinds=asked[_KIND],
            about=asked.given(_OF_EVENTS),
            since=asked[_SINCE],
            cursor=asked[_CURSOR] or None,
            limit=asked[_LIMIT],
            part=self.part(request),
        )
        return Response({"data": rows, "next_cursor": following})


class AuditLog(View):
    """List who changed what, newest first; with `?lines=true` as lines of JSON.

    As for events, the route says which `part` a bearer sees.
    """

    part: Callable[[Request], queries.Part | None] = staticmethod(_nothing)

    query = {"GET": (_ACTION, *_OF_ENTRIES, _SINCE, _UNTIL, _LIMIT, _CURSOR, _LINES)}
    actions = {"GET": "audit.read"}
    narrowed = {"GET": "filtered"}

    def get(self, request: Request) -> Response | HttpResponse:
        asked = self.asked(request)
        rows, following = queries.audit_rows(
            actions=asked[_ACTION],
            about=asked.given(_OF_ENTRIES),
            since=asked[_SINCE],
            until=asked[_UNTIL],
            cursor=asked[_CURSOR] or None,
            limit=asked[_LIMIT],
            part=self.part(request),
        )
        if asked[_LINES]:
            return _lines(rows, following)
        return Response({"data": rows, "next_cursor": following})


def _lines(rows: list[Any], following: str | None) -> HttpResponse:
    body = b"".join(encode(row) + b"\n" for row in rows)
    headers = {"Keeptrusts-Next-Cursor": following} if following else {}
    return HttpResponse(body, content_type="application/x-ndjson", headers=headers)
