"""`kt policy lint`: check policy files.

Exit codes: 0 valid, 1 errors found, 2 a file could not be read or the usage is wrong. A named file
that is plainly no policy, or deleted since a commit, is a warning.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module

from kt.cli.errors import CommandError
from kt.cli.formats import NOT_READ, STDIN_NAME, Context, Result, repository_root, write_report
from kt.cli.sameids import SameIds
from kt.cli.sources import SourceFile, read_sources
from kt.lazy import TYPE_CHECKING
from kt.policy.lint import lint
from kt.policy.report import Report

if TYPE_CHECKING:
    import argparse

    from kt.policy.findings import Finding

FORMATS = ("auto", "text", "json", "sarif", "github", "gitlab", "junit")

_LINTED = (".yaml", ".yml", STDIN_NAME)
_PATHS_FROM_ROOT = frozenset(("sarif", "github", "gitlab", "junit"))


class LintOptions:
    """The options of the command, by the names that argparse uses."""

    def __init__(self) -> None:
        self.file: list[str] = []
        self.paths: list[str] = []
        self.format = "auto"
        self.output: str | None = None
        self.strict = False
        self.since: str | None = None


def read_plainly(argv: Sequence[str]) -> LintOptions | None:
    """Read a command line that has nothing but paths, `--file` in front, `--json`, `--strict`.

    None for any other, which argparse reads; importing and building that is a tenth of a run.
    """
    options = LintOptions()
    words = list(argv)
    if words[:1] == ["--file"] and words[1:] and not words[1].startswith("-"):
        del words[0]
    for word in words:
        if word == "--json":
            options.format = "json"
        elif word == "--strict":
            options.strict = True
        elif not word.startswith("-"):
            options.paths.append(word)
        else:
            return None
    return options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("paths", nargs="*", metavar="PATH", help="files, directories, or - for stdin")
    add("--file", nargs="+", action="extend", default=[], metavar="F", help="as PATH")
    add(
        "--format",
        choices=FORMATS,
        default="auto",
        help="default: auto, text and annotations on GitHub",
    )
    add("--json", action="store_const", const="json", dest="format", help="as --format json")
    add("--output", metavar="FILE", help="write the report there and text to stdout")
    add("--strict", action="store_true", help="warnings are errors")
    add("--since", metavar="REF", help="only policies that differ from where HEAD left REF")


def run(options: LintOptions | argparse.Namespace) -> int:
    """Lint files and report; the exit code."""
    paths = [*options.file, *options.paths]
    if options.since is None and not paths:
        raise CommandError("give a file or a directory to lint, or - for stdin")
    as_list = options.since is not None or len(paths) > 1 or os.path.isdir(paths[0])
    if options.since is not None:
        from kt.cli.git.changed import changed_policies

        paths = changed_policies(options.since, paths)
    results = _lint(read_sources(paths), strict=options.strict)
    _report(results, options.format, options.output, as_list=as_list)
    unread = [
        f"kt: {result.file}: {finding.message}"
        for result in results
        for finding in result.report.findings
        if finding.code == NOT_READ
    ]
    for line in unread:
        print(line, file=sys.stderr)
    return 2 if unread else int(not all(result.report.ok for result in results))


def _lint(sources: Iterable[SourceFile], *, strict: bool) -> list[Result]:
    results: list[Result] = []
    ids = SameIds()
    for index, source in enumerate(sources):
        unlinted = _not_linted(source)
        report = unlinted or lint(source.data, directory=source.directory, authoring=True)
        report = _strict(report) if strict and report.findings else report
        # Only findings need the text, to show the line; clean files may be thousands.
        has_lines = report.findings and unlinted is None
        results.append(Result(source.name, source.data if has_lines else b"", report))
        ids.note(index, source, report)
    for index, data, finding in ids.shared():
        results[index] = _with(results[index], data, finding, strict=strict)
    return results


def _with(result: Result, data: bytes, finding: Finding, *, strict: bool) -> Result:
    """The result with one finding more, in the order of the file."""
    report = result.report
    findings = sorted((*report.findings, finding), key=lambda one: (one.line, one.column, one.code))
    report = _found(report, findings)
    return Result(result.file, data, _strict(report) if strict else report)


def _found(report: Report, findings: Iterable[Finding]) -> Report:
    """The report with other findings."""
    complete, suppressed = report.complete, report.suppressed
    found = tuple(findings)
    return Report(found, report.pack, report.chain, complete=complete, suppressed=suppressed)


def _not_linted(source: SourceFile) -> Report | None:
    """The report of a file that no rule looks at, or None."""
    if source.failure is None and source.name.endswith(_LINTED):
        return None  # Without the import: nearly every file is one of these.
    from kt.cli.unlinted import reason

    if (warning := reason(source)) is not None:
        return Report((warning,), None, ())
    return _unread(source.failure) if source.failure is not None else None


def _unread(failure: str) -> Report:
    from kt.policy.findings import Finding

    return Report((Finding(NOT_READ, "error", "", failure, "", 1, 1),), None, ())


def _strict(report: Report) -> Report:
    from dataclasses import replace

    return _found(report, (replace(finding, severity="error") for finding in report.findings))


def _report(
    results: Sequence[Result], format_name: str, output: str | None, *, as_list: bool
) -> None:
    if output is None:
        for name in _formats(format_name):
            print(_render(name, results, as_list=as_list, color=_may_color()), end="")
        return
    name = "text" if format_name == "auto" else format_name
    write_report(output, _render(name, results, as_list=as_list, color=False))
    print(_render("text", results, as_list=as_list, color=_may_color()), end="")


def _formats(name: str) -> tuple[str, ...]:
    """The formats to print: `auto` is text, and annotations too under GitHub Actions."""
    if name != "auto":
        return (name,)
    return ("text", "github") if os.environ.get("GITHUB_ACTIONS") == "true" else ("text",)


def _may_color() -> bool:
    return sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _render(name: str, results: Sequence[Result], *, as_list: bool, color: bool) -> str:
    root = repository_root() if name in _PATHS_FROM_ROOT else "."
    module = import_module(f"kt.cli.formats.{name}")
    rendered: str = module.render(results, Context(as_list=as_list, color=color, root=root))
    return rendered
