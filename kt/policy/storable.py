"""Findings cut down to what a database row may hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from kt.policy.findings import Finding


def storable(findings: Sequence[Finding], limit: int) -> tuple[Finding, ...]:
    """At most `limit` findings, in texts that a database takes.

    Warnings are left out before errors; a last finding says how many are missing.
    """
    return tuple(map(_printable, _bounded(findings, limit)))


def _bounded(findings: Sequence[Finding], limit: int) -> Iterable[Finding]:
    if len(findings) <= limit:
        return findings
    kept = sorted(findings, key=lambda finding: finding.severity != "error")[: limit - 1]
    more = f"there are {len(findings) - len(kept)} more findings; kt policy lint lists them"
    kept.sort(key=lambda finding: (finding.line, finding.column))
    return [*kept, Finding("more_findings", "warning", "", more, "", 1, 1)]


def _printable(finding: Finding) -> Finding:
    """A finding without NUL and lone surrogates, which no database stores but a file may have."""
    texts = {
        key: value.encode(errors="replace").decode().replace("\0", "\ufffd")
        for key, value in asdict(finding).items()
        if isinstance(value, str)
    }
    changes: dict[str, Any] = texts
    return replace(finding, **changes)
