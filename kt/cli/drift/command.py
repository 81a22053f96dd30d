"""`kt drift`: compare the commit with what is in force and what the gateways run.

Exit codes: 0 in sync, 1 drift, 2 it could not tell.
"""

from __future__ import annotations

import argparse
import contextlib
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from kt.cli.client.controlplane import ControlPlane
from kt.cli.client.members import segment
from kt.cli.client.refusals import DeniedError
from kt.cli.client.session import add_connection, connect
from kt.cli.drift.checkout import Committed, policies
from kt.cli.drift.comparison import (
    STATES,
    CommittedPolicy,
    Scope,
    compare,
    drifts,
    unfed,
)
from kt.cli.drift.report import RENDERERS
from kt.cli.errors import CommandError
from kt.cli.formats import relative, repository_root
from kt.policy.files import FILE_NAME
from kt.policy.identity import identify
from kt.policy.lint import lint
from kt.policy.report import Pack
from kt.policy.suggest import did_you_mean


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("--path", default=".", metavar="P", help="a directory or a file; default: .")
    add("--id-prefix", default="", metavar="T", help="the link's prefix of ids")
    add("--format", choices=tuple(RENDERERS), default="text", help="default: text")
    add("--json", action="store_const", const="json", dest="format", help="as --format json")
    add("--ignore", action="extend", type=_states, default=[], metavar="STATE[,STATE]",
        help=f"states that are no drift; repeatable: {', '.join(STATES)}")  # fmt: skip
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Compare and report; the exit code."""
    control_plane = connect(options)
    committed = _identified(policies(options.path), options.id_prefix)
    prefix = options.id_prefix
    known, seen = control_plane.rows("/v1/configurations"), control_plane.rows("/v1/drift")
    owners = unfed(committed, known, seen, prefix=prefix)
    origins = _origins(control_plane, [name for name, owner in owners.items() if not owner])
    path, links = _from_root(options.path), []
    if any(owners.values()) or origins:
        try:
            links = control_plane.rows("/v1/git-repos")
        except DeniedError:  # Versions tell most of what links do, and the role `ci` reads them.
            links = _links_by_versions(control_plane, committed, known, Scope(prefix, path))
            origins |= _origins(control_plane, [name for name, owner in owners.items() if owner])
    scope = Scope(prefix, path, links, origins, _unseen(control_plane, committed, known))
    rows = compare(committed, known, seen, scope=scope)
    print(RENDERERS[options.format](rows, options.ignore), end="")
    return int(drifts(rows, options.ignore))


def _states(text: str) -> list[str]:
    """States, comma-separated as the API takes them."""
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in STATES:
            hint = did_you_mean(name, STATES, otherwise=f"choose from {', '.join(STATES)}")
            raise argparse.ArgumentTypeError(f"no state {name!r}; {hint}")
    return names


def _origins(control_plane: ControlPlane, names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Url and path of the newest version that came from git, by id; not of what tells none."""
    found = {}
    for name in names:
        with contextlib.suppress(CommandError):  # It counts as this checkout's.
            versions = control_plane.rows(f"/v1/configurations/{segment(name)}/versions")
            urls = [(row.get("repo_url"), row.get("path")) for row in versions]
            url, path = next((pair for pair in urls if pair[0]), ("", ""))
            if url:
                found[name] = str(url), str(path)
    return found


def _unseen(
    control_plane: ControlPlane,
    committed: Sequence[CommittedPolicy],
    known: Sequence[Mapping[str, Any]],
) -> frozenset[str]:
    """Ids that are not there for a narrowed token, and that no glob of its sight names."""
    missing = {policy.id for policy in committed} - {str(row["id"]) for row in known}
    sight: Any = None
    if missing:
        with contextlib.suppress(CommandError):  # A control plane that says nothing narrows none.
            who = control_plane.row("/v1/whoami")
            sight = (who.get("token") or who.get("trust") or {}).get("sight")
    if not isinstance(sight, Mapping):
        return frozenset()
    globs = [".*".join(map(re.escape, glob.split("*"))) for glob in sight.get("ids") or ()]
    return frozenset(name for name in missing if not any(re.fullmatch(g, name) for g in globs))


def _links_by_versions(
    control_plane: ControlPlane,
    committed: Sequence[CommittedPolicy],
    known: Sequence[Mapping[str, Any]],
    scope: Scope,
) -> list[dict[str, Any]]:
    """The links that feed the checkout, as far as the versions that came from them tell."""
    named = {policy.id for policy in committed}
    fed = {str(row.get("git_repo") or ""): str(row["id"]) for row in known if row["id"] in named}
    origins = _origins(control_plane, [name for link, name in fed.items() if link])
    return [
        {"id": link, "url": origins[name][0], "id_prefix": scope.prefix, "path": scope.path}
        for link, name in fed.items()
        if name in origins
    ]


def _from_root(path: str) -> str:
    """A path as a link has it; empty for the whole repository, and for one outside of it."""
    found = relative(path, repository_root())
    return "" if found == "." or found.startswith(("/", "..")) else found


def _identified(files: list[Committed], prefix: str) -> list[CommittedPolicy]:
    """The policies with the ids that a link gives them.

    Raises:
        CommandError: a file has no id, or two have the same.
    """
    by_id: dict[str, CommittedPolicy] = {}
    for file in files:
        named = _id(file)
        name = prefix + named
        if name in by_id:
            raise CommandError(f"{file.path} and {by_id[name].path} both have the id {name}")
        by_id[name] = CommittedPolicy(name, file.path, sha256(file.data).hexdigest())
    return list(by_id.values())


def _id(file: Committed) -> str:
    folder, _, name = file.path.rpartition("/")
    directory = folder.rpartition("/")[2] or None if name == FILE_NAME else None
    stem = name.rpartition(".")[0] or name if name != FILE_NAME else None
    pack = lint(file.data, directory=directory).pack or Pack()
    named = identify(pack, directory=directory, stem=stem)
    if not isinstance(named, str):
        raise CommandError(f"{file.path}: {named.message}; {named.suggestion}")
    return named
