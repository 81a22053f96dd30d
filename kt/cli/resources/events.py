"""`kt events`: what happened; with `--follow` also what happens, until Ctrl-C."""

from __future__ import annotations

import argparse
import time
from collections import deque
from collections.abc import Iterator
from itertools import islice

from kt.cli.client.controlplane import ControlPlane, Query
from kt.cli.client.members import Row
from kt.cli.client.output import add_json, is_colored, painted, say, text
from kt.cli.client.printable import as_json
from kt.cli.client.refusals import NoAnswerError, RefusedError
from kt.cli.client.session import add_connection, connect
from kt.cli.numbers import positive

_PATH = "/v1/events"
_STREAM = "/v1/stream?resources=events"
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
    """Events that come after `known`, each once, as long as somebody listens.

    The list of events has them all, in order, and only those that are asked for; the stream says
    when to look. So nothing is lost with a connection, or where there is no stream.
    """
    seen = deque(map(_identity, known), maxlen=_REMEMBERED)
    is_silent = False
    for _ in _hints(control_plane):
        try:
            fresh = _news(control_plane, query, seen)
        except NoAnswerError as exc:
            if not is_silent:
                say(f"{exc}; it is asked again")
            is_silent = True
            continue
        is_silent = False
        for row in reversed(fresh):
            seen.append(_identity(row))
            yield row


def _news(control_plane: ControlPlane, query: Query, seen: deque[str]) -> list[Row]:
    """What is not among those seen, the newest first."""
    fresh: list[Row] = []
    for page in control_plane.pages(_PATH, {**query, "limit": 100}):
        news = [row for row in page if _identity(row) not in seen]
        fresh += news
        # Where nothing was known, the first page is all that came since.
        if len(news) < len(page) or not seen:
            break
    return fresh


def _hints(control_plane: ControlPlane) -> Iterator[None]:
    """Times to look: when the stream says so, and every two seconds without it."""
    is_there = True
    while True:
        yield
        try:
            if is_there:
                yield from (None for _ in control_plane.heard(_STREAM))
        except NoAnswerError:
            pass  # Also where nothing came for long; the look tells whether anybody answers.
        except RefusedError:
            is_there = False  # An older control plane, or a role that may not.
        time.sleep(_LOOK_SECONDS)


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
