"""Notifications that were sent: tried, listed, sent again."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from typing import Any

from kt.cli.client.changing import change
from kt.cli.client.members import blocks, identity
from kt.cli.client.output import Column, add_json, show_rows, text
from kt.cli.client.printable import as_json
from kt.cli.client.session import add_connection, connect
from kt.cli.numbers import positive
from kt.cli.resources.notifications.endpoints import PATH, one_arguments, picked

_SENT = "/v1/notifications"
_TEST_SECONDS, _LOOK_SECONDS = 45.0, 0.5
_LOG_COLUMNS = (
    Column("MADE", "created_at"),
    Column("ID", "id"),
    Column("KIND", "kind"),
    Column("STATUS", "status"),
    Column("ATTEMPTS", "attempts"),
    Column("LAST", lambda row: _last(row), yields=True),
    Column("NEXT", "next_attempt_at"),
)


def test(options: argparse.Namespace) -> int:
    """Send a test, and wait for what comes of it; 1 where it did not arrive."""
    control_plane = connect(options)
    path = f"{PATH}/{identity(picked(control_plane, options.endpoint))}"
    row = change(control_plane, "POST", f"{path}/test", {}).row
    ends = time.monotonic() + _TEST_SECONDS
    while row.get("status") == "waiting" and time.monotonic() < ends:
        time.sleep(_LOOK_SECONDS)
        row = control_plane.row(f"{_SENT}/{identity(row)}")
    print(as_json(row) if options.json else f"{text(row.get('status'))}: {_last(row)}")
    return 0 if row.get("status") == "delivered" else 1


def log_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `log`."""
    add = parser.add_argument
    add("endpoint", nargs="?", metavar="ENDPOINT", help="its id or name; without it, all")
    add("--status", metavar="S[,S]", help="waiting, delivered, gave_up")
    add("--limit", type=positive, default=20, metavar="N", help="the newest; default: 20")
    add_json(parser)
    add_connection(parser)


def log(options: argparse.Namespace) -> int:
    """List what was sent and waits."""
    control_plane = connect(options)
    query = {"status": options.status, "limit": min(options.limit, 1000)}
    if options.endpoint:
        query["endpoint"] = identity(picked(control_plane, options.endpoint))
    rows = next(control_plane.pages(_SENT, query), [])
    show_rows(rows, _LOG_COLUMNS, options, nothing="nothing was sent")
    return 0


def replay_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `replay`."""
    one_arguments(parser)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--since", metavar="TIME",
        help="all that was given up of what was made from then on")  # fmt: skip
    which.add_argument("--id", metavar="ID", help="this notification, given up or not")


def replay(options: argparse.Namespace) -> int:
    """Send one again, or all that was given up."""
    control_plane = connect(options)
    row = picked(control_plane, options.endpoint)
    if options.id:
        change(control_plane, "POST", f"{_SENT}/{identity({'id': options.id})}/replay", {})
        print("1 is sent again")
        return 0
    path = f"{PATH}/{identity(row)}/replay"
    count = change(control_plane, "POST", path, {"since": options.since}).row.get("count")
    print(f"{text(count)} are sent again")
    return 0


def _last(row: Mapping[str, Any]) -> str:
    """What came of the last attempt."""
    for one in blocks(row, "log")[-1:]:
        parts = (one.get("error") or "taken", one.get("status"), one.get("answer"))
        return " ".join(text(part) for part in parts if part)
    return ""
