"""Places of a document by path, for what is said of a path after lint."""

from __future__ import annotations

from collections.abc import Container, Iterator

from kt.policy.nodes import MappingNode, Node, SequenceNode, child_path, item_paths


def places(node: Node | None, path: str = "") -> Iterator[tuple[str, Node]]:
    """Each path of a tree and its place, which is that of the key where there is one."""
    if node is not None and not path:
        yield path, node
    if isinstance(node, MappingNode):
        for key, entry in node.entries.items():
            below = child_path(path, key)
            yield below, entry.key
            yield from places(entry.value, below)
    elif isinstance(node, SequenceNode):
        for below, item in item_paths(node, path):
            yield below, item
            yield from places(item, below)


def nearest_place(path: str, known: Container[str]) -> str:
    """The path itself, or the longest of the known ones that it begins with; "" at least."""
    while path and path not in known:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return path
