"""Annotations that GitHub Actions shows beside the changed lines."""

from __future__ import annotations

from collections.abc import Sequence

from kt.cli.formats import Context, Result, relative
from kt.lazy import TYPE_CHECKING

if TYPE_CHECKING:
    from kt.policy.findings import Finding


def render(results: Sequence[Result], context: Context) -> str:
    """One workflow command per finding, one a line."""
    return "".join(
        f"{_command(relative(result.file, context.root), finding)}\n"
        for result in results
        for finding in result.report.findings
    )


def _command(file: str, finding: Finding) -> str:
    properties = {
        "file": file,
        "line": finding.line,
        "col": finding.column,
        "title": f"{finding.code} {finding.path}".rstrip(),
    }
    pairs = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    text = f"{finding.message}; {finding.suggestion}" if finding.suggestion else finding.message
    return f"::{finding.severity} {pairs}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
