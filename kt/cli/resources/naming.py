"""The row that somebody means by an id, the beginning of one, or a name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kt.cli.client.controlplane import ControlPlane
from kt.cli.client.members import Row
from kt.cli.client.output import text
from kt.cli.client.printable import line
from kt.cli.errors import CommandError
from kt.policy.suggest import did_you_mean

SHORT = 8
_LEAST = 4
_SHOWN = 10


def short(row: Any) -> str:
    """The beginning of a row's id, which tables show and `pick` takes."""
    return text(row.get("id"))[:SHORT]


def link(control_plane: ControlPlane, word: str) -> Row:
    """The link that is meant, by its id or url; see `pick`."""
    return pick(control_plane.rows("/v1/git-repos"), word, "url", "kt repos list")


def pick(rows: Sequence[Row], word: str, name: str, listing: str) -> Row:
    """The one row with this id or value of `name`, else whose id or value is told by a part.

    A part is the beginning of an id or the end of a path, with `.git` or without. `listing` is the
    command that shows what there is.

    Raises:
        CommandError: there is none, or several are.
    """
    whole = [row for row in rows if word in (row.get("id"), row.get(name))]
    found = whole or [row for row in rows if _is_part(word, row, name)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(f"{short(row)} ({line(str(row.get(name)))})" for row in found[:_SHOWN])
        raise CommandError(f"{word!r} may be each of {ids}: name one by its id")
    known = [str(row.get(name)) for row in rows]
    raise CommandError(f"there is no {word!r}; {did_you_mean(word, known, otherwise=listing)}")


def _is_part(word: str, row: Row, name: str) -> bool:
    if len(word) < _LEAST:
        return False
    value, bare = str(row.get(name, "")).removesuffix(".git"), word.removesuffix(".git")
    return str(row.get("id", "")).startswith(word) or value == bare or value.endswith(f"/{bare}")
