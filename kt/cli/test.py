"""`kt policy test`: run a policy's own tests. No port, no network, no sleep.

A case that needs a model which is not given is not run, and said so; it does not fail unless the
policy says `require_model_cases`.

Exit codes: 0 none failed, 1 some failed or less is covered than asked for, 2 a file could not be
read, is no valid policy, or nothing was tested.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from kt.cli.formats import NOT_READ, write_report
from kt.cli.models.asking import AskedFiles
from kt.cli.models.named import add_files
from kt.cli.sources import SourceFile, read_bytes, read_sources
from kt.cli.testcoverage import COVERAGES, measured
from kt.cli.testreport import RENDERERS, Tested
from kt.policy.coverage.measure import measure
from kt.policy.files import FILE_NAME
from kt.policy.lint import lint
from kt.policy.nodes import MappingNode, plain
from kt.policy.rules.base import Spot
from kt.policy.testing.suitefiles import BadSuiteError, read_suites
from kt.policy.testing.suites import Ask, CaseResult, run_suites
from kt.policy.verify import cases_of
from kt.policy.yaml.document import read

_COULD_NOT = 2
_BAD_TESTS = "bad_tests"
_LARGEST_SUITE_BYTES = 16 * 1024 * 1024


class UntestableError(Exception):
    """A file whose tests cannot be run; `code` is that of the finding or says what failed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("paths", nargs="*", metavar="PATH", help="files, directories, or - for stdin; default: .")
    add("--format", choices=tuple(RENDERERS), default="text", help="default: text")
    add("--json", action="store_const", const="json", dest="format", help="as --format json")
    add_files(add)
    add("--output", metavar="FILE", help="write the report there and text to stdout")
    add("--coverage", nargs="?", const="text", metavar="text|json|lcov",
        help="say what of each policy its tests reach, by line; a value follows a '='")  # fmt: skip
    add("--fail-under", type=_percent, metavar="PERCENT",
        help="exit with 1 where the tests of a policy reach less of it")  # fmt: skip


def _percent(text: str) -> float:
    """A number from 0 to 100."""
    value = float(text)
    if not 0 <= value <= 100:
        raise ValueError(text)
    return value


def run(options: argparse.Namespace) -> int:
    """Run the tests of policies and report; the exit code."""
    shape = _shape_of_coverage(options)
    with AskedFiles(options.model) as models:
        sources = read_sources(options.paths or ["."])
        measures = shape is not None or options.fail_under is not None
        tested = _counted([_tested(source, models.ask, measures=measures) for source in sources])
    _report(options, tested, shape)
    low = [] if options.fail_under is None else list(_below(tested, options.fail_under))
    untested = [one.problem for one in tested if one.problem]
    for problem in (*untested, *low):
        print(f"kt: {problem}", file=sys.stderr)
    if untested:
        return _COULD_NOT
    return int(bool(low) or any(result.failed for one in tested for result in one.results))


def _shape_of_coverage(options: argparse.Namespace) -> str | None:
    """The format in which coverage is wanted; a path behind a bare `--coverage` is a path."""
    given: str | None = options.coverage
    if given is not None and given not in COVERAGES:
        options.paths.insert(0, given)
        return "text"
    return given


def _report(options: argparse.Namespace, tested: list[Tested], shape: str | None) -> None:
    """Write what was found: a machine's report to stdout alone, the rest where people read."""
    report, text = RENDERERS[options.format](tested), RENDERERS["text"](tested)
    if options.output is not None:
        write_report(options.output, report)
        report = text
    is_text = report is text or options.format == "text"
    if shape in ("json", "lcov"):
        report, text = COVERAGES[shape](tested), report
        if any(result.failed for one in tested for result in one.results):
            print(text, end="", file=sys.stderr)
    print(report, end="")
    if shape == "text":
        print(COVERAGES["text"](tested), end="", file=sys.stdout if is_text else sys.stderr)


def _below(tested: Iterable[Tested], least: float) -> Iterator[str]:
    for file, coverage in measured(list(tested)):
        if coverage.percent < least:
            yield f"{file}: {coverage.percent} % covered, and {least:g} % are asked for"


def _counted(tested: list[Tested]) -> list[Tested]:
    """A run without a single test is none that passed, nor is one that ran none of its tests."""
    results = [result for one in tested for result in one.results]
    if any(one.problem for one in tested) or not all(one.was_left_out for one in results):
        return tested
    fix = "no test; write testing.suites, or tests/*.json beside it"
    if results:
        fix = f"no test was run; {results[0].problem}"
    return [one._replace(code="no_tests", problem=f"{one.file}: {fix}") for one in tested]


