"""Serializers of request bodies about configurations."""

from typing import Any

from rest_framework import serializers

from configurations.checks import ID, ID_WORDS
from keeptrusts.api.fields import (
    LONGEST_KEY,
    MOST_LABELS,
    Choice,
    Flag,
    Input,
    Labels,
    Line,
    Lines,
    Text,
    Whole,
    is_key,
)
from kt.policy.files import MAX_BYTES

_LONGEST_TRIED = 100_000
_MAX_VERSION = 2**31 - 1
_CHANGED = ("name", "description", "labels", "content", "status", "four_eyes")


class Id(Text):
    """An id that is safe as the name of a directory."""

    json_schema = {"pattern": f"^{ID.pattern}$"}

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if not ID.fullmatch(value):
            raise serializers.ValidationError(f"must be at most 200 {ID_WORDS}")
        return value


class ContentField(Text):
    """A policy file as text, stored as UTF-8; its bound is in bytes."""

    json_schema = {"maxLength": MAX_BYTES}

    def to_internal_value(self, data: Any) -> bytes:  # type: ignore[override]
        content = super().to_internal_value(data)
        try:
            encoded = content.encode()
        except UnicodeEncodeError as exc:
            raise serializers.ValidationError(
                "must not hold a lone surrogate, which UTF-8 cannot encode"
            ) from exc
        if len(encoded) > MAX_BYTES:
            raise serializers.ValidationError(
                f"must have at most {MAX_BYTES} bytes, and has {len(encoded)}"
            )
        return encoded


class ConfigurationEdit(Input):
    """`PATCH /v1/configurations/{id}`."""

    json_schema = {"minProperties": 1, "dependentRequired": {"note": ["content"]}}

    name = Line(max_length=200, required=False)
    description = Lines(max_length=2000, required=False, allow_blank=True)
    labels = Labels(required=False)
    content = ContentField(required=False)
    note = Lines(
        max_length=1000,
        required=False,
        allow_blank=True,
        help_text="Stored with the new version, so that it comes with `content`.",
    )
    override = Flag(
        required=False,
        default=False,
        help_text="Change what git owns; it stands until the file changes in git.",
    )
    four_eyes = Flag(required=False, help_text="Changes need a second person.")
    status = Text(
        required=False, json_schema={"enum": ["active"]}, help_text="Restores an archived one."
    )

    def validate_status(self, value: str) -> str:
        if value != "active":
            raise serializers.ValidationError(
                "must be active, which restores an archived one; to archive send DELETE"
            )
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "note" in attrs and "content" not in attrs:
            raise serializers.ValidationError(
                {"note": ["must come with content: it is stored with the new version"]}
            )
        if not attrs.keys() & {*_CHANGED}:
            raise serializers.ValidationError(f"must have a field to change: {', '.join(_CHANGED)}")
        return attrs


class ConfigurationInput(Input):
    """`POST /v1/configurations`."""

    id = Id(
        required=False,
        help_text="Without it the content's `pack.id`, or a slug of its `pack.name`.",
    )
    name = Line(max_length=200, required=False)
    description = Lines(max_length=2000, required=False, allow_blank=True, default="")
    labels = Labels(required=False, default=dict)
    content = ContentField()
    four_eyes = Flag(default=False)
    note = Lines(max_length=1000, required=False, allow_blank=True, default="")


class ValidationInput(Input):
    """`POST /v1/configurations/validate`; `directory` is the name of the file's directory."""

    content = ContentField()
    directory = Line(
        max_length=200,
        required=False,
        help_text="The name of the file's directory, which may name the configuration.",
    )


class Headers(serializers.DictField):
    """Headers of a call, by name."""

    json_schema = {
        "maxProperties": MOST_LABELS,
        "propertyNames": {"minLength": 1, "maxLength": LONGEST_KEY},
    }
    child = Line(max_length=500, allow_blank=True)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if isinstance(data, dict) and not (len(data) <= MOST_LABELS and all(map(is_key, data))):
            raise serializers.ValidationError(
                f"must be at most {MOST_LABELS} headers with names of 1 to {LONGEST_KEY}"
                " printable characters"
            )
        headers: dict[str, str] = super().to_internal_value(data)
        return headers


class TrialInput(Input):
    """`POST /v1/configurations/try`: a text, and a content or a version to try it with."""

    text = Text(
        max_length=_LONGEST_TRIED,
        allow_blank=True,
        help_text="What a user or a model says. It is kept nowhere.",
    )
    said_by = Choice(
        ("user", "model"), default="user", help_text="Whether it is a prompt or an answer."
    )
    model = Line(max_length=200, required=False, allow_blank=True, default="")
    headers = Headers(
        required=False, default=dict, help_text="Of the call, such as the role in `X-Role`."
    )
    content = ContentField(required=False, help_text="A policy that need not be stored.")
    configuration = Id(required=False, help_text="One that is stored, in place of `content`.")
    version = Whole(
        min_value=1,
        max_value=_MAX_VERSION,
        required=False,
        help_text="Of the configuration; without it the one in force.",
    )

    def validate_text(self, value: str) -> str:
        try:
            value.encode()
        except UnicodeEncodeError as exc:
            raise serializers.ValidationError("must not hold a lone surrogate") from exc
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("content" in attrs) == ("configuration" in attrs):
            message = "must be given, or a configuration; and not both"
            raise serializers.ValidationError({"content": [message]})
        if "version" in attrs and "configuration" not in attrs:
            raise serializers.ValidationError({"version": ["must come with a configuration"]})
        return attrs


class RollbackInput(Input):
    """`POST /v1/configurations/{id}/rollback`."""

    version = Whole(min_value=1, help_text="The number of the version to bring back.")
    note = Lines(max_length=1000, required=False, allow_blank=True)


class ArchivalInput(Input):
    """The change of a request to archive: the query parameter of DELETE as a field."""

    override = Flag(default=False)


class PinInput(Input):
    """`POST /v1/configurations/{id}/pin`; without `version` the one in force is pinned."""

    version = Whole(
        min_value=1, required=False, help_text="The version to pin; without it the one in force."
    )
    reason = Line(max_length=500)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
