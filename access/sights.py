"""Sights: the configurations that a narrowed credential sees. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

# The roles that may be narrowed: the others are about more than configurations.
NARROWABLE = ("ci", "viewer", "auditor", "editor")

# How a method of an endpoint answers a narrowed credential, as each view declares it: with what is
# seen alone; never; or as any other, since it is not about what others have. One that declares
# nothing never answers.
FILTERED, REFUSED, UNRELATED = "filtered", "refused", "unrelated"

_GLOB = re.compile(r"[a-z0-9._*-]{1,200}")
_MOST_STARS = 3  # Each multiplies what a match may cost.


@dataclass(frozen=True)
class Sight:
    """Which configurations are seen: those with an id that a glob of `ids` matches, and those
    that have all of `labels`, unless there are none.

    In a glob `*` stands for any characters, also for none. A sight of nothing has neither.
    """

    ids: tuple[str, ...] = ()
    labels: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """The sight that `stored` is of."""
        return cls(tuple(stored["ids"]), frozenset(stored["labels"].items()))

    def stored(self) -> dict[str, Any]:
        """The sight as the database and the API have it: `ids` and `labels`."""
        return {"ids": list(self.ids), "labels": dict(sorted(self.labels))}

    def names(self, configuration_id: str) -> bool:
        """Whether a glob matches an id, whether or not there is such a configuration."""
        return bool(configuration_id and re.fullmatch(self.pattern, configuration_id))

    def sees(self, configuration_id: str, labels: Mapping[str, str]) -> bool:
        """Whether a configuration with this id and these labels is seen."""
        return self.names(configuration_id) or self.selects(labels)

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether labels are all there, of a sight that has any."""
        return bool(self.labels) and self.labels <= set(labels.items())

    @cached_property
    def pattern(self) -> str:
        """A regular expression of what the globs match, without globs of the empty text alone.

        It means the same in Python and PostgreSQL.
        """
        parts = [re.escape(glob).replace(r"\*", ".*") for glob in self.ids]
        return f"^({'|'.join(parts)})$" if parts else "^$"

    def covers(self, other: Self) -> bool:
        """Whether all that another sees is provably seen: False also where it may be."""
        within = all(any(_is_within(glob, outer) for outer in self.ids) for glob in other.ids)
        # More labels select fewer.
        selects = bool(self.labels) and self.labels <= other.labels
        return within and (not other.labels or selects)


def read(stored: Mapping[str, Any] | None) -> Sight | None:
    """The sight that a credential has; None for one that sees all."""
    return None if stored is None else Sight.read(stored)


def covers(sight: Sight | None, other: Sight | None) -> bool:
    """Whether one sight is provably as wide as another; None is the widest."""
    return sight is None or (other is not None and sight.covers(other))


def problem(glob: str) -> str | None:
    """The reason why a glob of ids cannot be used, as the end of a sentence, or None."""
    if _GLOB.fullmatch(glob) and glob.count("*") <= _MOST_STARS:
        return None
    return f"must be of a-z, 0-9, '.', '_', '-' and at most {_MOST_STARS} '*', in 200 characters"


def _is_within(glob: str, outer: str) -> bool:
    """Whether all that `glob` matches is matched by `outer`; both as globs of ids."""
    if glob == outer or outer == "*":
        return True
    # A `*` of the inner one must meet one of the outer one: no id has this character.
    return re.fullmatch(Sight((outer,)).pattern, glob.replace("*", "/")) is not None
