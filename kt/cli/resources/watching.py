"""Syncs of a link as somebody waits for them, and what came of them."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from kt.cli.client.asking import waiting
from kt.cli.client.controlplane import ControlPlane
from kt.cli.client.members import Row, block, blocks, identity
from kt.cli.client.output import Column, is_colored, pairs, say, table, terminal_width, text
from kt.cli.client.printable import as_json, line
from kt.cli.resources.naming import short

WAIT_SECONDS = 60
GOOD = ("synced", "pinned", "archived")
_AT_ONCE_SECONDS = 20
_MOST_FILES = 50


def add_wait(parser: argparse.ArgumentParser, *, default: int = WAIT_SECONDS) -> None:
    """Declare how long the end of a sync is waited for."""
    parser.add_argument("--wait", type=int, default=default, metavar="S",
        help=f"seconds to wait for what comes of it, 0 for none; default: {default}")  # fmt: skip


def synced(control_plane: ControlPlane, row: Row, *, seconds: int) -> Row:
    """Ask for a sync of a link and wait for its end; returns the link as it is then."""
    until = time.monotonic() + seconds
    path = f"/v1/git-repos/{identity(row)}"
    with waiting(f"waiting for the sync of {text(row.get('url'))}"):
        while (left := until - time.monotonic()) > 0:
            wait = max(1, min(int(left), _AT_ONCE_SECONDS))
            answer = control_plane.send("POST", f"{path}/sync", query={"wait": wait})
            if answer.status == HTTPStatus.OK:
                return answer.row
            time.sleep(1)  # Nobody had time to wait there, or the sync takes longer.
    return control_plane.row(path)


def is_well(row: Mapping[str, Any]) -> bool:
    """Whether a link's commit is in force with all of its files."""
    counts = block(row, "files")
    refused = any(count for outcome, count in counts.items() if outcome not in GOOD)
    return row.get("status") == "synced" and not row.get("error") and not refused


def show_link(control_plane: ControlPlane, row: Row, options: argparse.Namespace) -> int:
    """Print what became of a link; 0 if that is well, else 1."""
    if options.json:
        print(as_json(row))
    else:
        for told in outcome(row):
            print(told)
        if row.get("status") != "pending":
            show_files(control_plane.rows(f"/v1/git-repos/{identity(row)}/files"))
    return int(not is_well(row))


def outcome(row: Mapping[str, Any]) -> Iterator[str]:
    """Lines about a link: where it stands, why, and what helps."""
    commit = text(row.get("last_commit"))[:12]
    yield f"{short(row)}  {text(row.get('status'))}  {text(row.get('url'))}  {commit}  " + (
        pairs(row.get("files")) or "no files"
    )
    error, held = block(row, "error"), block(row, "held")
    if error:
        yield f"  {text(error.get('code'))}: {text(error.get('message'))}"
    if held:
        yield f"  held: {text(held.get('message'))}"
        yield f"  look at it, then: kt repos confirm {short(row)} {text(held.get('commit'))}"
        return
    if row.get("status") == "pending":
        yield f"  it goes on; to see what comes of it: kt repos show {short(row)}"
    yield from (f"  help: {action}" for action in actions(row))


def actions(row: Mapping[str, Any]) -> list[str]:
    """What helps a link, in the control plane's words, each once."""
    conditions = blocks(row, "conditions")
    told = [line(str(one["action"])) for one in conditions if one.get("action")]
    return list(dict.fromkeys(told))


def show_files(files: Sequence[Row]) -> None:
    """Print a table of files with their outcomes, and what is wrong with each."""
    if not files:
        return
    columns = (Column("OUTCOME", "outcome"), Column("CONFIGURATION", "configuration"),
               Column("PATH", "path"))  # fmt: skip
    for told in table(files[:_MOST_FILES], columns, width=terminal_width(), color=is_colored()):
        print(told)
    for file in files[:_MOST_FILES]:
        for finding in _findings(file):
            print(finding)
    if len(files) > _MOST_FILES:
        say(f"… and {len(files) - _MOST_FILES} more files; --json has all")


def _findings(file: Row) -> Iterator[str]:
    for one in blocks(file, "findings"):
        place = f"{text(file.get('path'))}:{text(one.get('line'))}:{text(one.get('column'))}"
        first, *pasted = str(one.get("suggestion") or "").splitlines() or [""]
        fix = f"; {line(first)}" if pasted else f" ({line(first)})" if first else ""
        yield f"  {place}: {text(one.get('code'))}: {text(one.get('message'))}{fix}"
        yield from (f"      {line(row)}" for row in pasted)
