"""The tables of the language as a JSON Schema, for editors.

An editor with the schema finds errors of shape: unknown and missing keys, types, ranges, choices,
forms. Only lint checks how the parts of a document fit together. A test compares both on every
golden case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kt.policy.language import DOCUMENT, KINDS
from kt.policy.language.forms import FORMS
from kt.policy.language.shapes import (
    Anything,
    Block,
    Chain,
    Choice,
    Field,
    Flag,
    ListOf,
    MapOf,
    Number,
    Pattern,
    Shape,
    Text,
    TextOr,
    Whole,
)

Schema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(shape: Shape = DOCUMENT, title: str = "Keeptrusts policy") -> Schema:
    """The JSON Schema (draft 2020-12) of a policy file, or of another one made of such shapes."""
    return {"$schema": _DIALECT, "title": title, **_of(shape)}


def _of(shape: Shape) -> Schema:
    return _MAKERS[type(shape)](shape)


def _block(shape: Block) -> Schema:
    made: Schema = {
        "type": "object",
        "properties": {name: _field(field) for name, field in shape.fields.items()},
        "additionalProperties": False,
    }
    required = [name for name, field in shape.fields.items() if field.required]
    return {**made, "required": required} if required else made


def _field(field: Field) -> Schema:
    made = _of(field.shape)
    if field.doc:
        made["description"] = field.doc
    if field.default is not None:
        made["default"] = _plain(field.default)
    return made


def _plain(default: Any) -> Any:
    if isinstance(default, tuple):
        return list(default)
    return dict(default) if isinstance(default, Mapping) else default


def _text(shape: Text) -> Schema:
    made: Schema = {"type": "string", "maxLength": shape.high}
    if shape.low:
        made["minLength"] = shape.low
    if shape.form:
        # Some engines let `$` match before a line break at the end; the look-ahead does not.
        made["pattern"] = rf"^(?:{FORMS[shape.form].pattern})$(?!\n)"
    return made


def _text_or(shape: TextOr) -> Schema:
    return {"anyOf": [_of(shape.short), _of(shape.long)]}


def _pattern(shape: Pattern) -> Schema:
    return {"type": "string", "minLength": 1, "maxLength": shape.high}


def _flag(_shape: Flag) -> Schema:
    return {"type": "boolean"}


def _whole(shape: Whole) -> Schema:
    return {"type": "integer", "minimum": shape.low, "maximum": shape.high}


def _number(shape: Number) -> Schema:
    return {"type": "number", "minimum": shape.low, "maximum": shape.high}


def _choice(shape: Choice) -> Schema:
    return {"type": "string", "enum": list(shape.values)}


def _anything(_shape: Anything) -> Schema:
    return {}


def _list(shape: ListOf) -> Schema:
    made: Schema = {"type": "array", "items": _of(shape.item)}
    if shape.low:
        made["minItems"] = shape.low
    if shape.high is not None:
        made["maxItems"] = shape.high
    return {**made, "uniqueItems": True} if shape.unique else made


def _map(shape: MapOf) -> Schema:
    return {
        "type": "object",
        "propertyNames": _of(shape.key),
        "additionalProperties": _of(shape.value),
    }


def _chain(shape: Chain) -> Schema:
    options = _of(shape.options)
    entry = {
        "type": "object",
        "properties": dict.fromkeys(KINDS, options),
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    kind = {"type": "string", "enum": list(KINDS)}
    return {"type": "array", "items": {"anyOf": [kind, entry]}, "maxItems": shape.high}


_MAKERS: dict[type, Callable[[Any], Schema]] = {
    Block: _block,
    Text: _text,
    Pattern: _pattern,
    Flag: _flag,
    Whole: _whole,
    Number: _number,
    Choice: _choice,
    Anything: _anything,
    TextOr: _text_or,
    ListOf: _list,
    MapOf: _map,
    Chain: _chain,
}
