"""`kt sign-in-rules`: who signs in to the console by the OpenID provider, and as what."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from kt.cli.client.asking import add_yes, agreed
from kt.cli.client.changing import change, write_upon
from kt.cli.client.controlplane import ControlPlane
from kt.cli.client.members import Row, identity
from kt.cli.client.output import Column, add_json, show_row, show_rows, text
from kt.cli.client.printable import as_json
from kt.cli.client.session import add_connection, connect
from kt.cli.commands.parsing import Verb
from kt.cli.errors import CommandError
from kt.cli.resources.access.tokens import add_sight, sight
from kt.cli.resources.naming import pick, short

_PATH = "/v1/sign-in-rules"
_SHOWN = (
    "id", "name", "issuer", "claims", "position", "role", "sight", "networks", "enabled",
    "expires_at", "made_by", "created_at",
)  # fmt: skip
_ROLES = ("metrics", "ci", "viewer", "auditor", "editor", "admin")
_COLUMNS = (
    Column("POSITION", "position"),
    Column("ID", short),
    Column("NAME", "name", yields=True),
    Column("WHO", lambda row: _who(row), yields=True),
    Column("ROLE", "role"),
    Column("SEES", lambda row: row.get("sight") or "all", yields=True),
    Column("ENABLED", "enabled"),
)


def _who(row: Mapping[str, Any]) -> str:
    """The claims that a rule wants: all of them, and of each one of its texts."""
    claims: Any = row.get("claims")
    if not isinstance(claims, dict):
        return text(claims)
    return "; ".join(f"{name}: {_texts(values)}" for name, values in claims.items())


def _texts(values: Any) -> str:
    return ", ".join(map(text, values)) if isinstance(values, list) else text(values)


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    add_connection(parser)


def _list(options: argparse.Namespace) -> int:
    nothing = "no rule: nobody signs in without a token; kt sign-in-rules add NAME makes one"
    show_rows(connect(options).rows(_PATH), _COLUMNS, options, nothing=nothing)
    return 0


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("name", metavar="NAME", help="for people")
    add("--issuer", metavar="URL", required=True, help="that of the provider, exactly")
    add("--claim", action="append", metavar="CLAIM=TEXT", required=True,
        help="what the provider says of whoever may; repeatable: one text of each claim is wanted, "
        "and all claims")  # fmt: skip
    add("--role", choices=_ROLES, default="viewer", help="what they may do; default: viewer")
    add("--position", type=int, metavar="N",
        help="of several rules that somebody meets the lowest counts; default: 100")  # fmt: skip
    add("--expires-at", metavar="TIME", help="its end, such as 2026-12-31T12:00:00Z")
    add_sight(parser)
    add_json(parser)
    add_connection(parser)


def _add(options: argparse.Namespace) -> int:
    given = {
        "position": options.position, "expires_at": options.expires_at,
        "networks": options.network, "sight": sight(options),
    }  # fmt: skip
    body = {
        "name": options.name, "issuer": options.issuer, "claims": _claims(options.claim),
        "role": options.role,
    }  # fmt: skip
    body |= {name: value for name, value in given.items() if value is not None}
    made = change(connect(options), "POST", _PATH, body).row
    told = f"{short(made)} ({text(made.get('name'))}) lets them in as {text(made.get('role'))}"
    print(as_json(made) if options.json else told)
    return 0


def _claims(given: Sequence[str]) -> dict[str, list[str]]:
    """Texts by claim.

    Raises:
        CommandError: one is not of the form CLAIM=TEXT.
    """
    found: dict[str, list[str]] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not (name and equals and value):
            raise CommandError(f"--claim {one}: write CLAIM=TEXT, such as groups=platform")
        found.setdefault(name, []).append(value)
    return found


def _one_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rule", metavar="RULE", help="its id or name")
    add_connection(parser)


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    _one_arguments(parser)
    add_json(parser)


def _show(options: argparse.Namespace) -> int:
    show_row(_picked(connect(options), options.rule), _SHOWN, options)
    return 0


def _remove_arguments(parser: argparse.ArgumentParser) -> None:
    _one_arguments(parser)
    add_yes(parser)


def _remove(options: argparse.Namespace) -> int:
    control_plane = connect(options)
    row = _picked(control_plane, options.rule)
    what = f"{short(row)} ({text(row.get('name'))})"
    if not agreed(f"Remove {what}? Whom it alone lets in is signed out at once.", options):
        return 1
    write_upon(control_plane, "DELETE", f"{_PATH}/{identity(row)}")
    print(f"removed {what}")
    return 0


def _picked(control_plane: ControlPlane, word: str) -> Row:
    return pick(control_plane.rows(_PATH), word, "name", "kt sign-in-rules list")


VERBS = (
    Verb("list", "every rule, in the order in which they count", _list, _list_arguments,
         "kt sign-in-rules list"),
    Verb("add", "let people in whom the provider says something of", _add, _add_arguments,
         "kt sign-in-rules add platform --issuer https://login.example --claim groups=platform"),
    Verb("show", "one rule", _show, _show_arguments, "kt sign-in-rules show platform"),
    Verb("remove", "let nobody in by it any more", _remove, _remove_arguments,
         "kt sign-in-rules remove platform"),
)  # fmt: skip
