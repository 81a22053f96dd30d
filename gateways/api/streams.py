"""Requests that the process of event streams answers, and views for while it does not run."""

import re
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from access import roles
from access.sights import FILTERED
from gateways.api.machine import GatewayView
from keeptrusts.api.errors import UnavailableError
from keeptrusts.api.views import View

_ID = "/v1/gateways/[^/]+"
# `METHOD /path` of each request that it answers.
STREAMS = re.compile(
    f"GET {_ID}/(events|configuration|contents/[0-9a-f]{{64}})|POST {_ID}/(report|decisions)"
    "|(GET|HEAD) /v1/stream"
)


class ChangeFeed(View):
    """What changes, as it changes: a stream of server-sent events."""

    query = {"GET": ("resources",)}
    actions = {"GET": roles.ANY}
    narrowed = {"GET": FILTERED}

    def get(self, request: Request) -> Response:
        raise _unavailable()


class OfGateway(GatewayView):
    """Events of a gateway, and contents by their hash, for it alone."""

    def get(self, request: Request, **_: Any) -> Response:
        raise _unavailable()


def _unavailable() -> UnavailableError:
    return UnavailableError("The process of event streams")
