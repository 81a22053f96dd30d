"""A JUnit report: a suite for each file, a case for each finding, or one that passed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from kt.cli.formats import NOT_READ, Context, Result, relative
from kt.lazy import TYPE_CHECKING

if TYPE_CHECKING:
    from kt.policy.findings import Finding


def render(results: Sequence[Result], context: Context) -> str:
    """The report. A warning is a passed case with output."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(f'<testsuites name="{context.tool}"{_counts(results)}>')
    for result in results:
        lines.extend(_suite(result, relative(result.file, context.root)))
    lines.append("</testsuites>")
    return "".join(f"{line}\n" for line in lines)


def _counts(results: Sequence[Result]) -> str:
    tests = sum(max(1, len(result.report.findings)) for result in results)
    kinds = [_kind(finding) for result in results for finding in result.report.errors]
    failures, errors = kinds.count("failure"), kinds.count("error")
    return f' tests="{tests}" failures="{failures}" errors="{errors}"'


def _kind(finding: Finding) -> str:
    """What an error is to JUnit: something wrong was found, or nothing could be looked at."""
    return "error" if finding.code == NOT_READ else "failure"


def _suite(result: Result, file: str) -> Iterator[str]:
    name = _quoted(file)
    yield f'  <testsuite name={name}{_counts([result])} skipped="0" time="0">'
    if not result.report.findings:
        yield f'    <testcase name="valid" classname={name} time="0"/>'
    for finding in result.report.findings:
        yield from _case(file, finding)
    yield "  </testsuite>"


def _case(file: str, finding: Finding) -> Iterator[str]:
    title = _quoted(f"{finding.code} {finding.path}".rstrip())
    text = f"{file}:{finding.line}:{finding.column}: {finding.message}"
    if finding.suggestion:
        text += f"\nhelp: {finding.suggestion}"
    yield f'    <testcase name={title} classname={_quoted(file)} time="0">'
    if finding.severity == "error":
        kind, message = _kind(finding), _quoted(finding.message)
        yield f'      <{kind} type="{finding.code}" message={message}>{_text(text)}</{kind}>'
    else:
        yield f"      <system-out>{_text(text)}</system-out>"
    yield "    </testcase>"


def _text(text: str) -> str:
    """Escaped text, without characters that XML 1.0 cannot hold."""
    return escape("".join(c if c.isprintable() or c == "\n" else " " for c in text))


def _quoted(text: str) -> str:
    return '"' + _text(text).replace('"', "&quot;").replace("\n", " ") + '"'
