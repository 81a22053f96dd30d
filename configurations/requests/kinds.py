"""Kinds of changes that may be asked for. Each package registers its own."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keeptrusts.api.errors import FieldError
from keeptrusts.judge.asking import ANYBODY, Asker


@dataclass(frozen=True, slots=True)
class Caller:
    """In whose name a change is made, and whose turn before the judge it is."""

    name: str
    asker: Asker = ANYBODY


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of change.

    `action` is what it is by `access.roles`. `prepare(target, body, caller)` checks the body and
    returns the writer's call, which is made in a transaction. `standings(targets)` are the states
    of targets now, as `Change.upon` has them. `weakens(target, body, caller)` says what a change
    weakens, or None where that cannot be told.
    """

    action: str
    prepare: Callable[[str, Any, Caller], Callable[[], object]]
    standings: Callable[[Collection[str]], Mapping[str, str]] | None = None
    weakens: Callable[[str, Any, Caller], Sequence[str] | None] | None = None


KINDS: dict[str, Kind] = {}


def register(kinds: Mapping[str, Kind]) -> None:
    """Let changes of these kinds be asked for."""
    KINDS.update(kinds)


def named(name: str) -> Kind:
    """The kind of a name.

    Raises:
        FieldError: there is none.
    """
    if name not in KINDS:
        raise FieldError("kind", f"must be one of {', '.join(sorted(KINDS))}")
    return KINDS[name]
