"""`when`: the conditions under which an entry of the chain runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kt.policy.decision.tools.globs import compile_globs, matches
from kt.policy.decision.values import Request


@dataclass(frozen=True, slots=True)
class Condition:
    """The conditions of one entry. All must hold; one that is not given holds."""

    path: str
    headers: tuple[tuple[str, str], ...]
    models: Any

    def holds(self, request: Request) -> bool:
        """True when the request meets all conditions."""
        return (
            request.path.startswith(self.path)
            and (not self.headers or self._named(request))
            and (self.models is None or matches(self.models, request.model))
        )

    def _named(self, request: Request) -> bool:
        return all(request.header(name) == value for name, value in self.headers)


def compile_condition(when: Mapping[str, Any]) -> Condition:
    """Compile the `when` of a chain entry."""
    globs = when.get("model")
    return Condition(
        path=when.get("path") or "",
        headers=tuple((when.get("header") or {}).items()),
        models=compile_globs(globs) if globs else None,
    )
