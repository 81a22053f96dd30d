"""`/v1/events` and `/v1/audit-log`."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from events import queries
from events.audit import ACTIONS
from events.models import Event
from keeptrusts.api.printable import encode
from keeptrusts.api.views import View, moment, texts, whole, words, yes_or_no

_DEFAULT_LIMIT = 100
_MAX_LIMIT = 1000
_MAX_ID = 999_999_999


class Events(View):
    """List events, newest first."""

    query = {"GET": ("kind", "git_repo", "configuration", "since", "limit", "cursor")}
    actions = {"GET": "events.read"}

    def get(self, request: Request) -> Response:
        limit = whole(request, "limit", lowest=1, highest=_MAX_LIMIT) or _DEFAULT_LIMIT
        events = queries.rows(
            kinds=words(request, "kind", known=Event.Kind.values),
            about=texts(request, ("git_repo", "configuration")),
            since=moment(request, "since"),
            before=whole(request, "cursor", lowest=1, highest=_MAX_ID),
            limit=limit + 1,
        )
        rows = events[:limit]
        return Response(
            {"data": rows, "next_cursor": str(rows[-1]["id"]) if len(events) > limit else None}
        )


class AuditLog(View):
    """List who changed what, newest first; with `?lines=true` as lines of JSON."""

    query = {"GET": ("action", "target", "actor_id", "since", "until", "limit", "cursor", "lines")}
    actions = {"GET": "audit.read"}

    def get(self, request: Request) -> Response | HttpResponse:
        limit = whole(request, "limit", lowest=1, highest=_MAX_LIMIT) or _DEFAULT_LIMIT
        found = queries.audit_rows(
            actions=words(request, "action", known=tuple(ACTIONS)),
            about=texts(request, ("target", "actor_id")),
            since=moment(request, "since"),
            until=moment(request, "until"),
            before=whole(request, "cursor", lowest=1, highest=_MAX_ID),
            limit=limit + 1,
        )
        rows = found[:limit]
        following = str(rows[-1]["id"]) if len(found) > limit else None
        if yes_or_no(request, "lines"):
            return _lines(rows, following)
        return Response({"data": rows, "next_cursor": following})


def _lines(rows: list[Any], following: str | None) -> HttpResponse:
    body = b"".join(encode(row) + b"\n" for row in rows)
    headers = {"Keeptrusts-Next-Cursor": following} if following else {}
    return HttpResponse(body, content_type="application/x-ndjson", headers=headers)
