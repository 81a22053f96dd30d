"""Serializers of gateways, enrolment tokens and bindings."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from configurations.models import Configuration
from configurations.seen import ALL
from configurations.serializers import Id
from gateways.models import Gateway
from keeptrusts.api.fields import Choice, Input, Labels, Line, Whole

# The last word of a path below /v1/gateways.
_RESERVED = "enrol"
_MOST_USES = 1_000_000


class NewId(Id):
    """The id of a new gateway; `enrol` is a path of the API."""

    json_schema = {**Id.json_schema, "not": {"const": _RESERVED}}

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if value == _RESERVED:
            raise serializers.ValidationError(f"{_RESERVED!r} is reserved; choose another id")
        return value


class ConfigurationId(Id):
    """The id of a configuration that exists.

    It is one of the `seen` of the context.
    """

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        seen = self.context.get("seen", ALL)
        if value not in seen or not Configuration.objects.filter(pk=value).exists():
            raise serializers.ValidationError(f"there is no configuration {value!r}")
        return value


class GatewayEdit(Input):
    """`PATCH /v1/gateways/{id}`; a `configuration` of null leaves it to the selectors."""

    json_schema = {"minProperties": 1}

    name = Line(max_length=200, required=False)
    labels = Labels(required=False)
    configuration = ConfigurationId(required=False, allow_null=True, source="configuration_id")
    client_keys = Choice(Gateway.ClientKeys.choices, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("must have at least one field to change")
        return attrs


class GatewayInput(Input):
    """`POST /v1/gateways`."""

    id = NewId()
    name = Line(max_length=200, required=False)
    labels = Labels(required=False, default=dict)
    configuration = ConfigurationId(
        required=False, allow_null=True, default=None, source="configuration_id"
    )
    client_keys = Choice(Gateway.ClientKeys.choices, required=False)


class EnrolmentInput(Input):
    """`POST /v1/gateways/enrol`. Its bearer chooses no labels, which say what it may read."""

    refused = ("labels",)

    id = NewId()
    name = Line(max_length=200, required=False)
    labels = serializers.JSONField(required=False)

    def validate_labels(self, _: Any) -> Any:
        raise serializers.ValidationError("are those of the enrolment token; send none")


class EnrolmentTokenInput(Input):
    """`POST /v1/enrolment-tokens`."""

    name = Line(max_length=200)
    labels = Labels(required=False, default=dict)
    configuration = ConfigurationId(
        required=False, allow_null=True, default=None, source="configuration_id"
    )
    max_uses = Whole(
        min_value=1, max_value=_MOST_USES, required=False, allow_null=True, default=None
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def validate_expires_at(self, value: Any) -> Any:
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError("must lie in the future")
        return value


class BindingInput(Input):
    """`POST /v1/gateway-bindings`."""

    configuration = ConfigurationId(source="configuration_id")
    selector = Labels(allow_empty=False)
