"""Comparison of two values of one field: stronger, weaker, or neither."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kt.policy.language.shapes import Block, Field, ListOf, MapOf, Strength
from kt.policy.nodes import child_path

Effect = Literal["stronger", "weaker", "other"]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two policies, and what it does to enforcement."""

    effect: Effect
    path: str
    message: str


def opposite(effect: Effect) -> Effect:
    """The effect of the reverse change."""
    swapped: dict[Effect, Effect] = {"stronger": "weaker", "weaker": "stronger"}
    return swapped.get(effect, "other")


def compare_blocks(
    shape: Block, before: Mapping[str, Any], after: Mapping[str, Any], path: str
) -> Iterator[Change]:
    """Compare two blocks in which every field has the value that holds."""
    for name, field in shape.fields.items():
        if name in before and name in after:
            yield from compare(field, before[name], after[name], child_path(path, name))


def compare(field: Field, before: Any, after: Any, path: str) -> Iterator[Change]:
    """Compare two values of one field; equal ones give nothing."""
    if before == after:
        return
    if isinstance(field.shape, Block):
        yield from compare_blocks(field.shape, before, after, path)
    elif isinstance(field.shape, MapOf):
        yield from _compare_maps(field.shape, before, after, path)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _compare_lists(field, before, after, path)
    else:
        effect = _effect(field.strength, before, after)
        yield Change(effect, path, f"{path}: {said(before)} becomes {said(after)}")


def said(value: Any) -> str:
    """The text of a value in a message: `not set`, `true`, `"Falcon"`."""
    return "not set" if value is None else json.dumps(value, ensure_ascii=False)


def _compare_maps(
    shape: MapOf, before: Mapping[str, Any], after: Mapping[str, Any], path: str
) -> Iterator[Change]:
    for key in (name for name in before if name not in after):
        yield Change("other", child_path(path, key), f"{child_path(path, key)} is removed")
    for key in after:
        below = child_path(path, key)
        if key not in before:
            yield Change("other", below, f"{below} is added")
        else:
            yield from compare(Field(shape.value), before[key], after[key], below)


def _compare_lists(
    field: Field, before: list[Any], after: list[Any], path: str
) -> Iterator[Change]:
    added: Effect = _added(field)
    # Sets: a list has tens of thousands of items, all of them texts.
    held, holds = set(before), set(after)
    gone = [item for item in before if item not in holds]
    new = [item for item in after if item not in held]
    for item in gone:
        yield Change(opposite(added), path, f"{path}: {said(item)} is dropped")
    for item in new:
        yield Change(added, path, f"{path}: {said(item)} is added")
    if not gone and not new:
        yield Change("other", path, f"{path}: its order changes")


def _added(field: Field) -> Effect:
    """The effect of one more item."""
    if not isinstance(field.shape, ListOf) or field.strength is None:
        return "other"
    return "stronger" if field.strength == "more" else "weaker"


def _effect(strength: Strength, before: Any, after: Any) -> Effect:
    if isinstance(strength, tuple):
        if before in strength and after in strength:
            rises = strength.index(after) > strength.index(before)
            return "stronger" if rises else "weaker"
        return "other"
    if strength is None:
        return "other"
    # Not set is no limit: weaker than any, whether the limit is a number or a list.
    if before is None or after is None:
        return "stronger" if before is None else "weaker"
    rises = after > before
    return "stronger" if rises == (strength == "more") else "weaker"
