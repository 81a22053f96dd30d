"""Events as narrowed tokens see them."""

from typing import Any

from rest_framework.test import APIRequestFactory

from access.bearers import Bearer
from access.sights import Sight
from events.models import Event
from gateways.api import logs


def test_no_number_that_counts_what_is_hidden_is_told() -> None:
    """Neither the event's own nor that of the request that it speaks of."""
    request: Any = APIRequestFactory().get("/v1/events")
    request.user = Bearer("token", "t", "t", "auditor", Sight(("a-*",)))
    part = logs.events(request)
    assert part is not None
    details = {"request": 7, "actor": "ada"}
    row = {"id": 3, "kind": Event.Kind.CHANGE_REQUESTED, "details": details}

    shown = part.shown(row)

    assert shown == {"id": None, "kind": Event.Kind.CHANGE_REQUESTED, "details": {"actor": "ada"}}
    assert details == {"request": 7, "actor": "ada"}
