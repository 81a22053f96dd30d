"""The output of `kt drift`: for people, as JSON, as GitHub annotations, JUnit, and SARIF."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from types import MappingProxyType

from kt.cli.drift.comparison import IN_SYNC, NO_FILE, UNSEEN, Row, drifts
from kt.cli.formats import Context, Result, repository_root
from kt.policy.findings import Finding, Severity
from kt.policy.report import Report

Render = Callable[[Sequence[Row], Sequence[str]], str]


def _text(rows: Sequence[Row], ignored: Sequence[str]) -> str:
    lines = [_line(row, ignored) for row in rows]
    counts = Counter(row.state for row in rows)
    lines.append(", ".join(f"{count} {state}" for state, count in counts.items()))
    return "".join(f"{line}\n" for line in lines)


def _line(row: Row, ignored: Sequence[str]) -> str:
    what = f"{row.configuration} on {row.gateway}" if row.gateway else row.configuration
    why = f": {row.why}" if row.why else ""
    since = f" (since {row.since})" if row.since and row.state != IN_SYNC else ""
    left = " [ignored]" if row.state in ignored else ""
    return f"{row.state:<11}  {what}{why}{since}{left}"


def _json(rows: Sequence[Row], ignored: Sequence[str]) -> str:
    report = {
        "ok": not drifts(rows, ignored),
        "summary": dict(Counter(row.state for row in rows)),
        "ignored": list(ignored),
        "rows": [asdict(row) for row in rows],
    }
    return json.dumps(report, indent=2) + "\n"


def _as_findings(name: str) -> Render:
    """A renderer in a format of findings in files; what is of no file here is left out."""

    def render(rows: Sequence[Row], ignored: Sequence[str]) -> str:
        by_path: dict[str, list[Row]] = {}
        for row in rows:
            if row.state not in (NO_FILE, UNSEEN):
                by_path.setdefault(row.path, []).append(row)
        root = repository_root()
        results = [
            _result(os.path.join(root, path), states, ignored) for path, states in by_path.items()
        ]
        module = import_module(f"kt.cli.formats.{name}")
        text: str = module.render(results, Context(root=root, tool="kt drift"))
        return text

    return render


def _result(path: str, rows: Sequence[Row], ignored: Sequence[str]) -> Result:
    findings = tuple(_finding(row, ignored) for row in rows if row.state != IN_SYNC)
    return Result(path, b"", Report(findings, None, ()))


def _finding(row: Row, ignored: Sequence[str]) -> Finding:
    what = f"gateway {row.gateway}" if row.gateway else row.configuration
    severity: Severity = "warning" if row.state in ignored else "error"
    message = f"{what}: {row.why or row.state}"
    return Finding(row.state, severity, row.gateway or row.configuration, message, "", 1, 1)


RENDERERS: Mapping[str, Render] = MappingProxyType(
    {
        "text": _text,
        "json": _json,
        "github": _as_findings("github"),
        "junit": _as_findings("junit"),
        "sarif": _as_findings("sarif"),
    }
)
"""Format name → function that renders rows, given the ignored states."""
