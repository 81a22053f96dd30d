"""`/v1/events`."""

from rest_framework.request import Request
from rest_framework.response import Response

from events import queries
from events.models import Event
from keeptrusts.api.views import View, moment, texts, whole, words

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
