"""The check of a tree against the tables of the language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from kt.lazy import TYPE_CHECKING
from kt.policy.language.forms import FORMS
from kt.policy.language.shapes import (
    Anything,
    Block,
    Chain,
    Choice,
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
from kt.policy.nodes import MappingNode, Node, ScalarNode, SequenceNode, child_path, item_paths
from kt.policy.rules import shape as rules
from kt.policy.suggest import did_you_mean
from kt.policy.words import described, quoted, shown

if TYPE_CHECKING:
    from typing import Any, TypeGuard

    from kt.policy.findings import Finding
    from kt.policy.rules.base import Place


def walk(shape: Shape, node: Node, path: str, at: Place | None = None) -> Iterator[Finding]:
    """Yield the findings about the shape of `node`, whose place in the document is `path`.

    `at` is where a missing key is reported: the key that owns the node.
    """
    return _CHECKS[type(shape)](shape, node, path, at or node)


def patterns(shape: Shape, node: Node, path: str) -> Iterator[tuple[str, ScalarNode]]:
    """Yield every regular expression below `node` that is text, with its path."""
    if isinstance(shape, Block) and isinstance(node, MappingNode):
        for key, entry in node.entries.items():
            if field := shape.fields.get(key):
                yield from patterns(field.shape, entry.value, child_path(path, key))
    elif isinstance(shape, ListOf) and isinstance(node, SequenceNode):
        for below, item in item_paths(node, path):
            yield from patterns(shape.item, item, below)
    elif (
        isinstance(shape, Pattern) and isinstance(node, ScalarNode) and isinstance(node.value, str)
    ):
        yield path, node


def _block(shape: Block, node: Node, path: str, at: Place) -> Iterator[Finding]:
    if not isinstance(node, MappingNode):
        yield _wrong_type(node, path, "a mapping")
        return
    for key, entry in node.entries.items():
        field = shape.fields.get(key)
        below = child_path(path, shown(key))
        if field is None:
            yield _unknown_key(shape, entry.key, path, below)
        else:
            yield from walk(field.shape, entry.value, below, entry.key)
    for key, field in shape.fields.items():
        if field.required and key not in node.entries:
            where = f"in {path}" if path else "in the document"
            message = f"the key {key!r} is required {where}"
            yield rules.MissingKey.at(
                at, child_path(path, key), message, f"add {key} ({field.doc})"
            )


def _unknown_key(shape: Block, key: ScalarNode, path: str, below: str) -> Finding:
    where = f"in {path}" if path else "at the top level"
    if key.text in shape.unsupported:
        message = f"the key {quoted(key.text)} {where} is not enforced by this version"
        return rules.NotEnforced.at(key, below, message, "remove it")
    fix = shape.hints.get(key.text) or did_you_mean(
        key.text, shape.fields, otherwise=_possible(shape.fields)
    )
    return rules.UnknownKey.at(key, below, f"unknown key {quoted(key.text)} {where}", fix)


def _possible(known: Iterable[str]) -> str:
    return f"possible here: {', '.join(known)}"


def _map(shape: MapOf, node: Node, path: str, at: Place) -> Iterator[Finding]:
    if not isinstance(node, MappingNode):
        yield _wrong_type(node, path, "a mapping")
        return
    for key, entry in node.entries.items():
        below = child_path(path, shown(key))
        # A key is text whatever it looks like, so `404:` is not held to be a number.
        name = ScalarNode(key, key, entry.key.line, entry.key.column)
        yield from walk(shape.key, name, below)
        yield from walk(shape.value, entry.value, below, entry.key)


def _list(shape: ListOf, node: Node, path: str, at: Place) -> Iterator[Finding]:
    if not isinstance(node, SequenceNode):
        fix = f"write [{shown(node.text)}]" if _is_something(node) else ""
        yield _wrong_type(node, path, "a list", fix)
        return
    if len(node.items) < shape.low:
        yield rules.OutOfRange.at(node, path, "the list is empty", "give at least one item")
    yield from _too_long(node, path, shape.high)
    for below, item in item_paths(node, path):
        yield from walk(shape.item, item, below)
    if shape.unique or shape.key:
        yield from _repeated(node, path, shape.key)


def _too_long(node: SequenceNode, path: str, high: int | None) -> Iterator[Finding]:
    if high is not None and len(node.items) > high:
        message = f"the list has {len(node.items):,} items, at most {high:,} are allowed"
        yield rules.OutOfRange.at(node, path, message, "shorten it")


def _repeated(node: SequenceNode, path: str, key: str | None) -> Iterator[Finding]:
    """Findings about items given twice: the same text, or the same text of one field."""
    lines: dict[str, int] = {}
    for below, item in item_paths(node, path):
        scalar = item.get(key) if key and isinstance(item, MappingNode) else item
        if not isinstance(scalar, ScalarNode):
            continue
        folded = scalar.text if key else scalar.text.casefold()
        if folded in lines:
            where = child_path(below, key) if key else below
            message = f"{quoted(scalar.text)} already stands in line {lines[folded]}"
            fix = "give it another name" if key else "remove it"
            yield rules.RepeatedItem.at(scalar, where, message, fix)
        lines.setdefault(folded, scalar.line)


def _text(shape: Text, node: Node, path: str, at: Place) -> Iterator[Finding]:
    form = FORMS[shape.form] if shape.form else None
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        is_number = isinstance(node, ScalarNode) and isinstance(node.value, int | float)
        meant = (
            form.suggest(node.text) if form and is_number and isinstance(node, ScalarNode) else ""
        )
        yield _wrong_type(node, path, "text", meant or _in_quotes(node))
    elif not shape.low <= len(node.value) <= shape.high:
        yield _wrong_length(node, path, shape)
    elif form and not form.accepts(node.value):
        fix = form.suggest(shown(node.value))
        message = f"{quoted(node.value)} is not {form.words}"
        yield rules.BadForm.at(node, path, message, fix)


def _text_or(shape: TextOr, node: Node, path: str, at: Place) -> Iterator[Finding]:
    yield from walk(shape.long if isinstance(node, MappingNode) else shape.short, node, path, at)


def _wrong_length(node: ScalarNode, path: str, shape: Text | Pattern) -> Finding:
    if not node.text:
        return rules.OutOfRange.at(node, path, "the text is empty", "write something, or remove it")
    message = f"the text has {len(node.text):,} characters, at most {shape.high:,} are allowed"
    return rules.OutOfRange.at(node, path, message, "shorten it")


def _pattern(shape: Pattern, node: Node, path: str, at: Place) -> Iterator[Finding]:
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        yield _wrong_type(node, path, "a regular expression", _in_quotes(node))
    elif not 1 <= len(node.value) <= shape.high:
        yield _wrong_length(node, path, shape)


def _flag(shape: Flag, node: Node, path: str, at: Place) -> Iterator[Finding]:
    if not isinstance(node, ScalarNode) or not isinstance(node.value, bool):
        meant = _YES_NO.get(node.text.lower(), "") if isinstance(node, ScalarNode) else ""
        yield _wrong_type(node, path, "true or false", f"write {meant}" if meant else "")


_YES_NO = {
    **dict.fromkeys(("yes", "on", "y", "1", "enabled", "true"), "true"),
    **dict.fromkeys(("no", "off", "n", "0", "disabled", "false"), "false"),
}


def _whole(shape: Whole, node: Node, path: str, at: Place) -> Iterator[Finding]:
    value = node.value if isinstance(node, ScalarNode) else None
    if not isinstance(value, int) or isinstance(value, bool):
        yield _wrong_type(node, path, "a whole number", _as_whole(value))
    elif not shape.low <= value <= shape.high:
        message = f"{shown(str(value))} is out of range"
        fix = f"give a number from {shape.low:,} to {shape.high:,}"
        yield rules.OutOfRange.at(node, path, message, fix)


def _number(shape: Number, node: Node, path: str, at: Place) -> Iterator[Finding]:
    value = node.value if isinstance(node, ScalarNode) else None
    if not isinstance(value, int | float) or isinstance(value, bool):
        fix = "remove the quotes" if isinstance(value, str) and _is_number(value) else ""
        yield _wrong_type(node, path, "a number", fix)
    elif not shape.low <= value <= shape.high:
        message = f"{shown(str(value))} is out of range"
        fix = f"give a number from {shape.low:g} to {shape.high:g}"
        yield rules.OutOfRange.at(node, path, message, fix)


def _is_number(text: str) -> bool:
    return text.isascii() and text.replace(".", "", 1).isdigit()


def _choice(shape: Choice, node: Node, path: str, at: Place) -> Iterator[Finding]:
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        yield _wrong_type(node, path, "one of " + ", ".join(shape.values), _possible(shape.values))
    elif node.value in shape.unsupported:
        message = f"{quoted(node.value)} is not enforced by this version"
        yield rules.NotEnforced.at(node, path, message, _possible(shape.values))
    elif node.value not in shape.values:
        expected = f"expected one of {', '.join(shape.values)}"
        if len(shape.values) == 1:
            expected = f"expected {shape.values[0]}"
        fix = did_you_mean(node.value, shape.values, otherwise=_possible(shape.values))
        yield rules.NotAChoice.at(node, path, f"{expected}, got {quoted(node.value)}", fix)


def _chain(shape: Chain, node: Node, path: str, at: Place) -> Iterator[Finding]:
    if not isinstance(node, SequenceNode):
        yield _wrong_type(node, path, "a list of policy kinds")
    else:
        # What an entry means is for the rules about the chain.
        yield from _too_long(node, path, shape.high)


def _wrong_type(node: Node, path: str, expected: str, fix: str = "") -> Finding:
    return rules.WrongType.at(node, path, f"expected {expected}, got {described(node)}", fix)


def _is_something(node: Node) -> TypeGuard[ScalarNode]:
    return isinstance(node, ScalarNode) and node.value is not None


def _in_quotes(node: Node) -> str:
    return f'put it into quotes: "{shown(node.text)}"' if _is_something(node) else ""


def _as_whole(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return f"write {int(value)}"
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return "remove the quotes"
    return ""


def _anything(shape: Anything, node: Node, path: str, at: Place) -> Iterator[Finding]:
    return iter(())


_CHECKS: dict[type, Callable[[Any, Node, str, Place], Iterator[Finding]]] = {
    Block: _block,
    MapOf: _map,
    ListOf: _list,
    Text: _text,
    Pattern: _pattern,
    Flag: _flag,
    Whole: _whole,
    Number: _number,
    Choice: _choice,
    Anything: _anything,
    TextOr: _text_or,
    Chain: _chain,
}
