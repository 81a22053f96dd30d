"""`kt tokens`: who may use the API. A token's text goes into a file, or to stdout alone."""

from __future__ import annotations

import argparse
import os
from typing import Any

from kt.cli.client import logins
from kt.cli.client.asking import add_yes, agreed
from kt.cli.client.changing import change, write_upon
from kt.cli.client.controlplane import ControlPlane
from kt.cli.client.members import Row, block, identity
from kt.cli.client.output import Column, add_json, show_rows, text
from kt.cli.client.printable import as_json
from kt.cli.client.secrets import STDIN, SecretPlace, secret_place
from kt.cli.client.session import add_connection, connect
from kt.cli.commands.parsing import Verb
from kt.cli.errors import CommandError
from kt.cli.resources.labels import add_labels, labels
from kt.cli.resources.naming import pick, short

_PATH = "/v1/tokens"
_ROLES = ("metrics", "ci", "viewer", "auditor", "editor", "admin")
_COLUMNS = (
    Column("ID", short),
    Column("NAME", "name", yields=True),
    Column("ROLE", "role"),
    Column("SEES", lambda row: row.get("sight") or "all", yields=True),
    Column("USED", "last_used_at"),
    Column("EXPIRES", "expires_at"),
    Column("REVOKED", "revoked_at"),
)


def sight(options: argparse.Namespace) -> dict[str, Any] | None:
    """What `--ids` and `--label` narrow a credential to; None for nothing."""
    if not options.ids and not options.label:
        return None
    return {"ids": options.ids or [], "labels": labels(options.label)}


def add_sight(parser: argparse.ArgumentParser) -> None:
    """Declare the options that narrow a credential to some configurations."""
    parser.add_argument("--ids", action="append", metavar="GLOB",
        help="it sees configurations of such ids alone; repeatable")  # fmt: skip
    add_labels(parser, "--label", "or those with all of these labels; repeatable")
    parser.add_argument("--network", action="append", metavar="CIDR",
        help="it is good from there alone; repeatable")  # fmt: skip


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="revoked ones, too")
    add_json(parser)
    add_connection(parser)


def _list(options: argparse.Namespace) -> int:
    rows = connect(options).rows(_PATH)
    kept = rows if options.all else [row for row in rows if not row.get("revoked_at")]
    show_rows(kept, _COLUMNS, options, nothing="no token")
    return 0


def _file_arguments(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--token-file", required=required, metavar="F",
        help="a new file for its text, which is shown once; - for stdout")  # fmt: skip
    add_json(parser)
    add_connection(parser)


def _create_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("name", metavar="NAME", help="what it is for")
    add("--role", choices=_ROLES, default="viewer", help="what it may do; default: viewer")
    add("--note", metavar="TEXT", help="for people")
    add("--expires-at", metavar="TIME", help="its end, such as 2026-12-31T12:00:00Z")
    add("--email", action="append", metavar="ADDRESS",
        help="by which its holder commits; repeatable")  # fmt: skip
    add_sight(parser)
    _file_arguments(parser, required=True)


def _create(options: argparse.Namespace) -> int:
    given = {
        "note": options.note, "expires_at": options.expires_at, "emails": options.email,
        "networks": options.network, "sight": sight(options),
    }  # fmt: skip
    body = {"name": options.name, "role": options.role}
    body |= {name: value for name, value in given.items() if value}
    control_plane = connect(options)
    with secret_place(options.token_file) as place:
        _keep(change(control_plane, "POST", _PATH, body).row, place, options)
    return 0


def _keep(made: Row, place: SecretPlace, options: argparse.Namespace) -> None:
    place.keep(str(made.pop("token", "")))
    if options.json:
        print(as_json(made))
    elif options.token_file != STDIN:
        end = text(made.get("expires_at"))
        print(f"{short(made)} ({text(made.get('name'))}, {text(made.get('role'))}) until {end};"
              f" its text is in {options.token_file}")  # fmt: skip


def _rotate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("token", nargs="?", metavar="TOKEN",
        help="its id or name; without it, the one that kt logged in with")  # fmt: skip
    parser.add_argument("--overlap", type=int, default=3600, metavar="S",
        help="seconds for which the text before stays good; default: 3600")  # fmt: skip
    _file_arguments(parser, required=False)


def _rotate(options: argparse.Namespace) -> int:
    control_plane, body = connect(options), {"overlap_seconds": options.overlap}
    if options.token is None:
        return _rotate_own(control_plane, body, options)
    if not options.token_file:
        raise CommandError("give --token-file F for the new text, which is shown once")
    row = _picked(control_plane, options.token)
    with secret_place(options.token_file) as place:
        path = f"{_PATH}/{identity(row)}"
        made = write_upon(control_plane, "POST", f"{path}/rotate", body, of=path).row
        _keep(made, place, options)
    return 0


def _rotate_own(control_plane: ControlPlane, body: Row, options: argparse.Namespace) -> int:
    """Rotate the token of a login, which is kept there before anything else is done."""
    kept = logins.read(os.environ)
    found = [name for name, one in kept.by_name.items() if control_plane.has_token(one.token)]
    if not found:
        raise CommandError("the token in use is of no login; name one, and give --token-file F")
    who = block(control_plane.row("/v1/whoami"), "token")
    if not who:
        raise CommandError("only a token can be rotated")
    made = change(control_plane, "POST", f"{_PATH}/{identity(who)}/rotate", body).row
    new = str(made.pop("token", ""))
    renewed = {name: kept.by_name[name]._replace(token=new) for name in found}
    where = logins.write(logins.Logins({**kept.by_name, **renewed}, kept.current), os.environ)
    print(as_json(made) if options.json else f"rotated {short(made)}; its new text is in {where}")
    return 0


def _revoke_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("token", metavar="TOKEN", help="its id or name")
    add("--descendants", action="store_true", help="all that it made and they made, too")
    add_yes(parser)
    add_json(parser)
    add_connection(parser)


def _revoke(options: argparse.Namespace) -> int:
    control_plane = connect(options)
    row = _picked(control_plane, options.token)
    what = f"{short(row)} ({text(row.get('name'))}, {text(row.get('role'))})"
    if not agreed(f"Revoke {what}? It ends at once.", options):
        return 1
    query = {"descendants": "true"} if options.descendants else None
    gone = write_upon(control_plane, "DELETE", f"{_PATH}/{identity(row)}", query=query).row
    print(as_json(gone) if options.json else f"revoked {what}")
    return 0


def _picked(control_plane: ControlPlane, word: str) -> Row:
    rows = [row for row in control_plane.rows(_PATH) if not row.get("revoked_at")]
    return pick(rows, word, "name", "kt tokens list")


VERBS = (
    Verb("list", "every token, and when it was used last", _list, _list_arguments,
         "kt tokens list"),
    Verb("create", "make a token; its text goes into a file", _create, _create_arguments,
         "kt tokens create 'drift script' --role ci --ids 'team-a-*' --token-file drift.token"),
    Verb("rotate", "give a token a new text", _rotate, _rotate_arguments, "kt tokens rotate"),
    Verb("revoke", "end a token", _revoke, _revoke_arguments, "kt tokens revoke 'drift script'"),
)  # fmt: skip
