"""Forms of what is asked for and decided: bodies of `/v1/requests`."""

from rest_framework import serializers

from keeptrusts.api.fields import Flag, Input, Line


class RequestInput(Input):
    """`POST /v1/requests`; `change` is the body of the endpoint that would make the change."""

    kind = Line(max_length=40, help_text="What is asked for, such as configuration.edit.")
    target = Line(max_length=200, help_text="The id of what is to be changed.")
    change = serializers.DictField(
        default=dict, help_text="The body of the endpoint that would make the change."
    )
    reason = Line(max_length=500)
    break_glass = Flag(default=False, help_text="Make the change alone and at once.")

    def validate_reason(self, value: str) -> str:
        if not value.strip():
            raise serializers.ValidationError("must say why")
        return value


class RefusalInput(Input):
    """`POST /v1/requests/{id}/refuse`."""

    reason = Line(max_length=500)


class ShownInput(Input):
    """`POST /v1/requests/{id}/confirm`: exactly what the request shows."""

    json_schema = {"minProperties": 1}

    content_hash = Line(max_length=64, required=False)
    commit = Line(max_length=64, required=False)
    digest = Line(max_length=64, required=False)

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        if not attrs:
            raise serializers.ValidationError("must be what the request has in `shows`")
        return attrs
