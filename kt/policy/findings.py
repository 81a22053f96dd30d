"""Findings of lint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem at one place of a policy file.

    `code` is stable for ever (`E002`, `W001`); `kt policy explain CODE` prints its page.
    `path` is the place in the document (`policies.chain[2]`), "" for the document itself.
    `suggestion` is the fix in words, "" where there is none to give.
    `line` and `column` are 1-based and count characters; a file that has no text has 1, 1.
    """

    code: str
    severity: Severity
    path: str
    message: str
    suggestion: str
    line: int
    column: int
