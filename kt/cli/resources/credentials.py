"""`kt credentials`: what links prove themselves with to a git server.

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
from kt.cli.client.secrets import add_secret, given_secrets, missing_secret, read_text
from kt.cli.client.session import add_connection, connect
from kt.cli.commands.parsing import Verb
from kt.cli.errors import CommandError
from kt.cli.resources.naming import pick, short

_PATH = "/v1/git-credentials"
_SECRETS = {
    "token": "the token, of kind token",
    "password": "the password, of kind basic",
    "private_key": "the private key, of kinds ssh and app",
    "passphrase": "the passphrase of the private key",
    "client_key": "the key of the client certificate",
}
# The secret of each kind, and whether it is one line that somebody could type.
_OF_KIND = {
    "token": ("token", True),
    "basic": ("password", True),
    "ssh": ("private_key", False),
    "tls": ("client_key", False),
    "app": ("private_key", False),
}
_FILES = ("known_hosts", "client_certificate")
_SHOWN = (
    "id", "name", "kind", "hosts", "username", "authorization", "known_hosts", "public_key",
    "fingerprint", "client_certificate", "client_certificate_expires_at", "api_url", "app_id",
    "installation_id", "expires_at", "expiring", "git_repos", "created_at", "updated_at",
)  # fmt: skip
_COLUMNS = (
    Column("ID", short),
    Column("NAME", "name", yields=True),
    Column("KIND", "kind"),
    Column("HOSTS", "hosts", yields=True),
    Column("LINKS", "git_repos"),
    Column("EXPIRES", "expires_at"),
    Column("STATE", lambda row: "expiring" if row.get("expiring") is True else ""),
)
_LINK_COLUMNS = (Column("LINK", short), Column("URL", "url", yields=True), Column("PATH", "path"))


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kind", metavar="K[,K]", help="only these, such as token,ssh")
    add_json(parser)
    add_connection(parser)


def _list(options: argparse.Namespace) -> int:
    rows = connect(options).rows(_PATH, {"kind": options.kind})
    nothing = "no credential; kt credentials add NAME makes one"
    show_rows(rows, _COLUMNS, options, nothing=nothing)
    return 0


def _field_arguments(parser: argparse.ArgumentParser, *, is_new: bool) -> None:
    add = parser.add_argument
    add("--host", action="append", metavar="HOST", required=is_new,
        help="where it goes, and nowhere else: HOST, HOST:PORT or http://HOST:PORT; repeatable"
             + ("" if is_new else ", instead of all before"))  # fmt: skip
    for name, what in _SECRETS.items():
        add_secret(parser, name, what)
    add("--username", metavar="NAME", help="of Basic")
    add("--authorization", choices=("basic", "bearer"), help="how a token is sent")
    add("--known-hosts", metavar="F", help="a file with the keys of the servers, in ssh's format")
    add("--client-certificate", metavar="F", help="a file with a certificate for TLS, in PEM")
    add("--app-api-url", metavar="URL",
        help="of kind app: GitHub's API; default: https://api.github.com")  # fmt: skip
    add("--app-id", metavar="ID", help="of kind app")
    add("--installation-id", metavar="N", help="of kind app: where the App is installed")
    add("--expires-at", metavar="TIME", help="its end, such as 2026-12-31T12:00:00Z")
    add_json(parser)
    add_connection(parser)


def _fields(options: argparse.Namespace) -> dict[str, Any]:
    """The members of a body that options give, secrets among them.

    Raises:
        CommandError: a file or a variable is not there, or two secrets are to come from stdin.
    """
    plain = ("username", "authorization", "expires_at", "app_id", "installation_id")
    body = {name: value for name in plain if (value := getattr(options, name)) is not None}
    if options.host:
        body["hosts"] = options.host
    if options.app_api_url is not None:  # Without the first word it is the control plane's.
        body["api_url"] = options.app_api_url
    body |= {name: read_text(file) for name in _FILES if (file := getattr(options, name))}
    return body | given_secrets(options, _SECRETS)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="by which links name it")
    parser.add_argument("--kind", choices=tuple(_OF_KIND), default="token",
        help="what is sent; default: token")  # fmt: skip
    _field_arguments(parser, is_new=True)


def _add(options: argparse.Namespace) -> int:
    control_plane, body = connect(options), _fields(options)
    secret, is_line = _OF_KIND[options.kind]
    if secret not in body:
        body[secret] = missing_secret(secret, options.name, is_line=is_line)
    body |= {"name": options.name, "kind": options.kind}
    made = change(control_plane, "POST", _PATH, body).row
    told = f"{_named(made)} goes to {text(made.get('hosts'))}"
    if made.get("fingerprint"):
        told += f"; its key is {text(made['fingerprint'])}"
    print(as_json(made) if options.json else told)
    return 0


def _one_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("credential", metavar="CREDENTIAL", help="its id or name")


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    _one_arguments(parser)
    add_json(parser)
    add_connection(parser)


def _show(options: argparse.Namespace) -> int:
    control_plane = connect(options)
    row = _picked(control_plane, options.credential)
    show_row(row, _SHOWN, options)
    if not options.json:
        print()
        links = control_plane.rows("/v1/git-repos", {"credential": str(row.get("name"))})
        show_rows(links, _LINK_COLUMNS, options, nothing="no link uses it")
    return 0


def _edit_arguments(parser: argparse.ArgumentParser) -> None:
    _one_arguments(parser)
    parser.add_argument("--name", metavar="NAME", help="another name; its links follow it")
    parser.add_argument("--never-expires", action="store_true", help="take its end away")
    parser.add_argument("--no-client-certificate", action="store_true",
        help="take the certificate and its key away")  # fmt: skip
    _field_arguments(parser, is_new=False)


def _edit(options: argparse.Namespace) -> int:
    control_plane, body = connect(options), _fields(options)
    if options.name is not None:
        body["name"] = options.name
    if options.never_expires:
        body["expires_at"] = None
    if options.no_client_certificate:
        body["client_certificate"] = None
    if not body:
        raise CommandError("nothing to change: give a secret, --host, --expires-at or another")
    row = _picked(control_plane, options.credential)
    edited = write_upon(control_plane, "PATCH", f"{_PATH}/{identity(row)}", body).row
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
    if not agreed(f"Remove {_named(row)}? Its secrets are kept nowhere else.", options):
        return 1
    gone = write_upon(control_plane, "DELETE", f"{_PATH}/{identity(row)}").row
    print(as_json(gone) if options.json else f"removed {_named(row)}")
    return 0


def _named(row: Row) -> str:
    return f"{short(row)} ({text(row.get('name'))}, {text(row.get('kind'))})"


def _picked(control_plane: ControlPlane, word: str) -> Row:
    return pick(control_plane.rows(_PATH), word, "name", "kt credentials list")


VERBS = (
    Verb("list", "every credential, and how many links use it", _list, _list_arguments,
         "kt credentials list"),
    Verb("add", "keep a secret for the git servers that are named", _add, _add_arguments,
         "kt credentials add policies --host forge.example --token-env FORGE_TOKEN"),
    Verb("show", "a credential, without its secrets, and its links", _show, _show_arguments,
         "kt credentials show policies"),
    Verb("edit", "give it another secret, or other hosts", _edit, _edit_arguments,
         "kt credentials edit policies --token-env FORGE_TOKEN"),
    Verb("remove", "forget one that no link uses", _remove, _remove_arguments,
         "kt credentials remove policies"),
)  # fmt: skip
