"""Values by JSON schemas: most that a schema takes, and some that it does not."""

import re
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
_HOSTILE: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "\0", "\u202e", "a" * 5000, "../..", "%00", "\ud7ff", "{}", "'", "💥"]),
    _TEXT,
    st.lists(st.none(), max_size=3),
    st.dictionaries(_TEXT, st.none(), max_size=2),
)


def values(schema: Mapping[str, Any], document: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a schema, of which one in ten or so is none; `document` has what it refers to."""
    valid = _valid(schema, document)
    return st.one_of(*[valid] * 9, _HOSTILE)


def _valid(schema: Mapping[str, Any], document: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return values(_at(schema["$ref"], document), document)
    for several in ("oneOf", "anyOf", "allOf"):
        if several in schema:
            return st.one_of([values(one, document) for one in schema[several]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "type" not in schema:
        return _HOSTILE
    kinds = schema["type"]
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return st.one_of([_of_type(kind, schema, document) for kind in kinds])


def _of_type(
    kind: str, schema: Mapping[str, Any], document: Mapping[str, Any]
) -> st.SearchStrategy[Any]:
    if kind == "null":
        return st.none()
    if kind == "boolean":
        return st.booleans()
    if kind == "integer":
        return st.integers(schema.get("minimum", 0), schema.get("maximum", 1000))
    if kind == "string":
        return _text(schema)
    if kind == "array":
        least, most = schema.get("minItems", 0), min(3, schema.get("maxItems", 3))
        return st.lists(values(schema.get("items", {}), document), min_size=least, max_size=most)
    return _object(schema, document)


def _text(schema: Mapping[str, Any]) -> st.SearchStrategy[str]:
    if schema.get("format") == "date-time":
        return st.sampled_from(["2031-01-31T12:00:00Z", "2001-01-31T12:00:00+02:00", "9999-12-31"])
    if schema.get("format") == "uuid":
        return st.uuids().map(str)
    if "pattern" in schema:
        return st.from_regex(re.compile(schema["pattern"], re.ASCII)).map(lambda t: t.strip("\n"))
    return st.one_of(_TEXT, st.sampled_from(["a", "support-bot", "edge-1", "x" * 200]))


def _object(schema: Mapping[str, Any], document: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if "properties" not in schema:
        more = schema.get("additionalProperties") or {}
        return st.dictionaries(_TEXT, values(more, document), max_size=3)
    needed = set(schema.get("required", ()))
    members = {name: values(one, document) for name, one in schema["properties"].items()}
    return st.fixed_dictionaries(
        {name: one for name, one in members.items() if name in needed},
        optional={name: one for name, one in members.items() if name not in needed},
    )


def _at(pointer: str, document: Mapping[str, Any]) -> Any:
    value: Any = document
    for step in pointer.removeprefix("#/").split("/"):
        value = value[step.replace("~1", "/").replace("~0", "~")]
    return value
