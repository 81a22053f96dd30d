"""Requests that the process of streams answers, and gateways' views for while it does not run."""

import re
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from gateways.api import operations
from gateways.api.machine import GatewayView
from keeptrusts.api.errors import UnavailableError

_ID = "/v1/gateways/[^/]+"
# `METHOD /path` of each request that it answers.
STREAMS = re.compile(
    f"GET {_ID}/(events|configuration|contents/[0-9a-f]{{64}})|POST {_ID}/(report|decisions)"
    "|(GET|HEAD) /v1/stream"
)


class OfGateway(GatewayView):
    """Events of a gateway, and contents by their hash, for it alone."""

    def get(self, request: Request, **_: Any) -> Response:
        raise unavailable()


class GatewayEvents(OfGateway):
    """What a gateway is to enforce, as it changes."""

    described = {"GET": operations.HOLD_STREAM}


class GatewayContent(OfGateway):
    """Bytes of what a gateway is to have, by their hash."""

    described = {"GET": operations.PULL_BYTES}


def unavailable() -> UnavailableError:
    """The error of what nobody else answers."""
    return UnavailableError("The process of event streams")
