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
from keeptrusts.api.printable import encode
from keeptrusts.api.views import View, moment, texts, whole, words, yes_or_no

_DEFAULT_LIMIT = 100
_MAX_LIMIT = 1000


def _nothing(_request: Request) -> queries.Part | None:
    return queries.Part(Q(pk__in=()), lambda _: None)


class Events(View):
    """List events, newest first.

    The route says which `part` a bearer sees, None for all; where it does not, nobody sees any.
    """

    part: Callable[[Request], queries.Part | None] = staticmethod(_nothing)

    query = {"GET": ("kind", "git_repo", "configuration", "since", "limit", "cursor")}
    actions = {"GET": "events.read"}
    narrowed = {"GET": "filtered"}

    def get(self, request: Request) -> Response:
        limit = whole(request, "limit", lowest=1, highest=_MAX_LIMIT) or _DEFAULT_LIMIT
        rows, following = queries.rows(
            kinds=words(request, "kind", known=Event.Kind.values),
            about=texts(request, ("git_repo", "configuration")),
            since=moment(request, "since"),
            cursor=request.query_params.get("cursor"),
            limit=limit,
            part=self.part(request),
        )
        return Response({"data": rows, "next_cursor": following})


class AuditLog(View):
    """List who changed what, newest first; with `?lines=true` as lines of JSON.

    As for events, the route says which `part` a bearer sees.
    """

    part: Callable[[Request], queries.Part | None] = staticmethod(_nothing)

    query = {"GET": ("action", "target", "actor_id", "since", "until", "limit", "cursor", "lines")}
    actions = {"GET": "audit.read"}
    narrowed = {"GET": "filtered"}

    def get(self, request: Request) -> Response | HttpResponse:
        limit = whole(request, "limit", lowest=1, highest=_MAX_LIMIT) or _DEFAULT_LIMIT
        rows, following = queries.audit_rows(
            actions=words(request, "action", known=tuple(ACTIONS)),
            about=texts(request, ("target", "actor_id")),
            since=moment(request, "since"),
            until=moment(request, "until"),
            cursor=request.query_params.get("cursor"),
            limit=limit,
            part=self.part(request),
        )
        if yes_or_no(request, "lines"):
            return _lines(rows, following)
        return Response({"data": rows, "next_cursor": following})


def _lines(rows: list[Any], following: str | None) -> HttpResponse:
    body = b"".join(encode(row) + b"\n" for row in rows)
    headers = {"Keeptrusts-Next-Cursor": following} if following else {}
    return HttpResponse(body, content_type="application/x-ndjson", headers=headers)
