"""The view of the feed, for while the process of event streams does not run."""

from rest_framework.request import Request
from rest_framework.response import Response

from access import roles
from access.sights import FILTERED
from gateways.api.streams import unavailable
from gateways.feed.resources import ASKED
from keeptrusts.api.operations import Operation
from keeptrusts.api.views import View


class ChangeFeed(View):
    """What changes, as it changes: a stream of server-sent events."""

    query = {"GET": (ASKED,)}
    actions = {"GET": roles.ANY}
    narrowed = {"GET": FILTERED}
    described = {
        "GET": Operation(
            "followChanges",
            "What changes, events and how far syncs are, as server-sent events.",
            data=str,
            media=("text/event-stream",),
            errors=("403 permission_denied",),
            note="`Last-Event-ID` goes on behind an event; `reset` says to read anew.",
        )
    }

    def get(self, request: Request) -> Response:
        raise unavailable()
