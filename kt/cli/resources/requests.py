"""`kt requests`: what waits for a second person, under four eyes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from kt.cli.client.asking import add_yes, agreed
from kt.cli.client.changing import change
from kt.cli.client.members import Row, block
from kt.cli.client.output import Column, add_json, show_row, show_rows, text
from kt.cli.client.printable import as_json, lines
from kt.cli.client.session import add_connection, connect
from kt.cli.commands.parsing import Verb
from kt.cli.errors import CommandError
from kt.cli.numbers import positive

_PATH = "/v1/requests"
_SHOWN = ("id", "kind", "target", "state", "break_glass", "reason", "asker", "created_at",
          "expires_at", "decided_by", "decided_at", "shows", "change", "details")  # fmt: skip


def name_of(person: Any) -> str:
    """Who asked or decided."""
    return str(person.get("name") or "") if isinstance(person, Mapping) else ""


_COLUMNS = (
    Column("ID", "id"),
    Column("STATE", "state"),
    Column("KIND", "kind"),
    Column("TARGET", "target", yields=True),
    Column("BY", lambda row: name_of(row.get("asker"))),
    Column("SINCE", "created_at"),
    Column("REASON", "reason", yields=True),
)


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--state", default="waiting", metavar="S[,S]", help="or all; default: waiting")
    add("--target", metavar="ID", help="about this configuration, link or gateway alone")
    add_json(parser)
    add_connection(parser)


def _list(options: argparse.Namespace) -> int:
    state = None if options.state == "all" else options.state
    rows = connect(options).rows(_PATH, {"state": state, "target": options.target})
    show_rows(rows, _COLUMNS, options, nothing="nothing waits")
    return 0


def _one_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("request", type=positive, metavar="N", help="its number")
    add_json(parser)
    add_connection(parser)


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    _one_arguments(parser)
    parser.add_argument("--content", action="store_true",
        help="print the content that is asked for, while it waits")  # fmt: skip


def _show(options: argparse.Namespace) -> int:
    control_plane, path = connect(options), f"{_PATH}/{options.request}"
    if options.content:
        data = control_plane.content(f"{path}/content")
        print(lines(data.decode("utf-8", "replace")), end="")
        return 0
    show_row(control_plane.row(path), _SHOWN, options)
    return 0


def _ask_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("kind", metavar="KIND", help="of the change, such as configuration.pin")
    add("target", metavar="TARGET", help="the id of what is to be changed")
    add("--reason", required=True, metavar="TEXT", help="why")
    add("--change", type=_change, default={}, metavar="JSON", help="as the endpoint takes it")
    add("--break-glass", action="store_true", help="an admin's: do it now and alone")
    add_json(parser)
    add_connection(parser)


def _change(word: str) -> Any:
    try:
        found = json.loads(word)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError("must be a JSON object")
    return found


def _ask(options: argparse.Namespace) -> int:
    body = {"kind": options.kind, "target": options.target, "reason": options.reason,
            "change": options.change}  # fmt: skip
    if options.break_glass:
        body["break_glass"] = True
    row = change(connect(options), "POST", _PATH, body).row
    told = f"request {text(row.get('id'))} is {text(row.get('state'))}"
    if row.get("state") == "waiting":
        told += f"; somebody else confirms it: kt requests confirm {text(row.get('id'))}"
    print(as_json(row) if options.json else told)
    return 0


def _confirm_arguments(parser: argparse.ArgumentParser) -> None:
    _one_arguments(parser)
    add_yes(parser)


def _confirm(options: argparse.Namespace) -> int:
    """Confirm exactly what was read here, and no other change."""
    control_plane, path = connect(options), f"{_PATH}/{options.request}"
    row = control_plane.row(path)
    if not block(row, "shows"):
        raise CommandError(f"request {options.request} shows nothing that can be confirmed")
    if not options.yes:
        show_row(row, _SHOWN, argparse.Namespace(json=False))
    if not agreed(f"Confirm request {options.request}?", options):
        return 1
    return _decided(change(control_plane, "POST", f"{path}/confirm", row["shows"]).row, options)


def _refuse_arguments(parser: argparse.ArgumentParser) -> None:
    _one_arguments(parser)
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why")


def _refuse(options: argparse.Namespace) -> int:
    path = f"{_PATH}/{options.request}/refuse"
    return _decided(change(connect(options), "POST", path, {"reason": options.reason}).row, options)


def _withdraw(options: argparse.Namespace) -> int:
    path = f"{_PATH}/{options.request}/withdraw"
    return _decided(change(connect(options), "POST", path, {}).row, options)


def _decided(row: Row, options: argparse.Namespace) -> int:
    told = f"request {text(row.get('id'))} is {text(row.get('state'))}"
    print(as_json(row) if options.json else told)
    return 0


VERBS = (
    Verb("list", "what waits for somebody", _list, _list_arguments, "kt requests list"),
    Verb("show", "one request, and what it would change", _show, _show_arguments,
         "kt requests show 7"),
    Verb("ask", "ask for a change", _ask, _ask_arguments,
         """kt requests ask configuration.pin desk --change '{"reason": "audit"}' --reason why"""),
    Verb("confirm", "make another person's change", _confirm, _confirm_arguments,
         "kt requests confirm 7"),
    Verb("refuse", "end it", _refuse, _refuse_arguments,
         "kt requests refuse 7 --reason 'not in a freeze'"),
    Verb("withdraw", "take one's own back", _withdraw, _one_arguments, "kt requests withdraw 7"),
)  # fmt: skip
