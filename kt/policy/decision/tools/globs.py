"""Globs over names: `*` is any run of characters, `?` any single one. Case counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from kt.policy.decision.reading.engine import compiled, escaped

_SIGNS = {"*": ".*", "?": "."}
# The time to compile alternatives grows with the square of their number, and a megabyte of them
# RE2 refuses.
_AT_ONCE = 500

Globs: TypeAlias = "tuple[Any, ...]"
"""RE2 patterns, one of which is to match; no pattern matches no name."""


def compile_globs(globs: Iterable[str]) -> Globs:
    """Compile globs, with work that grows with their length."""
    patterns = ["".join(_SIGNS.get(sign) or escaped(sign) for sign in glob) for glob in globs]
    parts = (patterns[at : at + _AT_ONCE] for at in range(0, len(patterns), _AT_ONCE))
    return tuple(compiled(f"(?s)(?:{'|'.join(part)})") for part in parts)


def matches(globs: Globs, name: str) -> bool:
    """Whether a whole name matches one of the globs."""
    data = name.encode("utf-8", "replace")
    return any(one.fullmatch(data) is not None for one in globs)
