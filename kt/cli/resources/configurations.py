"""`kt configurations`: what is in force, and what was."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from kt.cli.client.asking import add_yes, agreed
from kt.cli.client.changing import Ask, write_upon
from kt.cli.client.members import Row, block, blocks, segment
from kt.cli.client.output import Column, add_json, is_terminal, show_row, show_rows, text
from kt.cli.client.printable import as_json, lines
from kt.cli.client.refusals import RefusedError
from kt.cli.client.session import add_connection, connect
from kt.cli.commands.parsing import Verb
from kt.cli.errors import CommandError
from kt.cli.numbers import positive

_PATH = "/v1/configurations"
_SHOWN = (
    "id", "name", "description", "labels", "status", "source", "git_repo", "version",
    "content_hash", "overridden", "pin", "four_eyes", "broken_glass", "created_at", "updated_at",
)  # fmt: skip
_OF_A_VERSION = (
    "number", "content_hash", "source", "repo_url", "commit", "ref", "path", "author", "message",
    "signer", "signer_key", "actor", "note", "trace_id", "created_at",
)  # fmt: skip
_COLUMNS = (
    Column("ID", "id"),
    Column("VERSION", "version"),
    Column("IN FORCE", lambda row: standing(row)),
    Column("SOURCE", "source"),
    Column("HASH", lambda row: str(row.get("content_hash") or "")[:12]),
    Column("LABELS", "labels", yields=True),
    Column("UPDATED", "updated_at"),
)
_HISTORY = (
    Column("VERSION", "number"),
    Column("CREATED", "created_at"),
    Column("BY", lambda row: row.get("author") or row.get("actor"), yields=True),
    Column("COMMIT", lambda row: str(row.get("commit") or "")[:12]),
    Column("HASH", lambda row: str(row.get("content_hash") or "")[:12]),
    Column("WHY", lambda row: _first_line(row.get("message") or row.get("note")), yields=True),
    Column("TRACE", "trace_id"),
)
_SIGNS = {"stronger": "+", "weaker": "-"}


def standing(row: Mapping[str, Any]) -> str:
    """How what is in force came to be: as git has it, pinned, overridden, or no more."""
    if row.get("status") == "archived":
        return "archived"
    if row.get("pin"):
        return "pinned"
    if row.get("overridden"):
        return "overridden"
    return "refused by the present rules" if row.get("warning") else "active"


def path_of(configuration: str) -> str:
    """The path of one configuration."""
    return f"{_PATH}/{segment(configuration)}"


def _first_line(message: Any) -> str:
    return str(message or "").strip().partition("\n")[0]


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--status", choices=("active", "archived", "all"),
        help="only these; without it all that are in force")  # fmt: skip
    add_json(parser)
    add_connection(parser)


def _list(options: argparse.Namespace) -> int:
    rows = connect(options).rows(_PATH, {"status": options.status})
    nothing = "no configuration; kt repos add URL brings those of a repository"
    show_rows(rows, _COLUMNS, options, nothing=nothing)
    return 0


def _one_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("configuration", metavar="ID", help="of the configuration")
    add_json(parser)
    add_connection(parser)


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    _one_arguments(parser)
    parser.add_argument("--version", type=positive, metavar="N",
        help="an earlier one; without it, that in force")  # fmt: skip
    parser.add_argument("--content", action="store_true", help="print its exact bytes")


def _show(options: argparse.Namespace) -> int:
    control_plane = connect(options)
    path = path_of(options.configuration)
    if options.version:
        path = f"{path}/versions/{options.version}"
    with _of_versions(options.configuration, options.version):
        if options.content:
            return _show_content(control_plane.content(f"{path}/content"))
        row = control_plane.row(path)
    if options.version:
        show_row(row, _OF_A_VERSION, options)
    else:
        _print(row, options)
    return 0


def _show_content(data: bytes) -> int:
    if is_terminal(sys.stdout):
        print(lines(data.decode("utf-8", "replace")), end="")
    elif sys.stdout is not None:  # Closed by the shell.
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
    return 0


@contextmanager
def _of_versions(configuration: str, *numbers: int | None) -> Iterator[None]:
    """Say of versions that are not there where those are that there are."""
    try:
        yield
    except RefusedError as exc:
        if exc.status != HTTPStatus.NOT_FOUND or not any(numbers):
            raise
        command = f"kt configurations history {text(configuration)}"
        raise CommandError(f"{exc}\n  {command} has those that there are") from exc


def _print(row: Row, options: argparse.Namespace) -> None:
    show_row(row, _SHOWN, options)
    warning = block(row, "warning")
    if warning and not options.json:
        print(f"\nwarning: {text(warning.get('message'))}")


def _history(options: argparse.Namespace) -> int:
    rows = connect(options).rows(f"{path_of(options.configuration)}/versions")
    show_rows(rows, _HISTORY, options, nothing="no version")
    return 0


def _diff_arguments(parser: argparse.ArgumentParser) -> None:
    _one_arguments(parser)
    parser.add_argument("--from", dest="before", type=positive, metavar="N",
        help="a version; without it, the one before")  # fmt: skip
    parser.add_argument("--to", dest="after", type=positive, metavar="N",
        help="a version; without it, the one in force")  # fmt: skip


def _diff(options: argparse.Namespace) -> int:
    query = {"from": options.before, "to": options.after}
    with _of_versions(options.configuration, options.before, options.after):
        answer = connect(options).get(f"{path_of(options.configuration)}/diff", query).row
    if options.json:
        print(as_json(answer))
        return 0
    changes = blocks(answer, "changes")
    for one in changes:
        effect = text(one.get("effect"))
        print(f"{_SIGNS.get(effect, ' ')} {effect:<8}  {text(one.get('message'))}")
    if not changes:
        print("no change of enforcement")
    return 0


def _rollback_arguments(parser: argparse.ArgumentParser) -> None:
    _one_arguments(parser)
    add = parser.add_argument
    add("version", type=positive, metavar="VERSION", help="whose content is put in force again")
    add("--note", metavar="TEXT", help="why, kept with the new version")
    add_yes(parser)


def _rollback(options: argparse.Namespace) -> int:
    told = f"Put version {options.version} of {options.configuration} in force again?"
    if not agreed(told, options):
        return 1
    body = {"version": options.version} | ({"note": options.note} if options.note else {})
    return _changed(options, "POST", "rollback", body)


def _pin_arguments(parser: argparse.ArgumentParser) -> None:
    _one_arguments(parser)
    add = parser.add_argument
    add("--reason", required=True, metavar="TEXT", help="why, which everybody sees")
    add("--version", type=positive, metavar="N", help="to put in force first")
    add("--expires-at", metavar="TIME", help="its end, such as 2026-12-31T12:00:00Z")


def _pin(options: argparse.Namespace) -> int:
    given = {"version": options.version, "expires_at": options.expires_at}
    body = {"reason": options.reason, **{name: value for name, value in given.items() if value}}
    return _changed(options, "POST", "pin", body)


def _unpin(options: argparse.Namespace) -> int:
    return _changed(options, "DELETE", "pin", None, kind="unpin")


def _changed(
    options: argparse.Namespace, method: str, action: str, body: Any, *, kind: str = ""
) -> int:
    path = path_of(options.configuration)
    ask = Ask(f"configuration.{kind or action}", options.configuration, body or {})
    control_plane = connect(options)
    with _of_versions(options.configuration, (body or {}).get("version")):
        row = write_upon(control_plane, method, f"{path}/{action}", body, ask=ask, of=path).row
    if options.json:
        print(as_json(row))
    else:
        print(f"{text(row.get('id'))}: version {text(row.get('version'))}, {standing(row)}")
    return 0


VERBS = (
    Verb("list", "what is in force", _list, _list_arguments, "kt configurations list --status all"),
    Verb("show", "one of them or of its versions, or the exact bytes", _show, _show_arguments,
         "kt configurations show support-bot --content"),
    Verb("history", "its versions, newest first", _history, _one_arguments,
         "kt configurations history support-bot"),
    Verb("diff", "what a version changes in enforcement", _diff, _diff_arguments,
         "kt configurations diff support-bot --from 1 --to 2"),
    Verb("rollback", "put an earlier version in force, until git changes", _rollback,
         _rollback_arguments, "kt configurations rollback support-bot 1 --note 'an incident'"),
    Verb("pin", "keep a version in force whatever git says", _pin, _pin_arguments,
         "kt configurations pin support-bot --reason 'an audit'"),
    Verb("unpin", "follow git again", _unpin, _one_arguments,
         "kt configurations unpin support-bot"),
)  # fmt: skip
