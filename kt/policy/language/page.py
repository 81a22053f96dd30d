"""The tables of the language as a Markdown page, for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from kt.policy.language.document import DOCUMENT
from kt.policy.language.forms import FORMS
from kt.policy.language.kinds import KINDS, UNSUPPORTED_KINDS, Kind
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

_HEAD = """\
# The policy file

A policy is one YAML file, `policy-config.yaml`. `kt init` writes one with comments and tests, and
`kt policy lint` refuses what does not stand here. This is a whole one:

```yaml
pack: {name: Help desk, id: helpdesk, version: 1.0.0, enabled: true}
policies:
  chain:
    - prompt-injection
    - pii-detector: {when: {path: /v1/chat}}
    - audit-logger
policy:
  pii-detector: {action: redact}
```

A warning of lint that is meant to be is suppressed, with its reason, by a comment at the end of its
line or in a line of its own before it, such as
`# kt: allow W007 because the bot is retired in May` ([W015](lint-codes.md#w015)).

In the tables `[]` stands for each item of a list, and `NAME` for a name that you choose. Where no
default is given, what is left out is not set.

This page is made of the tables that lint and the gateway read; `kt policy schema --format markdown`
prints it.
"""
_UNENFORCED = """\
## Not enforced

Words of the public language that this version does not enforce, and so refuses
([E009](lint-codes.md#e009)):
"""
_HEADINGS = "| key | value | default | |\n|---|---|---|---|"
_KIND = "KIND"


def page() -> str:
    """The page, ending in a line break."""
    sections = [_section(name, field) for name, field in DOCUMENT.fields.items()]
    return "\n".join([_HEAD, *sections, _UNENFORCED, *_not_enforced()]) + "\n"


def _section(name: str, field: Field) -> str:
    head = f"## {name}\n\n{_sentence(field.doc)}\n"
    if name == "policy":
        return "\n".join([head, *map(_kind, KINDS.values())])
    return f"{head}\n{_table(list(_below(name, field.shape)) or [_row(name, field)])}"


def _kind(kind: Kind) -> str:
    where = f"Runs at {' and '.join(f'`{stage}`' for stage in kind.stages)}"
    needs = f"; needs its block `policy.{kind.name}`" if kind.needs_block else ""
    rows = [row for name, field in kind.fields.items() for row in _rows(name, field)]
    return f"### {kind.name}\n\n{_sentence(kind.summary)} {where}{needs}.\n\n{_table(rows)}"


def _table(rows: list[str]) -> str:
    return "\n".join([_HEADINGS, *rows, ""])


def _rows(path: str, field: Field) -> Iterator[str]:
    """The row of a key, and those of the keys below it."""
    yield _row(path, field)
    yield from _below(path, field.shape)


def _row(path: str, field: Field) -> str:
    return f"| `{path}` | {_of(field.shape)} | {_default(field)} | {field.doc} |"


def _below(path: str, shape: Shape) -> Iterator[str]:
    for under, inner in _blocks(path, shape):
        for name, field in inner.fields.items():
            yield from _rows(f"{under}.{name}", field)


def _blocks(path: str, shape: Shape) -> Iterator[tuple[str, Block]]:
    """The blocks that a value of this shape holds first, with their paths."""
    if isinstance(shape, Block):
        yield path, shape
    elif isinstance(shape, ListOf):
        yield from _blocks(f"{path}[]", shape.item)
    elif isinstance(shape, MapOf):
        yield from _blocks(f"{path}.NAME", shape.value)
    elif isinstance(shape, TextOr):
        yield path, shape.long
    elif isinstance(shape, Chain):
        yield f"{path}[].{_KIND}", shape.options


def _default(field: Field) -> str:
    if field.required:
        return "required"
    if field.default is None:
        return ""
    if isinstance(field.default, str):
        return f"`{field.default}`"
    if isinstance(field.default, tuple | Mapping):
        return ", ".join(f"`{item}`" for item in field.default) or "none"
    return f"`{json.dumps(field.default)}`"


def _of(shape: Shape) -> str:
    return _WORDS[type(shape)](shape)


def _text(shape: Text) -> str:
    words = "text" if shape.form in (None, "line") else FORMS[shape.form or ""].words
    return f"{words}; at most {shape.high:,} characters"


def _whole(shape: Whole) -> str:
    return f"a whole number, {shape.low:,} to {shape.high:,}"


def _choice(shape: Choice) -> str:
    return " or ".join(f"`{value}`" for value in shape.values)


def _list(shape: ListOf) -> str:
    least = f", {shape.low} at least" if shape.low else ""
    most = f", {shape.high:,} at most" if shape.high is not None else ""
    return f"a list{least}{most}: {_of(shape.item)}"


def _chain(shape: Chain) -> str:
    return f"a list, {shape.high} at most: a kind, or a mapping from one to its options"


def _map(shape: MapOf) -> str:
    return f"a mapping. Names: {_of(shape.key)}. Values: {_of(shape.value)}"


_WORDS: dict[type, Callable[[Any], str]] = {
    Block: lambda _: "a mapping",
    Text: _text,
    Pattern: lambda shape: f"a regular expression; at most {shape.high:,} characters",
    Flag: lambda _: "`true` or `false`",
    Whole: _whole,
    Number: lambda shape: f"a number, {shape.low:g} to {shape.high:g}",
    Choice: _choice,
    Anything: lambda _: "anything",
    TextOr: lambda shape: f"{_of(shape.short)}; or a mapping",
    ListOf: _list,
    MapOf: _map,
    Chain: _chain,
}


def _not_enforced() -> Iterator[str]:
    yield f"- kinds: {_quoted(UNSUPPORTED_KINDS)}"
    for path, shape, words in _refused("", DOCUMENT):
        if words:
            yield f"- {shape} `{path}`: {_quoted(words)}" if path else f"- keys: {_quoted(words)}"


def _refused(path: str, shape: Shape) -> Iterator[tuple[str, str, Iterable[str]]]:
    """What is refused in a value and below it: where, keys or values, and which."""
    if isinstance(shape, Choice):
        yield path, "values of", shape.unsupported
    for under, inner in _blocks(path, shape):
        # The kinds are named above, and not a second time as the blocks that they are.
        yield under, "keys of", () if under == "policy" else inner.unsupported
        for name, field in inner.fields.items():
            yield from _refused(f"{under}.{name}".lstrip("."), field.shape)


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in sorted(words))


def _sentence(doc: str) -> str:
    return f"{doc[0].upper()}{doc[1:]}."
