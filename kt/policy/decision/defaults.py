"""A policy block with every field that was not given at its default."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from kt.policy.language.shapes import Block, ListOf, MapOf, Shape


def completed(block: Block, given: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """All fields of a block, as the language's tables say; lists become tuples.

    A field that has no default and was not given is None.
    """
    known = given or {}
    return MappingProxyType(
        {
            name: _value(field.shape, known.get(name), field.default)
            for name, field in block.fields.items()
        }
    )


def _value(shape: Shape, given: Any, default: Any) -> Any:
    if isinstance(shape, Block):
        return completed(shape, given)
    if given is None:
        return default
    if isinstance(shape, ListOf):
        return tuple(_value(shape.item, item, None) for item in given)
    if isinstance(shape, MapOf):
        return MappingProxyType(
            {key: _value(shape.value, item, None) for key, item in given.items()}
        )
    return given
