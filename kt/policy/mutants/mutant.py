"""A mutant: one small change of a policy, and what a case may ask to notice it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kt.policy.mutants.samples import Part

_NUMBER = re.compile(r"\[[0-9]+\]")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A policy that differs from another in one place.

    `operator` names the sort of change, `path` what of the file it changes, `words` how. `policy`
    shares all that is not changed with the one that it is made of. `parts` are inputs that a case
    which notices it is looked for among. `beside` is the kind of a second entry that it moves,
    `aim` the id of the one target that it changes.
    """

    operator: str
    path: str
    words: str
    kind: str
    policy: Mapping[str, Any]
    parts: Callable[[], Iterator[Part]]
    beside: str = ""
    aim: str = ""

    @property
    def signature(self) -> tuple[str, str, str]:
        """What it changes, wherever in its list that stands."""
        return self.operator, _NUMBER.sub("[]", self.path), self.words
