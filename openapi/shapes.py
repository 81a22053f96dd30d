"""Schemas of what goes out, by the shapes of answers."""

from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec

_SUFFIX = "Shape"
_PLACE = "#/components/schemas/"


@cache
def schema_of(kind: Any) -> dict[str, Any]:
    """The schema of a type, in which shapes are references."""
    [schema], _ = msgspec.json.schema_components([kind], ref_template=_PLACE + "{name}")
    told: dict[str, Any] = _renamed(schema)
    return told


def components(kinds: Iterable[Any]) -> dict[str, dict[str, Any]]:
    """The schemas of all shapes that these types name, by their names in the document."""
    _, found = msgspec.json.schema_components(kinds, ref_template=_PLACE + "{name}")
    return {_short(name): _renamed(schema) for name, schema in sorted(found.items())}


def _renamed(value: Any) -> Any:
    """A schema whose references have the names of the document, and whose types have no titles."""
    if isinstance(value, list):
        return [_renamed(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _short(one) if name == "$ref" else _renamed(one)
        for name, one in value.items()
        if not (name == "title" and isinstance(one, str))
    }


def _short(name: str) -> str:
    return name.removesuffix(_SUFFIX)
