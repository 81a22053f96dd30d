"""`kt policy review`: what a change does to policies, their tests, and whom it reaches.

It needs no token. Where a control plane is named, it is asked which configurations, links and
gateways the change would reach.

Exit codes: 0 reviewed, 1 what the change leaves does not pass lint or its own tests, 2 it could
not be looked at.
"""

from __future__ import annotations

import argparse
import os

from kt.cli.client.session import API_TOKEN, API_URL, add_connection, connect
from kt.cli.formats import write_report
from kt.cli.git.before import Before
from kt.cli.review.gathering import gathered
from kt.cli.review.reach import with_reach
from kt.cli.review.report import RENDERERS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("paths", nargs="*", metavar="PATH", help="files or directories; default: .")
    add("--base", required=True, metavar="REF", help="what the change is based on")
    add("--format", choices=tuple(RENDERERS), default="markdown", help="default: markdown")
    add("--json", action="store_const", const="json", dest="format", help="as --format json")
    add("--output", metavar="FILE", help="write the report there")
    add("--id-prefix", default="", metavar="T", help="the link's prefix of ids")
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Review a change; the exit code."""
    reviewed = gathered(Before(options.base), options.paths or ["."])
    if _is_named(options):
        reviewed = with_reach(reviewed, connect(options), options.id_prefix)
    report = RENDERERS[options.format](reviewed)
    if options.output is not None:
        write_report(options.output, report)
    else:
        print(report, end="")
    return int(any(one.fails for one in reviewed))


def _is_named(options: argparse.Namespace) -> bool:
    """Whether a control plane is to be asked: a login alone, which a desk has, names none."""
    if options.login is not None or options.api_url:
        return True
    return bool(os.environ.get(API_URL) and os.environ.get(API_TOKEN))
