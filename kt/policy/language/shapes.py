"""What a value may look like. Every table of the language is made of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Text:
    """Text of `low` to `high` characters, in a named form (see `forms`) if one is given."""

    low: int = 1
    high: int = 1000
    form: str | None = None


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression that RE2 compiles, of at most `high` characters."""

    high: int = 2000


@dataclass(frozen=True, slots=True)
class Flag:
    """`true` or `false`."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `low` to `high`, both included."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words. `unsupported` are words of the public language not enforced here."""

    values: tuple[str, ...]
    unsupported: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Anything:
    """Any value: what stands here is of another language, such as a model's wire format."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of `low` to `high` items; `high` None sets no limit of its own.

    `unique` refuses the same text twice. `key` names the field that tells blocks apart, and
    refuses the same value of it twice.
    """

    item: Shape
    low: int = 0
    high: int | None = None
    unique: bool = False
    key: str | None = None


@dataclass(frozen=True, slots=True)
class MapOf:
    """A mapping from names of the reader's choosing to values of one shape."""

    key: Text | Choice
    value: Shape


# How a change of a value bears on enforcement. A tuple ranks values from weakest to strongest.
# "more" and "less": the larger or the smaller number is the stronger one, and a list is
# stronger with more or with fewer items. None: neither is.
Strength: TypeAlias = "Literal['more', 'less'] | tuple[Any, ...] | None"
ON: Strength = (False, True)
OFF: Strength = (True, False)


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a block.

    `default` is what holds when the key is absent; None means "not set". A field whose shape
    is a `Block` has None here: its defaults are those of the block's own fields.
    """

    shape: Shape
    default: Any = None
    required: bool = False
    doc: str = ""
    strength: Strength = None


@dataclass(frozen=True, slots=True)
class Block:
    """A mapping with known keys.

    `unsupported` names keys of the public language that this version does not enforce; giving
    one is an error that says so. `hints` gives the fix for keys people write by mistake.
    """

    fields: Mapping[str, Field]
    unsupported: frozenset[str] = frozenset()
    hints: Mapping[str, str] = field(default_factory=lambda: _NONE)


@dataclass(frozen=True, slots=True)
class Chain:
    """`policies.chain`: at most `high` kinds, or one-key maps from a kind to `options`."""

    options: Block
    high: int = 100


Shape: TypeAlias = (
    "Text | Pattern | Flag | Whole | Choice | Anything | ListOf | MapOf | Block | Chain"
)


def block(
    *,
    unsupported: tuple[str, ...] = (),
    hints: Mapping[str, str] = _NONE,
    **fields: Field,
) -> Block:
    """Make a `Block` from keyword arguments, in the order in which they are written."""
    return Block(MappingProxyType(fields), frozenset(unsupported), hints)
