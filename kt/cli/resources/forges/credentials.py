"""`kt forge-credentials`: what commit statuses are told with.

A secret comes from a file, stdin, a variable or a prompt: options stand in the process list.
"""

from __future__ import annotations

import argparse
from typing import Any

from kt.cli.client.asking import add_yes, agreed
from kt.cli.client.changing import change, write_upon
from kt.cli.client.controlplane import ControlPlane
from kt.cli.client.members import Row, identity
from kt.cli.client.output import Column, add_json, show_row, show_rows, text
from kt.cli.client.printable import as_json
from kt.cli.client.secrets import add_secret, given_secrets, missing_secret
from kt.cli.client.session import add_connection, connect
from kt.cli.commands.parsing import Verb
from kt.cli.errors import CommandError
from kt.cli.resources.naming import pick, short

PATH = "/v1/forge-credentials"
_FORGES = ("github", "gitlab", "gitea", "bitbucket", "bitbucket-server")
_SECRETS = {"token": "the token", "private_key": "the key of a GitHub App"}
# The secret of each kind, and whether it is one line that somebody could type.
_OF_KIND = {"token": ("token", True), "app": ("private_key", False)}
_SHOWN = (
    "id", "name", "forge", "kind", "api_url", "hosts", "status_name", "username", "app_id",
    "installation_id", "fingerprint", "git_repos", "failing", "paused_until", "created_at",
    "updated_at",
)  # fmt: skip
_COLUMNS = (
    Column("ID", short),
    Column("NAME", "name", yields=True),
    Column("FORGE", "forge"),
    Column("KIND", "kind"),
    Column("API", "api_url", yields=True),
    Column("LINKS", "git_repos"),
    Column("FAILING", "failing"),
    Column("PAUSED UNTIL", "paused_until"),
)


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--forge", metavar="F[,F]", help="only these, such as github,gitea")
    add_json(parser)
    add_connection(parser)


def _list(options: argparse.Namespace) -> int:
    rows = connect(options).rows(PATH, {"forge": options.forge})
    nothing = "no credential of a forge's API; kt forge-credentials add NAME makes one"
    show_rows(rows, _COLUMNS, options, nothing=nothing)
    return 0


def _field_arguments(parser: argparse.ArgumentParser, *, is_new: bool) -> None:
    add = parser.add_argument
    for name, what in _SECRETS.items():
        add_secret(parser, name, what)
    add("--forge-api-url", metavar="URL",
        help="the only place that it is sent to; of a public forge it may be left out")  # fmt: skip
    add("--host", action="append", metavar="HOST",
        help="a server of whose repositories it tells; repeatable"
             + ("; default: that of the API" if is_new else ", instead of all before"))  # fmt: skip
    add("--status-name", metavar="TEXT", help="how the names of statuses begin")
    add("--username", metavar="NAME", help="of an API token of Bitbucket")
    add("--app-id", metavar="ID", help="of kind app")
    add("--installation-id", metavar="N", help="of kind app: where the App is installed")
    add_json(parser)
    add_connection(parser)


def _fields(options: argparse.Namespace) -> dict[str, Any]:
    """The members of a body that options give, a secret among them.

    Raises:
        CommandError: a file or a variable is not there, or two secrets are to come from stdin.
    """
    plain = ("status_name", "username", "app_id", "installation_id")
    body = {name: value for name in plain if (value := getattr(options, name)) is not None}
    if options.host:
        body["hosts"] = options.host
    if options.forge_api_url is not None:  # Without the first word it is the control plane's.
        body["api_url"] = options.forge_api_url
    return body | given_secrets(options, _SECRETS)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="by which links choose it")
    parser.add_argument("--forge", choices=_FORGES, required=True, help="whose API it is")
    parser.add_argument("--kind", choices=tuple(_OF_KIND), default="token",
        help="token, or GitHub's app; default: token")  # fmt: skip
    _field_arguments(parser, is_new=True)


def _add(options: argparse.Namespace) -> int:
    control_plane, body = connect(options), _fields(options)
    secret, is_line = _OF_KIND[options.kind]
    if secret not in body:
        body[secret] = missing_secret(secret, options.name, is_line=is_line)
    body |= {"name": options.name, "forge": options.forge, "kind": options.kind}
    made = change(control_plane, "POST", PATH, body).row
    told = f"{_named(made)} goes to {text(made.get('api_url'))}, for {text(made.get('hosts'))}"
    print(as_json(made) if options.json else told)
    return 0


def _one_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("credential", metavar="CREDENTIAL", help="its id or name")


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    _one_arguments(parser)
    add_json(parser)
    add_connection(parser)


def _show(options: argparse.Namespace) -> int:
    show_row(_picked(connect(options), options.credential), _SHOWN, options)
    return 0


def _edit_arguments(parser: argparse.ArgumentParser) -> None:
    _one_arguments(parser)
    parser.add_argument("--name", metavar="NAME", help="another name; its links follow it")
    _field_arguments(parser, is_new=False)


def _edit(options: argparse.Namespace) -> int:
    control_plane, body = connect(options), _fields(options)
    if options.name is not None:
        body["name"] = options.name
    if not body:
        raise CommandError("nothing to change: give a secret, --host, --status-name or another")
    row = _picked(control_plane, options.credential)
    edited = write_upon(control_plane, "PATCH", f"{PATH}/{identity(row)}", body).row
    told = f"{_named(edited)} is changed for {text(edited.get('git_repos'))} links"
    print(as_json(edited) if options.json else told)
    return 0


def _remove_arguments(parser: argparse.ArgumentParser) -> None:
    _one_arguments(parser)
    add_yes(parser)
    add_json(parser)
    add_connection(parser)


def _remove(options: argparse.Namespace) -> int:
    control_plane = connect(options)
    row = _picked(control_plane, options.credential)
    if not agreed(f"Remove {_named(row)}? Its secret is kept nowhere else.", options):
        return 1
    gone = write_upon(control_plane, "DELETE", f"{PATH}/{identity(row)}").row
    print(as_json(gone) if options.json else f"removed {_named(row)}")
    return 0


def _named(row: Row) -> str:
    return f"{short(row)} ({text(row.get('name'))}, {text(row.get('forge'))})"


def _picked(control_plane: ControlPlane, word: str) -> Row:
    return pick(control_plane.rows(PATH), word, "name", "kt forge-credentials list")


VERBS = (
    Verb("list", "every credential of a forge's API, and how many links fail with it", _list,
         _list_arguments, "kt forge-credentials list"),
    Verb("add", "keep a secret for the API of a forge", _add, _add_arguments,
         "kt forge-credentials add telling --forge github --token-env FORGE_TOKEN"),
    Verb("show", "a credential, without its secret", _show, _show_arguments,
         "kt forge-credentials show telling"),
    Verb("edit", "give it another secret, or other hosts", _edit, _edit_arguments,
         "kt forge-credentials edit telling --token-env FORGE_TOKEN"),
    Verb("remove", "forget one with which no link is told", _remove, _remove_arguments,
         "kt forge-credentials remove telling"),
)  # fmt: skip
