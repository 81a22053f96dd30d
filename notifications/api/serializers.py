"""Serializers of notification endpoints: bodies that make and change them."""

import re
from typing import Any

from rest_framework import serializers

from events.models import Event
from keeptrusts.api.fields import Choice, Flag, Input, Labels, Line, Text, Whole
from notifications.models import Endpoint

_MOST = 50
_LONGEST_OVERLAP_SECONDS = 7 * 86_400
# The usual form alone: what has dots elsewhere is no address, and cannot be put into a header.
_ATOM = "[A-Za-z0-9_%+'-]+"
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})*")


class Recipient(Text):
    """An address of mail."""

    json_schema = {"pattern": f"^{_ADDRESS.pattern}$"}

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if not _ADDRESS.fullmatch(value):
            raise serializers.ValidationError("must be an address such as ada@example.com")
        return value


class LinkId(serializers.UUIDField):
    """The id of a link."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):  # Of a number DRF makes an id, too.
            self.fail("invalid", value=data)
        return str(super().to_internal_value(data))


class EndpointEdit(Input):
    """`PATCH /v1/notification-endpoints/{id}`."""

    json_schema = {"minProperties": 1}

    name = Line(max_length=200, required=False)
    url = Text(
        max_length=2000,
        required=False,
        help_text="Where it is sent, for all forms but mail; never shown again.",
    )
    recipients = serializers.ListField(
        child=Recipient(max_length=254),
        max_length=_MOST,
        required=False,
        help_text="Addresses, for the form mail.",
    )
    kinds = serializers.ListField(
        child=Choice(Event.Kind.values),
        max_length=len(Event.Kind.values),
        required=False,
        help_text="Kinds of events that it hears of; empty: of all.",
    )
    git_repos = serializers.ListField(
        child=LinkId(),
        max_length=_MOST,
        required=False,
        help_text="Ids of links that it hears of; empty: of all, and of what has no link.",
    )
    labels = Labels(
        required=False,
        help_text="It hears of configurations that have all of these, and of links that feed one.",
    )
    enabled = Flag(required=False)


class EndpointInput(EndpointEdit):
    """`POST /v1/notification-endpoints`."""

    json_schema = {}

    name = Line(max_length=200)
    form = Choice(Endpoint.Form.values, default="webhook")


class SecretRotation(Input):
    """`POST /v1/notification-endpoints/{id}/rotate-secret`."""

    overlap_seconds = Whole(
        min_value=0,
        max_value=_LONGEST_OVERLAP_SECONDS,
        default=86_400,
        help_text="How long the secret before signs as well.",
    )


class NotificationReplay(Input):
    """`POST /v1/notification-endpoints/{id}/replay`."""

    since = serializers.DateTimeField(
        help_text="What was given up, of notifications made from this time on, is sent again."
    )
