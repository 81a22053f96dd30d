"""Globs over names: `*` is any run of characters, `?` any single one. Case counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kt.policy.decision.reading.engine import compiled, escaped

_SIGNS = {"*": ".*", "?": "."}


def compile_globs(globs: Iterable[str]) -> Any:
    """Compile globs into one RE2 pattern; without a glob it matches no name."""
    patterns = ["".join(_SIGNS.get(sign) or escaped(sign) for sign in glob) for glob in globs]
    return compiled(f"(?s)(?:{'|'.join(patterns)})" if patterns else r"[^\x00-\x{10FFFF}]")


def matches(compiled: Any, name: str) -> bool:
    """True when a whole name matches one of the globs."""
    return compiled.fullmatch(name.encode("utf-8", "replace")) is not None
