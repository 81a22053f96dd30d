"""`kt policy mutate`: change a policy in small ways, and say which changes its tests do not notice.

Exit codes: 0 all was tried, 1 fewer are killed than asked for, 2 a file could not be read, is no
valid policy, or its own tests fail.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

from kt.cli.errors import CommandError
from kt.cli.formats import write_report
from kt.cli.git.before import Before
from kt.cli.git.changed import changed_policies
from kt.cli.models.asking import AskedFiles
from kt.cli.models.named import add_files
from kt.cli.mutants.report import RENDERERS, Mutated
from kt.cli.sources import SourceFile, read_sources
from kt.cli.test import UntestableError, root_of, suites_beside
from kt.policy.lint import lint
from kt.policy.mutants.measure import mutate
from kt.policy.mutants.mutant import Mutant
from kt.policy.mutants.operators import mutants
from kt.policy.nodes import plain
from kt.policy.testing.suites import Ask
from kt.policy.yaml.document import read

_COULD_NOT = 2
_MOST = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("paths", nargs="*", metavar="PATH", help="files, directories, or - for stdin; default: .")
    add("--since", metavar="REF", help="only what differs from the commit where HEAD left REF")
    add("--most", type=int, default=_MOST, metavar="N",
        help=f"try this many of a policy, evenly chosen; default: {_MOST}")  # fmt: skip
    add("--fail-under", type=float, metavar="PERCENT",
        help="exit with 1 where the tests of a policy kill fewer")  # fmt: skip
    add("--format", choices=tuple(RENDERERS), default="text", help="default: text")
    add("--json", action="store_const", const="json", dest="format", help="as --format json")
    add_files(add)
    add("--output", metavar="FILE", help="write the report there and text to stdout")


def run(options: argparse.Namespace) -> int:
    """Try the mutants of policies and report; the exit code."""
    if options.most < 1:
        raise CommandError("--most is at least 1")
    paths = options.paths or ["."]
    before = None
    if options.since is not None:
        before, paths = Before(options.since), changed_policies(options.since, options.paths)
    with AskedFiles(options.model) as models:
        mutated = [
            _mutated(source, models.ask, before, options.most) for source in read_sources(paths)
        ]
    report = RENDERERS[options.format](mutated)
    if options.output is not None:
        write_report(options.output, report)
        report = RENDERERS["text"](mutated)
    print(report, end="")
    problems = [one.problem for one in mutated if one.problem]
    low = [] if options.fail_under is None else list(_below(mutated, options.fail_under))
    for problem in (*problems, *low):
        print(f"kt: {problem}", file=sys.stderr)
    return _COULD_NOT if problems else int(bool(low))


def _mutated(source: SourceFile, ask: Ask, before: Before | None, most: int) -> Mutated:
    try:
        root = root_of(source)
        extra = list(suites_beside(source))
        keep = _since(before, source.path) if before is not None else _all
        found = mutate(root, extra, ask, keep=keep, most=most)
    except UntestableError as error:
        return Mutated(source.name, problem=str(error))
    if found.failing:
        problem = f"{source.name}: its own tests fail: {found.failing[0]}; see kt policy test"
        return Mutated(source.name, problem=problem)
    return Mutated(source.name, found)


def _all(_mutant: Mutant) -> bool:
    return True


def _since(before: Before, path: str) -> Callable[[Mutant], bool]:
    """A check that keeps the mutants which the file of before did not have."""
    content = before.content(path)
    if content is None or not lint(content).ok:
        return _all
    root = read(content).root
    assert root is not None, "lint has read it"
    old: object = plain(root)
    assert isinstance(old, dict), "lint has read it"
    known = {mutant.signature for mutant in mutants(old)}
    return lambda mutant: mutant.signature not in known


def _below(mutated: list[Mutated], least: float) -> Iterator[str]:
    for one in mutated:
        if one.found is not None and one.found.percent < least:
            share = f"{one.found.percent} % of its mutants are killed"
            yield f"{one.file}: {share}, and {least:g} % are asked for"
