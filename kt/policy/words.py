"""Text for messages: cut to a length, and without control characters for a terminal."""

from __future__ import annotations

from kt.policy.nodes import MappingNode, Node, SequenceNode

_LONGEST = 60


def shown(text: str) -> str:
    """`text` in at most 60 characters, control characters escaped. For paths."""
    short = text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
    return short if short.isprintable() else ascii(short)[1:-1]


def quoted(text: str) -> str:
    """`shown`, in quotes. For messages."""
    return f"'{shown(text)}'"


def described(node: Node) -> str:
    """A value in words: `the number 5`, `the text 'on'`, `a list`, `nothing`."""
    if isinstance(node, SequenceNode):
        return "a list"
    if isinstance(node, MappingNode):
        return "a mapping"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, str):
        return f"the text {quoted(node.value)}"
    return f"{'the flag' if isinstance(node.value, bool) else 'the number'} {shown(node.text)}"
