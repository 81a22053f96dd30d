"""Reports for people and for machines; a module for each format, imported when asked for.

A format is a module with `render(results: Sequence[Result], *, as_list: bool) -> str`.
"""

from __future__ import annotations

from typing import NamedTuple

from kt.policy.findings import Report


class Result(NamedTuple):
    """One file with what lint says about it."""

    file: str
    data: bytes
    report: Report
