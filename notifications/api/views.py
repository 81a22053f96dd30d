"""`/v1/notification-endpoints` and `/v1/notifications`."""

from datetime import timedelta
from functools import partial
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from keeptrusts.api.errors import FieldError
from keeptrusts.api.fields import Input, valid
from keeptrusts.api.lists.answers import answered
from keeptrusts.api.views import View
from keeptrusts.api.writes.resources import Resource, Write, counted_by
from keeptrusts.api.writes.writing import written
from notifications.api import operations, queries
from notifications.api.serializers import (
    EndpointEdit,
    EndpointInput,
    NotificationReplay,
    SecretRotation,
)
from notifications.endpoints import registry
from notifications.models import Endpoint
from notifications.queue import replays

_MANAGE = "notifications.manage"


def _endpoint(_request: Request, endpoint_id: UUID) -> queries.Row:
    return queries.endpoint(endpoint_id)


def _notification(_request: Request, notification_id: UUID) -> queries.Row:
    return queries.notification(notification_id)


ENDPOINT = Resource(
    "/v1/notification-endpoints/{}",
    _MANAGE,
    _endpoint,
    counted_by(Endpoint.COUNTER),
    volatile=frozenset(queries.OBSERVED),
)
NOTIFICATION = Resource("/v1/notifications/{}", _MANAGE, _notification, replays.hold)


class Endpoints(View):
    """List and make notification endpoints."""

    query = {"GET": queries.ENDPOINTS.parameters}
    actions = dict.fromkeys(("GET", "POST"), _MANAGE)
    shows_secret = ("POST",)
    described = {"GET": operations.LIST_ENDPOINTS, "POST": operations.CREATE_ENDPOINT}

    def get(self, request: Request) -> Response:
        return answered(request, queries.ENDPOINTS, None)

    @written()
    def post(self, request: Request) -> Write:
        fields = valid(EndpointInput, request.data)

        def create() -> Response:
            row, secret = registry.create(fields)
            also = {"secret": secret} if secret else {}
            return ENDPOINT.shown(request, row.pk, status=201, also=also)

        return create


class OneEndpoint(View):
    """Show, edit or delete a notification endpoint."""

    actions = dict.fromkeys(("GET", "PATCH", "DELETE"), _MANAGE)
    described = {
        "GET": operations.GET_ENDPOINT,
        "PATCH": operations.EDIT_ENDPOINT,
        "DELETE": operations.DELETE_ENDPOINT,
    }

    def get(self, request: Request, endpoint_id: UUID) -> Response:
        return ENDPOINT.get(request, endpoint_id)

    @written(ENDPOINT)
    def patch(self, request: Request, endpoint_id: UUID) -> Write:
        fields = valid(EndpointEdit, request.data)
        if not fields:
            raise FieldError("body", "must have at least one field to change")
        return ENDPOINT.showing(request, endpoint_id, partial(registry.edit, endpoint_id, fields))

    @written(ENDPOINT)
    def delete(self, request: Request, endpoint_id: UUID) -> Write:
        def delete() -> Response:
            registry.delete(endpoint_id)
            return Response(status=204)

        return delete


class RotateSecret(View):
    """Give an endpoint a new secret, while the one before signs as well for a time."""

    actions = {"POST": _MANAGE}
    shows_secret = ("POST",)
    described = {"POST": operations.ROTATE_SECRET}

    @written(ENDPOINT)
    def post(self, request: Request, endpoint_id: UUID) -> Write:
        overlap = timedelta(seconds=valid(SecretRotation, request.data)["overlap_seconds"])

        def rotate() -> Response:
            secret = registry.rotate(endpoint_id, overlap=overlap)
            return ENDPOINT.shown(request, endpoint_id, also={"secret": secret}, is_located=True)

        return rotate


class TestEndpoint(View):
    """Send a test."""

    actions = {"POST": _MANAGE}
    described = {"POST": operations.TEST_ENDPOINT}

    @written()
    def post(self, request: Request, endpoint_id: UUID) -> Write:
        valid(Input, request.data)

        def test() -> Response:
            row = replays.test(endpoint_id)
            return Response({"data": queries.notification(row.id)}, status=202)

        return test


class ReplayEndpoint(View):
    """Send again what was given up."""

    actions = {"POST": _MANAGE}
    described = {"POST": operations.REPLAY}

    @written()
    def post(self, request: Request, endpoint_id: UUID) -> Write:
        since = valid(NotificationReplay, request.data)["since"]

        def replay() -> Response:
            return Response({"data": {"count": replays.again_since(endpoint_id, since)}})

        return replay


class Notifications(View):
    """List what was sent and waits to be sent, newest first."""

    query = {"GET": queries.NOTIFICATIONS.parameters}
    actions = {"GET": _MANAGE}
    described = {"GET": operations.LIST_NOTIFICATIONS}

    def get(self, request: Request) -> Response:
        return answered(request, queries.NOTIFICATIONS, None)


class OneNotification(View):
    """Show a notification."""

    actions = {"GET": _MANAGE}
    described = {"GET": operations.GET_NOTIFICATION}

    def get(self, request: Request, notification_id: UUID) -> Response:
        return NOTIFICATION.get(request, notification_id)


class ReplayNotification(View):
    """Send a notification again."""

    actions = {"POST": _MANAGE}
    described = {"POST": operations.REPLAY_NOTIFICATION}

    @written(NOTIFICATION)
    def post(self, request: Request, notification_id: UUID) -> Write:
        valid(Input, request.data)
        replay = partial(replays.again, notification_id)
        return NOTIFICATION.showing(request, notification_id, replay)
