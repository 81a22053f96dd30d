"""A YAML document as a tree in which every key and value knows where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Plain: TypeAlias = "bool | int | float | str | list[Any] | dict[str, Any] | None"


@dataclass(slots=True, eq=False)
class Scalar:
    """One value. `text` is what was written, without quotes; `value` what it means."""

    text: str
    value: bool | int | float | str | None
    line: int
    column: int


@dataclass(slots=True, eq=False)
class Sequence:
    """A list, in either of YAML's two styles."""

    line: int
    column: int
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Mapping:
    """A mapping, by the text of its keys and in the order of the file.

    Every key of the policy language is text, so `1:` and `"1":` are one key.
    """

    line: int
    column: int
    entries: dict[str, Entry] = field(default_factory=dict)

    def get(self, key: str) -> Node | None:
        """The value of `key`, or None where it is not given."""
        entry = self.entries.get(key)
        return entry.value if entry else None


Node: TypeAlias = Scalar | Sequence | Mapping


@dataclass(slots=True, eq=False)
class Entry:
    """One `key: value` of a mapping."""

    key: Scalar
    value: Node


def find(node: Node | None, *keys: str) -> Node | None:
    """Follow keys down from a node; None where one is missing or stands on no mapping."""
    for key in keys:
        if not isinstance(node, Mapping):
            return None
        node = node.get(key)
    return node


def value_of(node: Node | None) -> bool | int | float | str | None:
    """The value of a scalar; None for anything else."""
    return node.value if isinstance(node, Scalar) else None


def plain(node: Node) -> Plain:
    """Turn a tree into `dict`, `list`, `str`, `int`, `float`, `bool` and None.

    Bounded: the composer lets no tree through that is deep or, aliases unfolded, large.
    """
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key: plain(entry.value) for key, entry in node.entries.items()}


def child_path(path: str, key: str) -> str:
    """The path of a mapping's value: `pack` and `name` give `pack.name`."""
    return f"{path}.{key}" if path else key


def item_paths(node: Sequence, path: str) -> Iterator[tuple[str, Node]]:
    """Each item with its path: `policies.chain[0]`, `policies.chain[1]`, …"""
    for index, item in enumerate(node.items):
        yield f"{path}[{index}]", item
