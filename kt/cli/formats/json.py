"""JSON: an object for one file, a list for several."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from kt.cli.formats import Context, Result
from kt.lazy import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from kt.policy.findings import Finding

_KEYS = ("code", "path", "message", "suggestion", "line", "column")


def render(results: Sequence[Result], context: Context) -> str:
    """The report, ending in a line break."""
    rows = [_row(result) for result in results]
    answer = rows if context.as_list or len(rows) != 1 else rows[0]
    return json.dumps(answer, indent=2) + "\n"


def _row(result: Result) -> dict[str, Any]:
    report = result.report
    suppressed = [{**_finding(one.finding), "reason": one.reason} for one in report.suppressed]
    # A key more only where there is something to tell.
    hidden = {"suppressed": suppressed} if suppressed else {}
    if not report.ok:
        return {"valid": False, "file": result.file, "errors": _findings(report.errors), **hidden}
    pack = report.pack
    return {
        "valid": True,
        "file": result.file,
        "pack": {"name": pack and pack.name, "version": pack and pack.version},
        "chain": list(report.chain),
        "policy_count": len(report.chain),
        "warnings": _findings(report.warnings),
        **hidden,
    }


def _findings(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    return [_finding(finding) for finding in findings]


def _finding(finding: Finding) -> dict[str, Any]:
    return {key: getattr(finding, key) for key in _KEYS}
