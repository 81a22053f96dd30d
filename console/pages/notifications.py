"""Notifications: who hears of events, and what was sent."""

from typing import Any, ClassVar

from console import paging
from console.pages.base import Act, Context, Page
from notifications.models import Endpoint, Notification

_ENDPOINT = "/v1/notification-endpoints/{endpoint_id}"
_KNOWN = ("endpoint", "status")
_FORMS = [form for form in Endpoint.Form.values if form != Endpoint.Form.MAIL]


class Notifications(Page):
    """Endpoints, each made, tried, disabled and deleted here; and the log of what was sent."""

    template = "console/notifications.html"
    under = "/events"
    acts: ClassVar = {
        "create": Act(
            "POST", "/v1/notification-endpoints", "The endpoint is made.",
            {"name": str, "form": str, "url": str}, shows=True,
        ),
        "try": Act(
            "POST", f"{_ENDPOINT}/test", "A test is on its way: it is the first row of the log."
        ),
        "disable": Act(
            "PATCH", _ENDPOINT, "Nothing is sent there any more.",
            builds=lambda _: {"enabled": False},
        ),
        "enable": Act(
            "PATCH", _ENDPOINT, "It is sent there again.", builds=lambda _: {"enabled": True},
        ),
        "delete": Act("DELETE", _ENDPOINT, "The endpoint is deleted, with its log."),
        "replay": Act(
            "POST", "/v1/notifications/{notification_id}/replay", "It is sent again, under its id."
        ),
    }  # fmt: skip

    def read(self, **_: Any) -> Context:
        endpoints = self.api.get("/v1/notification-endpoints")
        listed = paging.rows(self.api, "/v1/notifications", self.request.GET, known=_KNOWN)
        names = {row["id"]: row["name"] for row in endpoints}
        return {
            "endpoints": endpoints,
            "forms": _FORMS,
            "statuses": Notification.Status.values,
            "list": listed,
            "rows": [{**row, "to": names.get(row["endpoint"], "")} for row in listed.rows],
        }
