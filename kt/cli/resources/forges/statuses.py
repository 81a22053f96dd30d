"""`kt commit-status`: what the forges of links are told of their commits, and with what."""

from __future__ import annotations

import argparse

from kt.cli.client.changing import write_upon
from kt.cli.client.controlplane import ControlPlane
from kt.cli.client.members import Row, block, identity
from kt.cli.client.output import Column, add_json, show_row, show_rows, text
from kt.cli.client.printable import as_json
from kt.cli.client.session import add_connection, connect
from kt.cli.commands.parsing import Verb
from kt.cli.resources.naming import SHORT, link

PATH = "/v1/commit-statuses"
_SHOWN = (
    "git_repo", "url", "path", "credential", "status_name", "visibility", "commit", "state",
    "description", "told_at", "error", "action", "error_since", "failures", "retry_at",
)  # fmt: skip
_COLUMNS = (
    Column("LINK", lambda row: str(row.get("git_repo") or "")[:SHORT]),
    Column("URL", "url", yields=True),
    Column("PATH", "path", yields=True),
    Column("WITH", "credential", yields=True),
    Column("COMMIT", lambda row: str(row.get("commit") or "")[:12]),
    Column("STATE", "state"),
    Column("ERROR", lambda row: block(row, "error").get("code")),
    Column("SINCE", "error_since"),
)


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--failing", action="store_true", help="only those that cannot be told")
    parser.add_argument("--credential", metavar="NAME", help="only those told with this one")
    add_json(parser)
    add_connection(parser)


def _list(options: argparse.Namespace) -> int:
    query = {"failing": "true" if options.failing else None, "credential": options.credential}
    nothing = "of no link; kt commit-status on LINK --credential NAME has its commits told"
    show_rows(connect(options).rows(PATH, query), _COLUMNS, options, nothing=nothing)
    return 0


def _link_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("link", metavar="LINK", help="its id or the beginning of that, or its url")
    add_json(parser)
    add_connection(parser)


def _show(options: argparse.Namespace) -> int:
    control_plane = connect(options)
    show_row(control_plane.row(_path(control_plane, options.link)), _SHOWN, options)
    return 0


def _on_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--credential", metavar="NAME", required=True,
        help="a forge credential")  # fmt: skip
    _link_arguments(parser)


def _on(options: argparse.Namespace) -> int:
    row = _chosen(options, options.credential)
    told = f"the commits of {text(row.get('url'))} are told as {text(row.get('status_name'))}"
    print(as_json(row) if options.json else told)
    return 0


def _off(options: argparse.Namespace) -> int:
    row = _chosen(options, None)
    print(as_json(row) if options.json else f"nothing is told of {text(row.get('url'))}")
    return 0


def _chosen(options: argparse.Namespace, name: str | None) -> Row:
    control_plane = connect(options)
    path = _path(control_plane, options.link)
    return write_upon(control_plane, "PATCH", path, {"credential": name}).row


def _path(control_plane: ControlPlane, word: str) -> str:
    return f"/v1/git-repos/{identity(link(control_plane, word))}/commit-status"


VERBS = (
    Verb("list", "every link whose commits are told, and which cannot be", _list, _list_arguments,
         "kt commit-status list --failing"),
    Verb("show", "what was told of a link's commits, and what helps", _show, _link_arguments,
         "kt commit-status show governance-policies"),
    Verb("on", "have a link's commits told", _on, _on_arguments,
         "kt commit-status on governance-policies --credential telling"),
    Verb("off", "have them told no more", _off, _link_arguments,
         "kt commit-status off governance-policies"),
)  # fmt: skip
