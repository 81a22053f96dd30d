"""Schemas of what comes in, by the serializers that check it."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from keeptrusts.api import fields
from keeptrusts.api.fields import Input

_Schema = dict[str, Any]


class Inspector(AutoSchema):
    """The schema of a body, with the bounds that fields check.

    A field's `json_schema` has what its class bounds besides, and its class says what it is where
    no `help_text` does.
    """

    def body(self, form: type[serializers.Serializer[Any]], *, partial: bool) -> _Schema:
        """A reference to the schema of a body; of one with no fields the schema itself."""
        if form is Input:
            return {"type": "object", "additionalProperties": False}
        # With a context of its own it is not asked for that of a view.
        serializer = form(partial=partial, context={"described": True})
        component = self.resolve_serializer(serializer, "request")
        reference: _Schema = component.ref
        return reference

    def get_serializer_name(self, serializer: Any, direction: str) -> str:
        name: str = serializer.called or type(serializer).__name__
        # Only where all of its fields get optional it is another schema.
        return name.replace("Input", "Edit") if serializer.partial else name

    def _map_serializer(self, serializer: Any, direction: str, *rest: Any) -> _Schema:
        schema: _Schema = super()._map_serializer(serializer, direction, *rest)  # type: ignore[no-untyped-call]
        for name in serializer.refused:
            del schema["properties"][name]
        if serializer.partial:
            schema.pop("required", None)
            schema["minProperties"] = 1
            for one in schema["properties"].values():
                one.pop("default", None)
        return {**schema, "additionalProperties": False, **serializer.json_schema}

    def _map_serializer_field(self, field: Any, direction: str, *rest: Any) -> _Schema:
        schema: _Schema = super()._map_serializer_field(field, direction, *rest)  # type: ignore[no-untyped-call]
        schema.pop("x-spec-enum-id", None)
        if isinstance(field, serializers.ListField) and not field.allow_empty:
            schema["minItems"] = 1
        if isinstance(field, serializers.DictField) and not field.allow_empty:
            schema["minProperties"] = 1
        if "description" not in schema and not _is_plain(type(field)):
            schema["description"] = (type(field).__doc__ or "").partition("\n")[0]
        return _with_default(schema, field)

    def _insert_field_validators(self, field: Any, schema: _Schema) -> None:
        super()._insert_field_validators(field, schema)  # type: ignore[no-untyped-call]
        bounds = dict(getattr(field, "json_schema", {}))
        if "pattern" in bounds and field.allow_blank:
            bounds["pattern"] = f"^$|{bounds['pattern']}"
        schema.update(bounds)


def _with_default(schema: _Schema, field: Any) -> _Schema:
    """The schema with a default that is null or made anew each time."""
    if field.default is None:
        return {**schema, "default": None}
    if field.default is list or field.default is dict:
        return {**schema, "default": field.default()}
    if schema.get("default") == "" and not getattr(field, "allow_blank", False):
        del schema["default"]  # It stands for none, and cannot be sent.
    return schema


def _is_plain(kind: type) -> bool:
    """Whether a field's class says no more than its type does."""
    return kind.__module__ == fields.__name__ or kind.__module__.startswith("rest_framework.")
