"""A GitLab code quality report."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from kt.cli.formats import Context, Result, relative

_SEVERITIES = {"error": "major", "warning": "minor"}


def render(results: Sequence[Result], context: Context) -> str:
    """A list of issues, empty when clean."""
    return json.dumps(list(_issues(results, context)), indent=2) + "\n"


def _issues(results: Sequence[Result], context: Context) -> Iterator[dict[str, Any]]:
    seen: Counter[tuple[str, str, str]] = Counter()
    for result in results:
        file = relative(result.file, context.root)
        for finding in result.report.findings:
            # Without the line: a finding keeps its fingerprint when text above it grows.
            facts = (finding.code, file, finding.path)
            seen[facts] += 1
            text = "\0".join((*facts, str(seen[facts])))
            yield {
                "description": f"{finding.code}: {finding.message}",
                "check_name": finding.code,
                "fingerprint": hashlib.sha256(text.encode()).hexdigest(),
                "severity": _SEVERITIES[finding.severity],
                "location": {"path": file, "lines": {"begin": finding.line}},
            }