def _tested(source: SourceFile, ask: Ask, *, measures: bool) -> Tested:
    try:
        root = root_of(source)
        extra, coverage = list(suites_beside(source)), None
        if measures:
            results, coverage = measure(root, extra, ask)
        else:
            value: Any = plain(root)
            results = run_suites(value, extra, ask)
        places = () if _passed(results) else _places(source)
        return Tested(source.name, results, places=places, coverage=coverage)
    except UntestableError as error:  # It hides no other file's tests.
        return Tested(source.name, (), error.code, str(error))


def _passed(results: Iterable[CaseResult]) -> bool:
    return all(result.passed for result in results)


def _places(source: SourceFile) -> tuple[Spot, ...]:
    root = read(source.data).root
    return (
        tuple(Spot(node.line, node.column) for _, node in cases_of(root))
        if root is not None
        else ()
    )


def policy_of(source: SourceFile) -> dict[str, Any]:
    """The policy as plain values.

    Raises:
        UntestableError: the file was not read, or lint finds errors, so its tests prove nothing.
    """
    value: Any = plain(root_of(source))
    return dict(value)


def root_of(source: SourceFile) -> MappingNode:
    """The policy as nodes, each with its place.

    Raises:
        UntestableError: the file was not read, or lint finds errors, so its tests prove nothing.
    """
    if source.failure is not None:
        raise UntestableError(NOT_READ, f"{source.name}: {source.failure}")
    report = lint(source.data, directory=source.directory)
    root = read(source.data).root
    if not report.ok or not isinstance(root, MappingNode):
        first = report.errors[0]
        place = f"{source.name}:{first.line}:{first.column}"
        message = f"{place}: {first.code} {first.message}; see kt policy lint"
        raise UntestableError(first.code, message)
    return root


def suites_beside(source: SourceFile) -> Iterator[dict[str, Any]]:
    """The suites in `tests/*.json` of the directory that holds the policy."""
    if not source.path:
        return  # Stdin has no directory.
    folder = os.path.join(os.path.dirname(source.path), "tests")
    if not os.path.lexists(folder):
        return
    for path in _test_files(folder):
        yield from _suites(path)


def _test_files(folder: str) -> list[str]:
    """The test files of a folder, sorted.

    Raises:
        UntestableError: it cannot be listed, or holds what looks like tests where none is run.
    """
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except NotADirectoryError as error:
        message = f"{folder}: not a folder; tests are JSON files in a folder of that name"
        raise UntestableError(_BAD_TESTS, message) from error
    except OSError as error:
        raise UntestableError(NOT_READ, f"{folder}: {error.strerror}") from error
    for entry in entries:
        if os.path.isdir(entry.path) and (deeper := _first_test_below(entry)):
            message = f"{deeper}: in a folder below {folder}, where no test is run; move it up"
            raise UntestableError(_BAD_TESTS, message)
    return [entry.path for entry in entries if _is_test(entry.name)]


def _is_test(name: str) -> bool:
    return name.lower().endswith(".json") and not name.startswith(".")


def _first_test_below(entry: os.DirEntry[str]) -> str:
    """The first JSON file in a folder or below; a policy there has tests of its own.

    Raises:
        UntestableError: a part of it cannot be listed.
    """

    def unlisted(error: OSError) -> None:
        raise UntestableError(NOT_READ, f"{error.filename}: {error.strerror}") from error

    for folder, folders, names in os.walk(entry.path, onerror=unlisted):
        folders[:] = [] if FILE_NAME in names else sorted(folders)
        if FILE_NAME not in names and (found := sorted(filter(_is_test, names))):
            return os.path.join(folder, found[0])
    return ""


def _suites(path: str) -> Iterable[dict[str, Any]]:
    try:
        data = read_bytes(path, _LARGEST_SUITE_BYTES + 1)
        if len(data) > _LARGEST_SUITE_BYTES:
            raise UntestableError(_BAD_TESTS, f"{path}: larger than {_LARGEST_SUITE_BYTES:,} bytes")
        return read_suites(data, name=os.path.basename(path))
    except OSError as error:
        raise UntestableError(NOT_READ, f"{path}: {error.strerror}") from error
    except BadSuiteError as error:
        raise UntestableError(_BAD_TESTS, f"{path}: {error}") from error
