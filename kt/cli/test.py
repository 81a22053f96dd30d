"""`kt policy test`: run a policy's own tests. No port, no network, no sleep.

Exit codes: 0 all passed, 1 some failed, 2 a file could not be read, is no valid policy, or
nothing was tested.
"""

from __future__ import annotations

import argparse
import glob
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from kt.cli.errors import CommandError
from kt.cli.sources import SourceFile, read_bytes, read_sources
from kt.cli.testreport import RENDERERS, Tested
from kt.policy.lint import lint
from kt.policy.nodes import plain
from kt.policy.testing.suitefiles import BadSuiteError, read_suites
from kt.policy.testing.suites import run_suites
from kt.policy.yaml.document import read

_COULD_NOT = 2
_LARGEST_SUITE_BYTES = 16 * 1024 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("paths", nargs="*", metavar="PATH", help="files, directories, or - for stdin; default: .")
    add("--format", choices=tuple(RENDERERS), default="text", help="default: text")
    add("--json", action="store_const", const="json", dest="format", help="as --format json")


def run(options: argparse.Namespace) -> int:
    """Run the tests of policies and report; the exit code."""
    tested: list[Tested] = []
    failures: list[CommandError] = []
    for source in read_sources(options.paths or ["."]):
        try:
            tested.append(_tested(source))
        except CommandError as error:  # The other files are still tested.
            failures.append(error)
    sys.stdout.write(RENDERERS[options.format](tested))
    for failure in failures:
        print(f"kt: {failure}", file=sys.stderr)
    if failures:
        return _COULD_NOT
    if not any(one.results for one in tested):
        names = ", ".join(one.file for one in tested)
        raise CommandError(f"{names}: no tests; write testing.suites, or tests/*.json beside it")
    return int(not all(result.passed for one in tested for result in one.results))


def _tested(source: SourceFile) -> Tested:
    if source.failure is not None:
        raise CommandError(f"{source.name}: {source.failure}")
    policy = _policy(source)
    return Tested(source.name, run_suites(policy, list(_beside(source))))


def _policy(source: SourceFile) -> dict[str, Any]:
    """The policy as plain values.

    Raises:
        CommandError: lint finds errors, so its tests prove nothing.
    """
    report = lint(source.data, directory=source.directory)
    root = read(source.data).root
    value = plain(root) if root is not None else None
    if not report.ok or not isinstance(value, dict):
        first = report.errors[0]
        place = f"{source.name}:{first.line}:{first.column}"
        raise CommandError(f"{place}: {first.code} {first.message}; see kt policy lint")
    return value


def _beside(source: SourceFile) -> Iterator[dict[str, Any]]:
    """The suites in `tests/*.json` of the directory that holds the policy."""
    if not source.path:
        return  # Stdin has no directory.
    folder = os.path.join(os.path.dirname(source.path), "tests")
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*.json"))):
        yield from _suites(path)


def _suites(path: str) -> Iterable[dict[str, Any]]:
    try:
        data = read_bytes(path, _LARGEST_SUITE_BYTES + 1)
        if len(data) > _LARGEST_SUITE_BYTES:
            raise CommandError(f"{path}: larger than {_LARGEST_SUITE_BYTES:,} bytes")
        return read_suites(data, name=os.path.basename(path))
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
    except BadSuiteError as error:
        raise CommandError(f"{path}: {error}") from error
