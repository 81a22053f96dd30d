"""`kt policy lint`: check policy files.

Exit codes: 0 valid, 1 errors found, 2 a file could not be read or the usage is wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from kt.cli.errors import CommandError
from kt.cli.formats import Result
from kt.cli.sources import Source, read_sources
from kt.policy.lint import lint

FORMATS = ("text", "json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files, directories, - for stdin")
    parser.add_argument("--file", nargs="+", action="extend", default=[], metavar="F")
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    parser.add_argument(
        "--json", action="store_const", const="json", dest="format", help="short for --format json"
    )


def run(options: argparse.Namespace) -> int:
    """Lint what was named, print one report, and say how it went."""
    paths = [*options.file, *options.paths]
    if not paths:
        raise CommandError("give a file or a directory to lint, or - for stdin")
    results: list[Result] = []
    failed: list[Source] = []
    for source in read_sources(paths):
        if source.failure is None:
            report = lint(source.data, directory=source.directory)
            results.append(Result(source.name, source.data, report))
        else:
            failed.append(source)
    _print_report(results, options.format, as_list=_names_several(paths))
    for source in failed:
        print(f"kt: {source.name}: {source.failure}", file=sys.stderr)
    return 2 if failed else int(not all(result.report.ok for result in results))


def _names_several(paths: Sequence[str]) -> bool:
    from os.path import isdir

    return len(paths) > 1 or isdir(paths[0])


def _print_report(results: Sequence[Result], name: str, *, as_list: bool) -> None:
    if results:
        module = import_module(f"kt.cli.formats.{name}")
        sys.stdout.write(module.render(results, as_list=as_list))
