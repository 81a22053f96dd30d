"""Edits of a policy's plain values: a copy of what lies on the way, and the rest shared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from kt.policy.nodes import child_path

Step: TypeAlias = "str | int"


def got(value: Any, steps: Sequence[Step]) -> Any:
    """The value that the steps lead to; None where one is missing."""
    for step in steps:
        if value is None or (isinstance(step, str) and step not in value):
            return None
        value = value[step]
    return value


def put(value: Any, steps: Sequence[Step], new: Any) -> Any:
    """A copy with another value where the steps lead; mappings on the way are made."""
    if not steps:
        return new
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        return [put(item, rest, new) if at == step else item for at, item in enumerate(value)]
    value = value or {}
    return {**value, step: put(value.get(step), rest, new)}


def without(value: Any, steps: Sequence[Step]) -> Any:
    """A copy without the key or the item that the steps lead to."""
    *way, last = steps
    held = got(value, way)
    if isinstance(last, int):
        return put(value, way, [item for at, item in enumerate(held) if at != last])
    return put(value, way, {key: item for key, item in held.items() if key != last})


def path_of(steps: Sequence[Step]) -> str:
    """The steps as a path of the file: `policies.chain[0]`."""
    path = ""
    for step in steps:
        path = f"{path}[{step}]" if isinstance(step, int) else child_path(path, step)
    return path
