"""Reading endpoints and notifications: rows as plain dicts, what lists may be asked."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q

from keeptrusts.api import parameters
from keeptrusts.api.errors import NotFoundError
from keeptrusts.api.lists.filters import among, between
from keeptrusts.api.lists.listing import MOST_OF_LOG, PAGE_OF_LOG, Filter
from keeptrusts.api.lists.table import Table
from notifications.models import Endpoint, Notification

Row = Mapping[str, Any]

# Of an endpoint never its url, which is a secret of most chats, and never what signs.
OBSERVED = ("failing_since", "failures", "rests_until", "gone")
_ENDPOINT = (
    "id", "name", "form", "place", "recipients", "kinds", "git_repos", "labels", "enabled",
    "previous_until", *OBSERVED, "created_at",
)  # fmt: skip
_NOTIFICATION = (
    "id", "endpoint", "event", "kind", "git_repo", "configuration", "status", "attempts", "log",
    "next_attempt_at", "give_up_at", "created_at", "settled_at",
)  # fmt: skip
_OF_ENDPOINT = parameters.identifier(
    "endpoint", "Those to this notification endpoint.", of="a notification endpoint"
)


def endpoint(endpoint_id: UUID) -> Row:
    """One endpoint.

    Raises:
        NotFoundError: there is none with this id.
    """
    found: Row | None = Endpoint.objects.filter(pk=endpoint_id).values(*_ENDPOINT).first()
    if found is None:
        raise NotFoundError("notification endpoint with this id")
    return found


def notification(notification_id: UUID) -> Row:
    """One notification.

    Raises:
        NotFoundError: there is none with this id.
    """
    rows = Notification.objects.filter(id=notification_id).values(*_NOTIFICATION)
    found: Row | None = rows.first()
    if found is None:
        raise NotFoundError("notification with this id")
    return found


ENDPOINTS: Table[None] = Table(
    name="notification-endpoints",
    members=_ENDPOINT,
    rows=lambda _: Endpoint.objects.all(),
    values=lambda rows: rows.values(*_ENDPOINT),
    sorts={"name": "name", "created_at": "created_at"},
    sort="name",
    searched=("id", "name", "place"),
    filters=(among("form", "Those of these forms.", known=Endpoint.Form.values),),
)

# They are sorted by their numbers, which are in the order of their times.
NOTIFICATIONS: Table[None] = Table(
    name="notifications",
    members=_NOTIFICATION,
    rows=lambda _: Notification.objects.all(),
    values=lambda rows: rows.values(*_NOTIFICATION),
    sorts={"created_at": "pk"},
    sort="-created_at",
    page_size=PAGE_OF_LOG,
    most=MOST_OF_LOG,
    searched=("git_repo", "configuration"),
    filters=(
        Filter(_OF_ENDPOINT, lambda value, _: Q(endpoint=value)),
        among("status", "Those of these statuses.", known=Notification.Status.values),
        *between("created_at"),
    ),
)
