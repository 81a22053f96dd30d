"""`kt policy diff A B`: print what a change does to enforcement.

Exit codes: 0, or 1 with `--fail-on weaker` when something got weaker; 2 when a file cannot
be read or does not pass lint.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
from collections.abc import Sequence
from dataclasses import asdict

from kt.cli.errors import CommandError
from kt.cli.formats import Context, Result, repository_root
from kt.cli.sources import STDIN, SourceFile, read_file
from kt.policy.changes import Change
from kt.policy.diff import diff
from kt.policy.findings import Finding, Severity
from kt.policy.lint import lint
from kt.policy.report import Report
from kt.policy.yaml.document import read
from kt.policy.yaml.places import nearest_place, places

_SIGNS = {"stronger": "+", "weaker": "-", "other": " "}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("before", metavar="A", help="the policy as it was; - for stdin")
    add("after", metavar="B", help="the policy as it will be; - for stdin")
    add("--format", choices=("text", "json", "sarif"), default="text", help="default: text")
    add("--json", action="store_const", const="json", dest="format", help="as --format json")
    add("--fail-on", choices=("weaker",), help="exit with 1 when something gets weaker")


def run(options: argparse.Namespace) -> int:
    """Compare two policies and print what changes."""
    if options.before == options.after == STDIN:
        raise CommandError("stdin can be one of the two policies, not both")
    before, after = options.before, options.after
    old, new = _load(before, ("-", after)), _load(after, (before, "-"))
    changes = diff(old.data, new.data)
    is_weaker = any(change.effect == "weaker" for change in changes)
    if options.format == "sarif":
        print(_sarif(changes, new, is_fatal=options.fail_on == "weaker"), end="")
    else:
        print(_json(changes) if options.format == "json" else _text(changes))
    return int(options.fail_on == "weaker" and is_weaker)


def _load(path: str, with_stdin: tuple[str, str]) -> SourceFile:
    """A policy that passes lint; `with_stdin` is the command's two paths with `-` for this one."""
    if os.path.isdir(path):
        raise CommandError(f"{path} is a directory; name the policy file in it")
    source = read_file(path)
    if source.failure is not None:
        raise CommandError(f"{source.name}: {source.failure}{_of_git(path, with_stdin)}")
    report = lint(source.data)
    if not report.ok:
        raise CommandError(f"{source.name} does not pass kt policy lint; mend that first")
    return source


def _of_git(path: str, with_stdin: tuple[str, str]) -> str:
    """The way to compare a file of a commit, when a path that is not there looks like one."""
    revision, colon, file = path.partition(":")
    if not (revision and colon and file) or os.path.lexists(path):
        return ""
    command = shlex.join(("kt", "policy", "diff", *with_stdin))
    return f"; for a file of a commit: git show {shlex.quote(path)} | {command}"


def _json(changes: Sequence[Change]) -> str:
    effects: list[str] = [change.effect for change in changes]
    summary = {effect: effects.count(effect) for effect in _SIGNS}
    rows = [asdict(change) for change in changes]
    return json.dumps({"changes": rows, "summary": summary}, indent=2)


def _sarif(changes: Sequence[Change], after: SourceFile, *, is_fatal: bool) -> str:
    """The changes at their places in the later policy, or in what they were a part of."""
    from kt.cli.formats.sarif import render

    known = dict(places(read(after.data).root))
    findings = []
    for change in changes:
        severity: Severity = "error" if is_fatal and change.effect == "weaker" else "warning"
        at = known[nearest_place(change.path, known)]
        found = (change.path, change.message, "", at.line, at.column)
        findings.append(Finding(change.effect, severity, *found))
    result = Result(after.name, b"", Report(tuple(findings), None, ()))
    context = Context(root=repository_root(), tool="kt policy diff", notes=("stronger", "other"))
    return render([result], context)


def _text(changes: Sequence[Change]) -> str:
    if not changes:
        return "no change of enforcement"
    return "\n".join(
        f"{_SIGNS[change.effect]} {change.effect:<8}  {change.message}" for change in changes
    )
