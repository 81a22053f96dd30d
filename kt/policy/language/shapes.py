"""Shapes of values, of which every table of the language is made."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kt.lazy import TYPE_CHECKING
from kt.policy.frozen import Frozen

if TYPE_CHECKING:
    from typing import Any, Literal, TypeAlias

_NONE: Mapping[str, str] = MappingProxyType({})

# How a change of a value bears on enforcement. A tuple ranks values from weakest to strongest.
# "more" and "less": the larger or the smaller number is the stronger one, and a list is
# stronger with more or with fewer items. None: neither is.
Strength: TypeAlias = "Literal['more', 'less'] | tuple[Any, ...] | None"
ON: Strength = (False, True)

Shape: TypeAlias = (
    "Text | Pattern | Flag | Whole | Number | Choice | Anything | ListOf | MapOf | Block | TextOr"
    " | Chain"
)


class Text(Frozen):
    """Text of `low` to `high` characters, in a named form (see `forms`) if one is given."""

    __slots__ = ("form", "high", "low")

    def __init__(self, low: int = 1, high: int = 1000, form: str | None = None) -> None:
        self.low = low
        self.high = high
        self.form = form


class Pattern(Frozen):
    """A regular expression that RE2 compiles, of at most `high` characters."""

    __slots__ = ("high",)

    def __init__(self, high: int = 2000) -> None:
        self.high = high


class Flag(Frozen):
    """`true` or `false`."""

    __slots__ = ()


class Whole(Frozen):
    """A whole number from `low` to `high`, both included."""

    __slots__ = ("high", "low")

    def __init__(self, low: int, high: int) -> None:
        self.low = low
        self.high = high


class Number(Frozen):
    """A number from `low` to `high`, both included, whole or not."""

    __slots__ = ("high", "low")

    def __init__(self, low: float, high: float) -> None:
        self.low = low
        self.high = high


class Choice(Frozen):
    """One of a few words. `unsupported` are words of the public language not enforced here."""

    __slots__ = ("unsupported", "values")

    def __init__(self, values: tuple[str, ...], unsupported: tuple[str, ...] = ()) -> None:
        self.values = values
        self.unsupported = unsupported


class Anything(Frozen):
    """Any value: its format is not this language's, such as a model's wire format."""

    __slots__ = ()


class ListOf(Frozen):
    """A list of `low` to `high` items; `high` None sets no limit of its own.

    `unique` refuses the same text twice. `key` names the field of each block whose
    value must differ from all others'.
    """

    __slots__ = ("high", "item", "key", "low", "unique")

    def __init__(
        self,
        item: Shape,
        low: int = 0,
        high: int | None = None,
        unique: bool = False,
        key: str | None = None,
    ) -> None:
        self.item = item
        self.low = low
        self.high = high
        self.unique = unique
        self.key = key


class MapOf(Frozen):
    """A mapping from names that the policy's author chooses to values of one shape."""

    __slots__ = ("key", "value")

    def __init__(self, key: Text | Choice, value: Shape) -> None:
        self.key = key
        self.value = value


class Field(Frozen):
    """One key of a block.

    `default` is the value when the key is absent; None means "not set". A field whose shape
    is a `Block` has None here: its defaults are those of the block's own fields.
    """

    __slots__ = ("default", "doc", "required", "shape", "strength")

    def __init__(
        self,
        shape: Shape,
        default: Any = None,
        required: bool = False,
        doc: str = "",
        strength: Strength = None,
    ) -> None:
        self.shape = shape
        self.default = default
        self.required = required
        self.doc = doc
        self.strength = strength


class Block(Frozen):
    """A mapping with known keys.

    `unsupported` names keys of the public language that this version does not enforce; giving
    one is an error that says so. `hints` gives the fix for keys people write by mistake.
    """

    __slots__ = ("fields", "hints", "unsupported")

    def __init__(
        self,
        fields: Mapping[str, Field],
        unsupported: frozenset[str] = frozenset(),
        hints: Mapping[str, str] = _NONE,
    ) -> None:
        self.fields = fields
        self.unsupported = unsupported
        self.hints = hints


class TextOr(Frozen):
    """Text, or a block that says more: the short and the long form of one value."""

    __slots__ = ("long", "short")

    def __init__(self, short: Text, long: Block) -> None:
        self.short = short
        self.long = long


class Chain(Frozen):
    """`policies.chain`: at most `high` kinds, or one-key maps from a kind to `options`."""

    __slots__ = ("high", "options")

    def __init__(self, options: Block, high: int = 100) -> None:
        self.options = options
        self.high = high


def block(
    *,
    unsupported: tuple[str, ...] = (),
    hints: Mapping[str, str] = _NONE,
    **fields: Field,
) -> Block:
    """Make a `Block` from keyword arguments, in the order in which they are written."""
    return Block(MappingProxyType(fields), frozenset(unsupported), hints)
