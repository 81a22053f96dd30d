"""Text for people: the place, the source line with a caret, and the fix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kt.cli.formats import Context, Result
from kt.lazy import TYPE_CHECKING

if TYPE_CHECKING:
    from kt.policy.findings import Finding

# Longer lines are shown around the place only.
_WIDEST = 120

_BOLD, _RED, _YELLOW, _GREEN, _CYAN = "1", "1;31", "1;33", "1;32", "36"


def render(results: Sequence[Result], context: Context) -> str:
    """The report, ending in a line break."""
    if not results:
        return "nothing to lint: no policy differs\n"
    lines = [line for result in results for line in _file(result, color=context.color)]
    if len(results) != 1 or not results[0].report.ok:
        lines.append(_summary(results))
    return "".join(f"{line}\n" for line in lines)


def _file(result: Result, *, color: bool) -> Iterator[str]:
    report = result.report
    source = _source_lines(result.data) if report.findings else []
    for finding in report.findings:
        yield from _finding(result.file, finding, source, color=color)
        yield ""
    if report.ok and report.pack is not None:
        yield _painted("OK", _GREEN, color) + f" {result.file} is valid{_contents(result)}"


def _contents(result: Result) -> str:
    pack, chain = result.report.pack, result.report.chain
    name = f"{pack.name} {pack.version}" if pack else ""
    count = len(result.report.suppressed)
    hidden = f", {count} suppressed" if count else ""
    return f": {name}, {' -> '.join(chain) or 'empty chain'}{hidden}"


def _finding(file: str, finding: Finding, source: list[str], *, color: bool) -> Iterator[str]:
    place = _painted(f"{file}:{finding.line}:{finding.column}", _BOLD, color)
    hue = _RED if finding.severity == "error" else _YELLOW
    label = _painted(f"{finding.severity}[{finding.code}]", hue, color)
    yield f"{place}: {label}: {finding.message}"
    if finding.path:
        yield f"  --> {finding.path}"
    if finding.line <= len(source) and source[finding.line - 1].strip():
        yield from _excerpt(finding, source[finding.line - 1], color=color)
    if finding.suggestion:
        yield f"  {_painted('help:', _CYAN, color)} {finding.suggestion}"


def _excerpt(finding: Finding, line: str, *, color: bool) -> Iterator[str]:
    number = str(finding.line)
    start = max(0, finding.column - _WIDEST // 2) if len(line) > _WIDEST else 0
    text = "".join(c if c.isprintable() else " " for c in line[start : start + _WIDEST])
    caret = " " * (finding.column - 1 - start) + "^"
    yield f"  {number} | {text}"
    yield f"  {' ' * len(number)} | {_painted(caret, _RED, color)}"


def _painted(text: str, hue: str, color: bool) -> str:
    return f"\x1b[{hue}m{text}\x1b[0m" if color else text


def _source_lines(data: bytes) -> list[str]:
    return data.decode("utf-8-sig", "replace").replace("\r\n", "\n").split("\n")


def _summary(results: Sequence[Result]) -> str:
    errors = sum(len(result.report.errors) for result in results)
    warnings = sum(len(result.report.warnings) for result in results)
    hidden = sum(len(result.report.suppressed) for result in results)
    counts = ((len(results), "file"), (errors, "error"), (warnings, "warning"))
    told = [f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts]
    return ", ".join([*told, *([f"{hidden} suppressed"] if hidden else [])])
