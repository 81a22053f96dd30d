"""The settings of a block: the values that are given, and the defaults of all others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kt.policy.language import KINDS
from kt.policy.language.shapes import Block, ListOf, MapOf, Shape, TextOr

Settings = dict[str, Any]


def settings(kind: str, given: Mapping[str, Any] | None) -> Settings:
    """Every field of `policy.<kind>` with its value, given or default.

    `given` is the block as plain values, None where there is none; it must have passed lint.
    Patterns of `prompt-injection` are under `detection`, wherever they were written.
    """
    values = complete(KINDS[kind].block, given or {})
    if kind == "prompt-injection":
        short = values.pop("attack_patterns")
        values["detection"]["attack_patterns"] = [*values["detection"]["attack_patterns"], *short]
    return values


def stages(
    kind: str, options: Mapping[str, Any], given: Mapping[str, Any] | None
) -> tuple[str, ...]:
    """The stages at which an entry of the chain runs.

    Its own stage wins over that of the kind's block, and this over those of the kind. `options`
    are the entry's, `given` is the block, both as plain values.
    """
    stage = options.get("stage") or (given or {}).get("stage")
    return (stage,) if stage else KINDS[kind].stages


def complete(shape: Block, given: Mapping[str, Any]) -> Settings:
    """Every field of a block with its value, given or default, at every depth."""
    values: Settings = {}
    for name, field in shape.fields.items():
        if name in given:
            values[name] = _complete(field.shape, given[name])
        elif isinstance(field.shape, Block):
            values[name] = complete(field.shape, {})
        else:
            values[name] = _copied(field.default)
    return values


def _complete(shape: Shape, value: Any) -> Any:
    if isinstance(shape, Block):
        return complete(shape, value)
    if isinstance(shape, TextOr):
        return complete(shape.long, value) if isinstance(value, Mapping) else value
    if isinstance(shape, ListOf):
        return [_complete(shape.item, item) for item in value]
    if isinstance(shape, MapOf):
        return {key: _complete(shape.value, item) for key, item in value.items()}
    return value


def _copied(default: Any) -> Any:
    """A default as a plain value, a copy that the caller may change."""
    if isinstance(default, tuple):
        return list(default)
    return dict(default) if isinstance(default, Mapping) else default
