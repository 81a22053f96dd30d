"""`/v1/events` and `/v1/audit-log`."""

from collections.abc import Callable

from django.db.models import Q
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from events import operations, queries
from keeptrusts.api.lists.answers import answered
from keeptrusts.api.lists.listing import Page
from keeptrusts.api.parameters import flag
from keeptrusts.api.printable import encode
from keeptrusts.api.views import View

_LINES = flag("lines", "Each entry as a line of JSON.", default=False)


def _nothing(_request: Request) -> queries.Part | None:
    return queries.Part(Q(pk__in=()), lambda _: None)


class Events(View):
    """List events, newest first.

    The route says which `part` a bearer sees, None for all; where it does not, nobody sees any.
    """

    part: Callable[[Request], queries.Part | None] = staticmethod(_nothing)

    query = {"GET": queries.EVENTS.parameters}
    actions = {"GET": "events.read"}
    narrowed = {"GET": "filtered"}
    described = {"GET": operations.LIST_EVENTS}

    def get(self, request: Request) -> Response:
        return answered(request, queries.EVENTS, self.part(request))


class AuditLog(View):
    """List who changed what, newest first; with `?lines=true` as lines of JSON.

    As for events, the route says which `part` a bearer sees.
    """

    part: Callable[[Request], queries.Part | None] = staticmethod(_nothing)

    query = {"GET": (*queries.ENTRIES.parameters, _LINES)}
    actions = {"GET": "audit.read"}
    narrowed = {"GET": "filtered"}
    described = {"GET": operations.LIST_AUDIT_ENTRIES}

    def get(self, request: Request) -> Response | HttpResponse:
        asked, part = self.asked(request), self.part(request)
        if not asked[_LINES]:
            return answered(request, queries.ENTRIES, part)
        return _lines(queries.ENTRIES.page(queries.ENTRIES.selection(asked), part))


def _lines(page: Page) -> HttpResponse:
    body = b"".join(encode(row) + b"\n" for row in page.rows)
    headers = {"Keeptrusts-Next-Cursor": page.following} if page.following else {}
    return HttpResponse(body, content_type="application/x-ndjson", headers=headers)
