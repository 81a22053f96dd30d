"""`kt policy test`: run a policy's own tests. No port, no network, no sleep.

A case that needs a model which is not given is not run, and said so; it does not fail unless the
policy says `require_model_cases`.

Exit codes: 0 none failed, 1 some failed, 2 a file could not be read, is no valid policy, or
nothing was tested.
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
from kt.cli.testreport import RENDERERS, Tested
from kt.policy.files import FILE_NAME
from kt.policy.lint import lint
from kt.policy.nodes import plain
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


def run(options: argparse.Namespace) -> int:
    """Run the tests of policies and report; the exit code."""
    with AskedFiles(options.model) as models:
        sources = read_sources(options.paths or ["."])
        tested = _counted([_tested(source, models.ask) for source in sources])
    report = RENDERERS[options.format](tested)
    if options.output is not None:
        write_report(options.output, report)
        report = RENDERERS["text"](tested)
    print(report, end="")
    untested = [one for one in tested if one.problem]
    for one in untested:
        print(f"kt: {one.problem}", file=sys.stderr)
    if untested:
        return _COULD_NOT
    return int(any(result.failed for one in tested for result in one.results))


def _counted(tested: list[Tested]) -> list[Tested]:
    """A run without a single test is none that passed, nor is one that ran none of its tests."""
    results = [result for one in tested for result in one.results]
    if any(one.problem for one in tested) or not all(one.was_left_out for one in results):
        return tested
    fix = "no test; write testing.suites, or tests/*.json beside it"
    if results:
        fix = f"no test was run; {results[0].problem}"
    return [one._replace(code="no_tests", problem=f"{one.file}: {fix}") for one in tested]


def _tested(source: SourceFile, ask: Ask) -> Tested:
    try:
        policy = policy_of(source)
        results = run_suites(policy, list(_beside(source)), ask)
        return Tested(source.name, results, places=() if _passed(results) else _places(source))
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
    if source.failure is not None:
        raise UntestableError(NOT_READ, f"{source.name}: {source.failure}")
    report = lint(source.data, directory=source.directory)
    root = read(source.data).root
    value = plain(root) if root is not None else None
    if not report.ok or not isinstance(value, dict):
        first = report.errors[0]
        place = f"{source.name}:{first.line}:{first.column}"
        message = f"{place}: {first.code} {first.message}; see kt policy lint"
        raise UntestableError(first.code, message)
    return value


def _beside(source: SourceFile) -> Iterator[dict[str, Any]]:
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
