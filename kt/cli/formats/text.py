"""Text for people: the place, the source line with a caret, and the fix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kt.cli.formats import Result
from kt.policy.findings import Finding

_WIDEST = 120


def render(results: Sequence[Result], *, as_list: bool = False) -> str:
    """The report, ending in a line break."""
    lines = [line for result in results for line in _file(result)]
    if len(results) > 1 or not all(result.report.ok for result in results):
        lines.append(_summary(results))
    return "".join(f"{line}\n" for line in lines)


def _file(result: Result) -> Iterator[str]:
    report = result.report
    source = _source_lines(result.data) if report.findings else []
    for finding in report.findings:
        yield from _finding(result.file, finding, source)
        yield ""
    if report.ok:
        pack = report.pack
        called = f"{pack.name} {pack.version}" if pack else ""
        yield f"OK {result.file} is valid: {called}, {' -> '.join(report.chain) or 'empty chain'}"


def _finding(file: str, finding: Finding, source: list[str]) -> Iterator[str]:
    place = f"{file}:{finding.line}:{finding.column}"
    yield f"{place}: {finding.severity}[{finding.code}]: {finding.message}"
    if finding.path:
        yield f"  --> {finding.path}"
    if finding.line <= len(source) and source[finding.line - 1].strip():
        yield from _excerpt(finding, source[finding.line - 1])
    if finding.suggestion:
        yield f"  help: {finding.suggestion}"


def _excerpt(finding: Finding, line: str) -> Iterator[str]:
    number = str(finding.line)
    start = max(0, finding.column - _WIDEST // 2) if len(line) > _WIDEST else 0
    shown = "".join(c if c.isprintable() else " " for c in line[start : start + _WIDEST])
    yield f"  {number} | {shown}"
    yield f"  {' ' * len(number)} | {' ' * (finding.column - 1 - start)}^"


def _source_lines(data: bytes) -> list[str]:
    return data.decode("utf-8-sig", "replace").replace("\r\n", "\n").split("\n")


def _summary(results: Sequence[Result]) -> str:
    errors = sum(len(result.report.errors) for result in results)
    warnings = sum(len(result.report.warnings) for result in results)
    counts = ((len(results), "file"), (errors, "error"), (warnings, "warning"))
    return ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts)
