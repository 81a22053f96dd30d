"""Labels on a command line: `region=eu`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from kt.cli.errors import CommandError


def label(word: str) -> tuple[str, str]:
    """One label, as its key and value."""
    key, equals, value = word.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{word!r} is no label; write such as region=eu")
    return key, value


def add_labels(parser: argparse.ArgumentParser, option: str, what: str) -> None:
    """Declare an option that takes labels, one each time."""
    parser.add_argument(option, action="append", type=label, default=[], metavar="K=V", help=what)


def labels(given: Sequence[tuple[str, str]]) -> dict[str, str]:
    """All of them.

    Raises:
        CommandError: a key is given twice, and nothing has two values of one.
    """
    found = dict(given)
    if len(found) < len(given):
        twice = next(key for key in found if [name for name, _ in given].count(key) > 1)
        raise CommandError(f"the label {twice!r} is given twice")
    return found
