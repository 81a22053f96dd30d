"""Blocks whose text is signed: the thinking of a model, which goes back to it as it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kt.policy.decision.reading.extract import Path

SIGNATURE = "signature"
_SIGNED_TYPES = ("thinking", "reasoning")


def seal(body: Any, path: Path) -> Path:
    """The path of the signed block that holds the text at `path`, () when none does.

    A target refuses a block whose text is not the signed one, in this call and each later one.
    """
    found: Path = ()
    for at, step in enumerate(path, start=1):
        body = body[step]
        if isinstance(body, Mapping) and _is_signed(body):
            found = path[:at]
    return found


def _is_signed(value: Mapping[str, Any]) -> bool:
    kind, signature = value.get("type"), value.get(SIGNATURE)
    is_signed = isinstance(signature, str) and signature != ""
    return is_signed and isinstance(kind, str) and kind.startswith(_SIGNED_TYPES)
