"""`kt audit`: who changed what."""

from __future__ import annotations

import argparse
from itertools import islice

from kt.cli.client.output import Column, add_json, show_rows, text
from kt.cli.client.session import add_connection, connect
from kt.cli.numbers import positive
from kt.cli.resources.requests import name_of

_MOST_AT_ONCE = 1000
_COLUMNS = (
    Column("AT", "at"),
    Column("WHO", lambda row: name_of(row.get("actor")), yields=True),
    Column("ACTION", "action"),
    Column("TARGET", "target", yields=True),
    Column("CHANGED", lambda row: text(row.get("after") or row.get("before")), yields=True),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("--action", metavar="A[,A]", help="only these, such as token.created")
    add("--target", metavar="ID", help="changes of this alone")
    add("--actor-id", metavar="ID", help="changes by this token, trust or link alone")
    add("--since", metavar="TIME", help="such as 2026-01-31T12:00:00Z")
    add("--until", metavar="TIME", help="the same")
    add("--limit", type=positive, default=50, metavar="N", help="the newest; default: 50")
    add_json(parser)
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Print entries, newest first."""
    query = {name: getattr(options, name) for name in ("action", "target", "actor_id", "since",
             "until")}  # fmt: skip
    query["limit"] = min(options.limit, _MOST_AT_ONCE)
    pages = connect(options).pages("/v1/audit-log", query)
    rows = list(islice((row for page in pages for row in page), options.limit))
    show_rows(rows, _COLUMNS, options, nothing="no such change")
    return 0
