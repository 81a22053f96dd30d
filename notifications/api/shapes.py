"""Shapes of answers about notification endpoints and notifications."""

from typing import Annotated

from events.models import Event
from keeptrusts.api.shapes import (
    MISSING,
    Count,
    Labels,
    Missing,
    Positive,
    Shape,
    Time,
    about,
    one_of,
)
from notifications.forms.told import TEST
from notifications.models import Endpoint, Notification


class NotificationEndpointShape(Shape):
    """Where events are sent; never with its url or secret."""

    id: str
    name: str
    form: Annotated[str, one_of(Endpoint.Form.values)]
    place: Annotated[str, about("Host and port of its url; empty for mail.")]
    recipients: list[str]
    kinds: Annotated[list[str], about("Empty: all.")]
    git_repos: Annotated[list[str], about("Empty: all.")]
    labels: Labels
    enabled: bool
    previous_until: Annotated[Time, about("Until then the secret before signs, too.")] | None
    failing_since: Annotated[Time, about("Of the first failure since it took something.")] | None
    failures: Annotated[Count, about("Attempts that failed since it took something.")]
    rests_until: Annotated[Time, about("Nothing is sent before, since it is away.")] | None
    gone: Annotated[bool, about("It answered 410, and was disabled for it.")]
    created_at: Time


class MadeNotificationEndpointShape(NotificationEndpointShape):
    """An endpoint with its secret, which is shown here and never again."""

    secret: Annotated[str, about("Of the form webhook alone.")] | Missing = MISSING


class AttemptShape(Shape):
    """An attempt to send a notification."""

    at: Time
    seconds: float
    status: Annotated[int, about("Of HTTP, or the code of SMTP.")] | None
    error: Annotated[str, about("A code, empty where it was taken.")]
    answer: Annotated[str, about("The first characters of what was answered.")]


class NotificationShape(Shape):
    """An event as it is sent to one endpoint."""

    id: Annotated[str, about("The `webhook-id`, the same at each attempt.")]
    endpoint: str
    event: Annotated[Positive, about("The event's id; null for a test.")] | None
    kind: Annotated[str, one_of((*Event.Kind.values, TEST))]
    git_repo: str
    configuration: str
    status: Annotated[str, one_of(Notification.Status.values)]
    attempts: Count
    log: Annotated[list[AttemptShape], about("The last attempts, the newest last.")]
    next_attempt_at: (
        Annotated[Time, about("Null while it waits for an earlier one of its subject.")] | None
    )
    give_up_at: Time
    created_at: Time
    settled_at: Time | None


class ReplayedShape(Shape):
    """What is sent again."""

    count: Count
