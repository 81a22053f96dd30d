"""Operations of notification endpoints and notifications, as the API's document tells them."""

from keeptrusts.api.fields import Input
from keeptrusts.api.operations import Operation
from notifications.api.serializers import (
    EndpointEdit,
    EndpointInput,
    NotificationReplay,
    SecretRotation,
)
from notifications.api.shapes import (
    MadeNotificationEndpointShape,
    NotificationEndpointShape,
    NotificationShape,
    ReplayedShape,
)

_DISABLED = "409 endpoint_disabled"

LIST_ENDPOINTS = Operation(
    "listNotificationEndpoints",
    "Lists notification endpoints, never with their urls and secrets.",
    data=list[NotificationEndpointShape],
    errors=("404 not_found",),
)
CREATE_ENDPOINT = Operation(
    "createNotificationEndpoint",
    "Makes a notification endpoint. Its secret is shown in this answer and never again.",
    body=EndpointInput,
    example={
        "name": "on call",
        "url": "https://hooks.example.com/keeptrusts",
        "kinds": ["failed", "recovered", "quarantined"],
    },
    data=MadeNotificationEndpointShape,
    status=(201,),
    errors=("409 name_taken", "409 too_many_endpoints"),
)
GET_ENDPOINT = Operation(
    "getNotificationEndpoint",
    "Shows a notification endpoint.",
    data=NotificationEndpointShape,
    headers=("ETag",),
)
EDIT_ENDPOINT = Operation(
    "editNotificationEndpoint",
    "Changes a notification endpoint; its form stays.",
    body=EndpointEdit,
    example={"kinds": []},
    data=NotificationEndpointShape,
    errors=("409 name_taken",),
)
DELETE_ENDPOINT = Operation(
    "deleteNotificationEndpoint",
    "Deletes a notification endpoint, with what waits for it and its log.",
    status=(204,),
)
ROTATE_SECRET = Operation(
    "rotateNotificationSecret",
    "Gives an endpoint a new secret, while the one before signs as well for a time.",
    body=SecretRotation,
    example={"overlap_seconds": 3600},
    data=MadeNotificationEndpointShape,
    errors=("409 unsigned_form",),
    headers=("Location",),
)
TEST_ENDPOINT = Operation(
    "testNotificationEndpoint",
    "Sends a test, once; what comes of it is in the notification that this answers.",
    body=Input,
    data=NotificationShape,
    status=(202,),
    errors=(_DISABLED,),
)
REPLAY = Operation(
    "replayNotifications",
    "Sends again what was given up, in its order.",
    body=NotificationReplay,
    example={"since": "2026-01-31T12:00:00Z"},
    data=ReplayedShape,
    errors=(_DISABLED,),
)
LIST_NOTIFICATIONS = Operation(
    "listNotifications",
    "Lists what was sent and waits to be sent, newest first.",
    data=list[NotificationShape],
    errors=("404 not_found",),
)
GET_NOTIFICATION = Operation(
    "getNotification", "Shows a notification.", data=NotificationShape, cached=True
)
REPLAY_NOTIFICATION = Operation(
    "replayNotification",
    "Sends a notification again, under its id.",
    body=Input,
    data=NotificationShape,
    errors=(_DISABLED,),
)
