"""`kt events`: what happened; with `--follow` also what happens, until Ctrl-C."""

from __future__ import annotations

import argparse
import time
from collections import deque
from collections.abc import Iterator
from itertools import islice

from kt.cli.client.controlplane import ControlPlane, Query, Row
from kt.cli.client.output import add_json, is_colored, painted, text
from kt.cli.client.printable import as_json
from kt.cli.client.session import add_connection, connect
from kt.cli.numbers import positive

_PATH = "/v1/events"
_MOST_AT_ONCE = 1000
_LOOK_SECONDS = 2.0
_REMEMBERED = 5000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("--follow", action="store_true", help="go on with what happens, until Ctrl-C")
    add("--kind", metavar="K[,K]", help="only these, such as failed,held")
    add("--git-repo", metavar="ID", help="about this link alone")
    add("--configuration", metavar="ID", help="about this configuration alone")
    add("--since", metavar="TIME", help="such as 2026-01-31T12:00:00Z")
    add("--limit", type=positive, default=20, metavar="N", help="the newest; default: 20")
    add_json(parser)
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Print events, the newest last; as JSON a list, and with `--follow` one on each line."""
    control_plane = connect(options)
    names = ("kind", "git_repo", "configuration", "since")
    query = {name: getattr(options, name) for name in names}
    rows = newest(control_plane, query, options.limit)
    if options.json and not options.follow:
        print(as_json(rows))
        return 0
    if not rows and not options.follow:
        print("nothing happened")
    for row in rows:
        _print(row, options)
    if options.follow:
        for row in following(control_plane, query, rows):
            _print(row, options)
    return 0


def newest(control_plane: ControlPlane, query: Query, limit: int) -> list[Row]:
    """The newest events, the newest last."""
    pages = control_plane.pages(_PATH, {**query, "limit": min(limit, _MOST_AT_ONCE)})
    return list(islice((row for page in pages for row in page), limit))[::-1]


def following(control_plane: ControlPlane, query: Query, known: list[Row]) -> Iterator[Row]:
    """Events that come after `known`, each once, as long as somebody listens."""
    seen = deque(map(_identity, known), maxlen=_REMEMBERED)
    while True:
        time.sleep(_LOOK_SECONDS)
        fresh: list[Row] = []
        for page in control_plane.pages(_PATH, {**query, "limit": 100}):
            news = [row for row in page if _identity(row) not in seen]
            fresh += news
            # Where nothing was known, the first page is all that came since.
            if len(news) < len(page) or not seen:
                break
        for row in reversed(fresh):
            seen.append(_identity(row))
            yield row


def _identity(row: Row) -> str:
    """What tells an event from all others; a narrowed token is shown no ids."""
    return str(row.get("id") or [row.get(name) for name in ("created_at", "kind", "message")])


def _print(row: Row, options: argparse.Namespace) -> None:
    if options.json:
        print(as_json(row, indent=None), flush=True)
        return
    kind = f"{text(row.get('kind')):<20}"
    about = row.get("configuration") or str(row.get("git_repo") or "")[:8]
    print(
        f"{text(row.get('created_at'))}  {painted(kind) if is_colored() else kind}"
        f"  {text(about)}  {text(row.get('message'))}",
        flush=True,
    )
