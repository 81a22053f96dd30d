"""Findings as a row of a database may keep them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from kt.policy.findings import Finding


def storable(findings: Sequence[Finding], limit: int) -> tuple[Finding, ...]:
    """At most `limit` findings, in texts that a database takes.

    What is left out are warnings before errors; a last finding says how many they are.
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
    """A finding may quote the file; NUL and lone surrogates are more than a database holds."""
    texts = {
        key: value.encode(errors="replace").decode().replace("\0", "\ufffd")
        for key, value in asdict(finding).items()
        if isinstance(value, str)
    }
    changes: dict[str, Any] = texts
    return replace(finding, **changes)
