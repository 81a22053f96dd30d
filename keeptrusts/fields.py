"""Serializer fields that take a value of their own type and nothing that merely converts to it."""

from typing import Any

from rest_framework import serializers


class Text(serializers.CharField):
    """A JSON string, kept as it was sent: no trimming, no numbers turned to text."""

    default_error_messages = {"not_text": "must be a string"}

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("trim_whitespace", False)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("not_text")
        return super().to_internal_value(data)


class Whole(serializers.IntegerField):
    """A JSON integer; not `true`, not `"300"`, not `300.0`."""

    default_error_messages = {"not_whole": "must be a whole number"}

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("not_whole")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """JSON `true` or `false`."""

    default_error_messages = {"not_flag": "must be true or false"}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("not_flag")
        return data


class Input(serializers.Serializer[Any]):
    """The body of a request. A field it does not know is an error, never ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if unknown := sorted(set(data) - set(self.fields)):
            known = ", ".join(sorted(self.fields))
            raise serializers.ValidationError(
                {name: [f"unknown field; known are {known}"] for name in unknown}, code="unknown"
            )
        return super().to_internal_value(data)


def check_query(params: Any, known: tuple[str, ...]) -> None:
    """Raises: `ValidationError` naming each query parameter that is not in `known`."""
    if unknown := sorted(set(params) - set(known)):
        hint = f"known are {', '.join(known)}" if known else "this path takes none"
        raise serializers.ValidationError(
            {name: [f"unknown query parameter; {hint}"] for name in unknown}, code="unknown"
        )
