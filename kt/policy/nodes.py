"""Nodes of a YAML document, each with its line and column.

Plain classes: a document has tens of thousands of them, and `dataclasses` is slow to import.
"""

from __future__ import annotations

from collections.abc import Iterator

from kt.lazy import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, TypeAlias

Plain: TypeAlias = "bool | int | float | str | list[Any] | dict[str, Any] | None"


class ScalarNode:
    """One value. `text` is as written, without quotes; `value` is the value it stands for."""

    __slots__ = ("column", "line", "text", "value")

    def __init__(
        self, text: str, value: bool | int | float | str | None, line: int, column: int
    ) -> None:
        self.text = text
        self.value = value
        self.line = line
        self.column = column


class SequenceNode:
    """A list, in either of YAML's two styles."""

    __slots__ = ("column", "items", "line")

    def __init__(self, line: int, column: int) -> None:
        self.line = line
        self.column = column
        self.items: list[Node] = []


class MappingNode:
    """A mapping, by the text of its keys and in the order of the file.

    Every key of the policy language is text, so `1:` and `"1":` are one key.
    """

    __slots__ = ("column", "entries", "line")

    def __init__(self, line: int, column: int) -> None:
        self.line = line
        self.column = column
        self.entries: dict[str, Entry] = {}

    def get(self, key: str) -> Node | None:
        """The value of `key`, or None where it is not given."""
        entry = self.entries.get(key)
        return entry.value if entry else None


Node: TypeAlias = ScalarNode | SequenceNode | MappingNode


class Entry:
    """One `key: value` of a mapping."""

    __slots__ = ("key", "value")

    def __init__(self, key: ScalarNode, value: Node) -> None:
        self.key = key
        self.value = value


def find(node: Node | None, *keys: str) -> Node | None:
    """Follow keys down from a node; None where a key is missing or a node is no mapping."""
    for key in keys:
        if not isinstance(node, MappingNode):
            return None
        node = node.get(key)
    return node


def value_of(node: Node | None) -> bool | int | float | str | None:
    """The value of a scalar; None for anything else."""
    return node.value if isinstance(node, ScalarNode) else None


def plain(node: Node) -> Plain:
    """Turn a tree into `dict`, `list`, `str`, `int`, `float`, `bool` and None.

    Bounded: the composer lets no tree through that is deep or, aliases unfolded, large.
    """
    if isinstance(node, ScalarNode):
        return node.value
    if isinstance(node, SequenceNode):
        return [plain(item) for item in node.items]
    return {key: plain(entry.value) for key, entry in node.entries.items()}


def child_path(path: str, key: str) -> str:
    """The path of a mapping's value: `pack` and `name` give `pack.name`."""
    return f"{path}.{key}" if path else key


def item_paths(node: SequenceNode, path: str) -> Iterator[tuple[str, Node]]:
    """Each item with its path: `policies.chain[0]`, `policies.chain[1]`, …"""
    for index, item in enumerate(node.items):
        yield f"{path}[{index}]", item
