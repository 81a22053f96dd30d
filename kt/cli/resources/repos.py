"""`kt repos`: link git repositories, and look after the links."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from kt.cli.client.asking import add_yes, agreed, waiting
from kt.cli.client.changing import Ask, change, write_upon
from kt.cli.client.controlplane import ControlPlane
from kt.cli.client.members import Row, block, blocks, identity
from kt.cli.client.output import Column, add_json, pairs, show_row, show_rows, text
from kt.cli.client.printable import as_json
from kt.cli.client.session import add_connection, connect
from kt.cli.commands.parsing import Verb
from kt.cli.errors import CommandError
from kt.cli.resources import linking, watching
from kt.cli.resources.linking import FOLLOWED
from kt.cli.resources.naming import link, short

_PATH = "/v1/git-repos"
_SHOWN = (
    "id", "url", "follows", *FOLLOWED, "path", "auto_create_configuration", "adopt",
    "poll_interval_seconds", "webhook_poll_interval_seconds", "suspended", "four_eyes", "fail_on",
    "minimum_coverage", "minimum_killed", "broken_glass", "id_prefix", "include", "exclude",
    "prune", "has_access_token", "credential", "credential_expires_at", "has_webhook_secret",
    "webhook_url", "status", "last_commit", "last_tag", "last_polled_at", "next_poll_at",
    "last_synced_at", "created_at", "updated_at",
)  # fmt: skip
_COLUMNS = (
    Column("ID", short),
    Column("STATUS", "status"),
    Column("URL", "url", yields=True),
    Column("FOLLOWS", lambda row: followed(row)),
    Column("PATH", "path", yields=True),
    Column("COMMIT", lambda row: str(row.get("last_commit") or "")[:12]),
    Column("FILES", lambda row: pairs(row.get("files")), yields=True),
    Column("SYNCED", "last_synced_at"),
)
_TESTED_WELL = (*watching.GOOD, "missing")


def followed(row: Mapping[str, Any]) -> str:
    """What a link follows, in words: `branch main`."""
    form = next((name for name in FOLLOWED if row.get(name)), "")
    return f"{form} {text(row[form])}" if form else "HEAD"


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--status", metavar="S[,S]", help="only these, such as held,error,stalled")
    add_json(parser)
    add_connection(parser)


def _list(options: argparse.Namespace) -> int:
    rows = connect(options).rows(_PATH, {"status": options.status})
    show_rows(rows, _COLUMNS, options, nothing="no link; kt repos add URL makes one")
    return 0


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    linking.add_new(parser)
    parser.add_argument("--suspended", action="store_true", help="do not poll it yet")
    watching.add_wait(parser)
    add_json(parser)
    add_connection(parser)


def _add(options: argparse.Namespace) -> int:
    control_plane, body = connect(options), linking.new(options)
    if options.suspended:
        body["suspended"] = True
    made = change(control_plane, "POST", _PATH, body).row
    if options.suspended or not options.wait:
        print(as_json(made) if options.json else next(watching.outcome(made)))
        return 0
    row = watching.synced(control_plane, made, seconds=options.wait)
    return watching.show_link(control_plane, row, options)


def _one_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("link", metavar="LINK", help="its id or the beginning of that, or its url")
    add_json(parser)
    add_connection(parser)


def _show(options: argparse.Namespace) -> int:
    control_plane = connect(options)
    row = link(control_plane, options.link)
    show_row(row, _SHOWN, options)
    if not options.json:
        print()
        for told in watching.outcome(row):
            print(told)
        watching.show_files(control_plane.rows(f"{_PATH}/{identity(row)}/files"))
    return 0


def _test_arguments(parser: argparse.ArgumentParser) -> None:
    linking.add_new(parser)
    add_json(parser)
    add_connection(parser)


def _test(options: argparse.Namespace) -> int:
    control_plane = connect(options)
    with waiting("a worker looks at it"):
        answer = control_plane.send("POST", f"{_PATH}/test", linking.new(options))
    return _show_preview(answer.row, options)


def _show_preview(preview: Row, options: argparse.Namespace) -> int:
    """Print what a sync would do; 0 where all of it would be in force."""
    error, held = block(preview, "error"), block(preview, "held")
    files = blocks(preview, "files")
    is_bad = any(one.get("outcome") not in _TESTED_WELL for one in files)
    code = int(bool(error or held or is_bad))
    if options.json:
        print(as_json(preview))
        return code
    for name, one in (("error", error), ("held", held)):
        if one:
            why = text(one.get("code") or one.get("reason"))
            print(f"{name}: {why}: {text(one.get('message'))}")
    if not error:
        print(f"commit {text(preview.get('commit'))}: {len(files)} policy files")
    watching.show_files(files)
    for file in files:
        for one in blocks(file, "changes"):
            effect, message = text(one.get("effect")), text(one.get("message"))
            print(f"  {text(file.get('path'))}: {effect}: {message}")
    return code


def _sync_arguments(parser: argparse.ArgumentParser) -> None:
    _one_arguments(parser)
    watching.add_wait(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what a sync would do")


def _sync(options: argparse.Namespace) -> int:
    control_plane = connect(options)
    row = link(control_plane, options.link)
    path = f"{_PATH}/{identity(row)}/sync"
    if options.dry_run:
        with waiting("a worker looks at it"):
            answer = control_plane.send("POST", path, query={"dry_run": "true"})
        return _show_preview(answer.row, options)
    if not options.wait:
        row = change(control_plane, "POST", path).row
        print(as_json(row) if options.json else next(watching.outcome(row)))
        return 0
    row = watching.synced(control_plane, row, seconds=options.wait)
    return watching.show_link(control_plane, row, options)


def _confirm_arguments(parser: argparse.ArgumentParser) -> None:
    _one_arguments(parser)
    parser.add_argument("commit", nargs="?", metavar="COMMIT",
        help="the one that is held, or the beginning of its id")  # fmt: skip
    add_yes(parser)
    watching.add_wait(parser)


def _confirm(options: argparse.Namespace) -> int:
    control_plane = connect(options)
    row = link(control_plane, options.link)
    held = block(row, "held")
    if not held:
        raise CommandError(f"{short(row)} holds no commit")
    commit = str(held.get("commit"))
    if options.commit and not (len(options.commit) >= 7 and commit.startswith(options.commit)):
        raise CommandError(f"{short(row)} holds {text(commit)} now; look at that one")
    if not options.commit:
        for told in watching.outcome(row):
            print(told)
        if not agreed(f"Let {commit[:12]} pass?", options):
            return 1
    ask = Ask("git_repo.confirm", identity(row), {"commit": commit})
    path = f"{_PATH}/{identity(row)}"
    confirmed = change(control_plane, "POST", f"{path}/confirm", {"commit": commit}, ask=ask).row
    if not options.wait:
        print(as_json(confirmed) if options.json else next(watching.outcome(confirmed)))
        return 0
    after = watching.synced(control_plane, confirmed, seconds=options.wait)
    return watching.show_link(control_plane, after, options)


def _edit_arguments(parser: argparse.ArgumentParser) -> None:
    _one_arguments(parser)
    linking.add_edit(parser)


def _edit(options: argparse.Namespace) -> int:
    body = linking.edit(options)
    if not body:
        raise CommandError("name what is to be changed: kt repos edit --help has all of it")
    return _edited(options, body)


def _suspend(options: argparse.Namespace) -> int:
    return _edited(options, {"suspended": True})


def _resume(options: argparse.Namespace) -> int:
    return _edited(options, {"suspended": False})


def _edited(options: argparse.Namespace, body: dict[str, Any]) -> int:
    control_plane = connect(options)
    row = link(control_plane, options.link)
    # What another person is to confirm stands in a request, where no secret may.
    ask = None if linking.has_secrets(body) else Ask("git_repo.edit", identity(row), body)
    after = write_upon(control_plane, "PATCH", f"{_PATH}/{identity(row)}", body, ask=ask).row
    print(as_json(after) if options.json else next(watching.outcome(after)))
    return 0


def _remove_arguments(parser: argparse.ArgumentParser) -> None:
    _one_arguments(parser)
    add_yes(parser)


def _remove(options: argparse.Namespace) -> int:
    control_plane: ControlPlane = connect(options)
    row = link(control_plane, options.link)
    what = f"{short(row)} ({text(row.get('url'))}, {followed(row)}, {text(row.get('path'))})"
    if not agreed(f"Remove the link {what}? What it feeds stays in force.", options):
        return 1
    ask = Ask("git_repo.remove", identity(row), {})
    left = write_upon(control_plane, "DELETE", f"{_PATH}/{identity(row)}", ask=ask).row
    if options.json:
        print(as_json(left))
    else:
        ids = text(left.get("orphaned_configurations"))
        print(f"removed {what}; in force with nobody to feed them: {ids}")
    return 0


VERBS = (
    Verb("list", "every link with its status", _list, _list_arguments,
         "kt repos list --status held,error,stalled"),
    Verb("add", "link a repository, and show what came of its first sync", _add, _add_arguments,
         "kt repos add https://github.com/org/governance-policies.git --path policies/"),
    Verb("show", "a link, its files, and what helps", _show, _one_arguments,
         "kt repos show governance-policies"),
    Verb("test", "what a link would find; nothing is kept", _test, _test_arguments,
         "kt repos test https://github.com/org/governance-policies.git --branch feature"),
    Verb("sync", "poll now, and show what came of it", _sync, _sync_arguments,
         "kt repos sync governance-policies"),
    Verb("confirm", "let the held commit pass", _confirm, _confirm_arguments,
         "kt repos confirm governance-policies"),
    Verb("edit", "change what a link follows, takes or does", _edit, _edit_arguments,
         "kt repos edit governance-policies --semver '^1.2' --path policies/"),
    Verb("suspend", "stop polling", _suspend, _one_arguments,
         "kt repos suspend governance-policies"),
    Verb("resume", "poll again", _resume, _one_arguments, "kt repos resume governance-policies"),
    Verb("remove", "remove a link; what it feeds stays in force", _remove, _remove_arguments,
         "kt repos remove governance-policies"),
)  # fmt: skip
