"""`kt trusts`: CI jobs that may use the API without a stored secret."""

from __future__ import annotations

import argparse

from kt.cli.client.asking import add_yes, agreed
from kt.cli.client.changing import change, write_upon
from kt.cli.client.members import identity
from kt.cli.client.output import Column, add_json, show_rows, text
from kt.cli.client.printable import as_json
from kt.cli.client.session import add_connection, connect
from kt.cli.commands.parsing import Verb
from kt.cli.errors import CommandError
from kt.cli.numbers import positive
from kt.cli.resources.access.tokens import add_sight, sight
from kt.cli.resources.naming import pick, short

_PATH = "/v1/trusts"
_ROLES = ("metrics", "ci", "viewer", "auditor", "editor")
_GITHUB = "https://token.actions.githubusercontent.com"
_GITLAB = "https://gitlab.com"
_PLAIN = ("repository_id", "project_id", "subject", "ref", "environment", "expires_at")
_COLUMNS = (
    Column("ID", short),
    Column("NAME", "name", yields=True),
    Column("ROLE", "role"),
    Column("ISSUER", "issuer", yields=True),
    Column("WHOSE", lambda row: row.get("repository_id") or row.get("project_id")
           or row.get("subject"), yields=True),
    Column("REF", "ref"),
    Column("ENVIRONMENT", "environment"),
    Column("SEES", lambda row: row.get("sight") or "all"),
    Column("ENABLED", "enabled"),
)  # fmt: skip


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    add_connection(parser)


def _list(options: argparse.Namespace) -> int:
    nothing = "no trust; kt trusts create NAME makes one"
    show_rows(connect(options).rows(_PATH), _COLUMNS, options, nothing=nothing)
    return 0


def _create_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("name", metavar="NAME", help="for people")
    add("--issuer", metavar="URL",
        help="the iss of its JWTs; without it GitHub's of a --repository-id, and GitLab's of a "
        "--project-id")  # fmt: skip
    add("--audience", metavar="URL", help="the aud; without it the control plane's url")
    add("--repository-id", metavar="N", help="GitHub's number of the repository")
    add("--project-id", metavar="N", help="GitLab's number of the project")
    add("--subject", metavar="SUB", help="the sub of another issuer's JWTs")
    add("--ref", metavar="REF", help="such as refs/heads/main")
    add("--environment", metavar="NAME", help="that the job names")
    add("--role", choices=_ROLES, default="ci", help="what a job may do; default: ci")
    add("--max-seconds", type=positive, metavar="S", help="the longest life of a JWT")
    add("--expires-at", metavar="TIME", help="its end, such as 2026-12-31T12:00:00Z")
    add_sight(parser)
    add_json(parser)
    add_connection(parser)


def _create(options: argparse.Namespace) -> int:
    control_plane = connect(options)
    by_number = _GITHUB if options.repository_id else _GITLAB if options.project_id else ""
    issuer = options.issuer or by_number
    if not issuer:
        raise CommandError("give --repository-id N, --project-id N, or --issuer URL --subject SUB")
    given = {name: getattr(options, name) for name in _PLAIN}
    given |= {"networks": options.network, "sight": sight(options)}
    given["max_seconds"] = options.max_seconds
    body = {"name": options.name, "role": options.role, "issuer": issuer}
    body["audience"] = options.audience or control_plane.url
    body |= {name: value for name, value in given.items() if value}
    made = change(control_plane, "POST", _PATH, body).row
    name, role = text(made.get("name")), text(made.get("role"))
    told = f"{short(made)} ({name}) lets such jobs in as {role}"
    print(as_json(made) if options.json else told)
    return 0


def _remove_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("trust", metavar="TRUST", help="its id or name")
    add_yes(parser)
    add_connection(parser)


def _remove(options: argparse.Namespace) -> int:
    control_plane = connect(options)
    row = pick(control_plane.rows(_PATH), options.trust, "name", "kt trusts list")
    what = f"{short(row)} ({text(row.get('name'))})"
    if not agreed(f"Remove {what}? Its jobs are refused at once.", options):
        return 1
    write_upon(control_plane, "DELETE", f"{_PATH}/{identity(row)}")
    print(f"removed {what}")
    return 0


VERBS = (
    Verb("list", "every trust", _list, _list_arguments, "kt trusts list"),
    Verb("create", "let jobs of a repository in", _create, _create_arguments,
         "kt trusts create 'policies on GitHub' --repository-id 123456789 --environment policies"),
    Verb("remove", "refuse them again", _remove, _remove_arguments,
         "kt trusts remove 'policies on GitHub'"),
)  # fmt: skip
