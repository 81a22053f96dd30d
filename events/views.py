"""`/v1/events`."""

from datetime import datetime

from django.utils.dateparse import parse_datetime
from rest_framework.request import Request
from rest_framework.response import Response

from events import queries
from events.models import Event
from keeptrusts.errors import FieldError
from keeptrusts.views import View, whole, words

_DEFAULT_LIMIT = 100
_MAX_LIMIT = 1000
_MAX_ID = 999_999_999


class Events(View):
    """What happened that somebody should know of, newest first."""

    query = {"GET": ("kind", "git_repo", "configuration", "since", "limit", "cursor")}

    def get(self, request: Request) -> Response:
        limit = whole(request, "limit", lowest=1, highest=_MAX_LIMIT) or _DEFAULT_LIMIT
        found = queries.rows(
            kinds=words(request, "kind", known=Event.Kind.values),
            about=_about(request),
            since=_since(request),
            before=whole(request, "cursor", lowest=1, highest=_MAX_ID),
            limit=limit + 1,
        )
        rows = found[:limit]
        return Response(
            {"data": rows, "next_cursor": str(rows[-1]["id"]) if len(found) > limit else None}
        )


def _about(request: Request) -> dict[str, str]:
    """The ids that events must be about, without NUL, which PostgreSQL does not take."""
    asked = {
        name: request.query_params[name]
        for name in ("git_repo", "configuration")
        if name in request.query_params
    }
    for name, value in asked.items():
        if not value or not value.isprintable():
            raise FieldError(name, "must be an id")
    return asked


def _since(request: Request) -> datetime | None:
    text = request.query_params.get("since")
    if text is None:
        return None
    try:
        moment = parse_datetime(text)
    except ValueError:  # Well formed, and no date: the 31st of February.
        moment = None
    if moment is None or moment.tzinfo is None:
        raise FieldError("since", "must be a time with its zone, such as 2026-01-31T12:00:00Z")
    return moment
