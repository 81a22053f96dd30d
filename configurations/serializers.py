"""What the API takes for a configuration."""

from typing import Any

from rest_framework import serializers

from keeptrusts.fields import Flag, Input, Text
from kt.policy.files import MAX_BYTES

_MAX_LABELS = 50


class Content(Text):
    """A policy file as text; what is stored is its UTF-8."""

    def to_internal_value(self, data: Any) -> bytes:  # type: ignore[override]
        content = super().to_internal_value(data)
        try:
            encoded = content.encode()
        except UnicodeEncodeError as exc:
            raise serializers.ValidationError(
                "has a lone surrogate, which UTF-8 cannot hold"
            ) from exc
        if len(encoded) > MAX_BYTES:
            raise serializers.ValidationError(
                f"is {len(encoded)} bytes; a policy file has at most {MAX_BYTES}"
            )
        return encoded


class Labels(serializers.DictField):
    """Up to 50 labels, text to text."""

    child = Text(max_length=200, allow_blank=True)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        labels: dict[str, str] = super().to_internal_value(data)
        if len(labels) > _MAX_LABELS or any(not 0 < len(key) <= 100 for key in labels):
            raise serializers.ValidationError(
                f"at most {_MAX_LABELS} labels, each key 1 to 100 characters"
            )
        return labels


class ConfigurationEdit(Input):
    """`PATCH /v1/configurations/{id}`."""

    name = Text(max_length=200, required=False)
    description = Text(max_length=2000, required=False, allow_blank=True)
    labels = Labels(required=False)
    content = Content(required=False)
    note = Text(max_length=1000, required=False, allow_blank=True, default="")
    override = Flag(required=False, default=False)


class ConfigurationInput(Input):
    """`POST /v1/configurations`."""

    id = serializers.RegexField(r"^[a-z0-9][a-z0-9._-]{0,199}\Z", required=False)
    name = Text(max_length=200, required=False)
    description = Text(max_length=2000, required=False, allow_blank=True, default="")
    labels = Labels(required=False, default=dict)
    content = Content()
    note = Text(max_length=1000, required=False, allow_blank=True, default="")
