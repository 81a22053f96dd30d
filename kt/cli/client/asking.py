"""Questions to whoever sits at the terminal, and words for those who wait there."""

from __future__ import annotations

import argparse
import contextlib
import sys
import threading
from collections.abc import Iterator

from kt.cli.client.output import say
from kt.cli.client.printable import lines
from kt.cli.errors import CommandError

_NOTICE_SECONDS = 2.0


def add_yes(parser: argparse.ArgumentParser) -> None:
    """Declare the option that answers what would be asked."""
    parser.add_argument("--yes", action="store_true", help="do not ask")


def agreed(question: str, options: argparse.Namespace) -> bool:
    """Whether somebody says yes.

    Raises:
        CommandError: nobody can be asked.
    """
    if options.yes:
        return True
    if not sys.stdin.isatty():
        raise CommandError(f"{question} Nobody can be asked here: give --yes")
    print(f"{lines(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


@contextlib.contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say what is waited for, once that takes over two seconds."""
    notice = threading.Timer(_NOTICE_SECONDS, say, [f"{what}…"])
    notice.daemon = True
    notice.start()
    try:
        yield
    finally:
        notice.cancel()
