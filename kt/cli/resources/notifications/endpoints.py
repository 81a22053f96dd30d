"""Endpoints of notifications: made, shown, changed, removed."""

from __future__ import annotations

import argparse
from typing import Any

from kt.cli.client.asking import add_yes, agreed
from kt.cli.client.changing import change, write_upon
from kt.cli.client.controlplane import ControlPlane
from kt.cli.client.members import Row, identity
from kt.cli.client.output import Column, add_json, show_row, show_rows, text
from kt.cli.client.printable import as_json
from kt.cli.client.secrets import STDIN, read_secret, secret_place
from kt.cli.client.session import add_connection, connect
from kt.cli.errors import CommandError
from kt.cli.resources.labels import add_labels, labels
from kt.cli.resources.naming import pick, short

PATH = "/v1/notification-endpoints"
_FORMS = ("webhook", "slack", "teams", "mail")
_SHOWN = (
    "id", "name", "form", "place", "recipients", "kinds", "git_repos", "labels", "enabled", "gone",
    "failing_since", "failures", "rests_until", "previous_until", "created_at",
)  # fmt: skip
_COLUMNS = (
    Column("ID", short),
    Column("NAME", "name", yields=True),
    Column("FORM", "form"),
    Column("WHERE", lambda row: row.get("place") or row.get("recipients"), yields=True),
    Column("HEARS", lambda row: row.get("kinds") or "all", yields=True),
    Column("ENABLED", "enabled"),
    Column("FAILING SINCE", "failing_since"),
)


def list_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `list`."""
    add_json(parser)
    add_connection(parser)


def list_all(options: argparse.Namespace) -> int:
    """List every endpoint."""
    nothing = "nobody hears of anything; kt notifications add NAME makes an endpoint"
    show_rows(connect(options).rows(PATH), _COLUMNS, options, nothing=nothing)
    return 0


def make_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `add`."""
    add = parser.add_argument
    add("name", metavar="NAME", help="for people")
    add("--form", choices=_FORMS, default="webhook", help="what is sent; default: webhook")
    add("--url-file", metavar="F", help="a file with the url; - for stdin")
    add("--to", action="append", metavar="ADDRESS", help="of mail; repeatable")
    add("--kind", metavar="K[,K]", help="only these events, such as failed,held")
    add("--git-repo", action="append", metavar="ID", help="about this link alone; repeatable")
    add_labels(parser, "--label", "about configurations with all of these; repeatable")
    add("--secret-file", metavar="F",
        help="a new file for the secret that signs, which is shown once; - for stdout")  # fmt: skip
    add_json(parser)
    add_connection(parser)


def make(options: argparse.Namespace) -> int:
    """Make an endpoint; the secret of one that signs goes into a file."""
    if options.form == "webhook" and not options.secret_file:
        raise CommandError("give --secret-file F for the secret that signs, which is shown once")
    given = {
        "url": read_secret(options.url_file) if options.url_file else None,
        "recipients": options.to, "git_repos": options.git_repo, "labels": labels(options.label),
        "kinds": options.kind.split(",") if options.kind else None,
    }  # fmt: skip
    body = {"name": options.name, "form": options.form}
    body |= {name: value for name, value in given.items() if value}
    control_plane = connect(options)
    if options.form != "webhook":
        _told(change(control_plane, "POST", PATH, body).row, options, "")
        return 0
    with secret_place(options.secret_file) as place:
        made = change(control_plane, "POST", PATH, body).row
        place.keep(str(made.pop("secret", "")))
        _told(made, options, options.secret_file)
    return 0


def _told(row: Row, options: argparse.Namespace, file: str) -> None:
    if options.json:
        print(as_json(row))
    elif file != STDIN:
        end = f"; its secret is in {file}" if file else ""
        print(f"{short(row)} ({text(row.get('name'))}) hears of it as {text(row.get('form'))}{end}")


def one_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the endpoint that is meant."""
    parser.add_argument("endpoint", metavar="ENDPOINT", help="its id or name")
    add_connection(parser)


def show_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of what shows one."""
    one_arguments(parser)
    add_json(parser)


def show(options: argparse.Namespace) -> int:
    """Show one endpoint."""
    show_row(picked(connect(options), options.endpoint), _SHOWN, options)
    return 0


def set_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `set`."""
    one_arguments(parser)
    add = parser.add_argument
    add("--url-file", metavar="F", help="a file with another url; - for stdin")
    add("--kind", metavar="K[,K]", help="only these events; all: of all")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--enable", action="store_true", help="send to it again")
    which.add_argument("--disable", action="store_true", help="send nothing to it")
    add_json(parser)


def set_fields(options: argparse.Namespace) -> int:
    """Change an endpoint."""
    body: dict[str, Any] = {}
    if options.url_file:
        body["url"] = read_secret(options.url_file)
    if options.kind:
        body["kinds"] = [] if options.kind == "all" else options.kind.split(",")
    if options.enable or options.disable:
        body["enabled"] = options.enable
    if not body:
        raise CommandError("say what is to be changed: --url-file, --kind, --enable or --disable")
    control_plane = connect(options)
    row = picked(control_plane, options.endpoint)
    done = write_upon(control_plane, "PATCH", f"{PATH}/{identity(row)}", body).row
    print(as_json(done) if options.json else f"changed {short(done)} ({text(done.get('name'))})")
    return 0


def rotate_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `rotate-secret`."""
    one_arguments(parser)
    add = parser.add_argument
    add("--overlap", type=int, default=86_400, metavar="S",
        help="seconds for which the secret before signs as well; default: 86400")  # fmt: skip
    add("--secret-file", required=True, metavar="F",
        help="a new file for the secret, which is shown once; - for stdout")  # fmt: skip
    add_json(parser)


def rotate(options: argparse.Namespace) -> int:
    """Give an endpoint a new secret, into a file."""
    control_plane = connect(options)
    path = f"{PATH}/{identity(picked(control_plane, options.endpoint))}"
    with secret_place(options.secret_file) as place:
        body = {"overlap_seconds": options.overlap}
        made = write_upon(control_plane, "POST", f"{path}/rotate-secret", body, of=path).row
        place.keep(str(made.pop("secret", "")))
        _told(made, options, options.secret_file)
    return 0


def remove_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `remove`."""
    one_arguments(parser)
    add_yes(parser)


def remove(options: argparse.Namespace) -> int:
    """Remove an endpoint."""
    control_plane = connect(options)
    row = picked(control_plane, options.endpoint)
    what = f"{short(row)} ({text(row.get('name'))})"
    if not agreed(f"Remove {what}? What waits for it is lost, and so is its log.", options):
        return 1
    write_upon(control_plane, "DELETE", f"{PATH}/{identity(row)}")
    print(f"removed {what}")
    return 0


def picked(control_plane: ControlPlane, word: str) -> Row:
    """The endpoint that a word means."""
    return pick(control_plane.rows(PATH), word, "name", "kt notifications list")
