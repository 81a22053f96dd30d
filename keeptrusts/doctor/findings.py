"""Findings of a doctor, and their order."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

Level = Literal["ok", "warning", "wrong"]
LEVELS: Sequence[Level] = ("wrong", "warning", "ok")


class Finding(NamedTuple):
    """What a check found: in words, and what helps, which is empty where nothing is to be done."""

    check: str
    level: Level
    message: str
    help: str = ""


def sorted_by_level(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first; among alike in the order of the checks."""
    return sorted(findings, key=lambda one: LEVELS.index(one.level))
