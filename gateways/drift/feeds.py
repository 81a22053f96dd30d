"""Files in git that feed configurations, held removals of them, and configurations without one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from configurations.models import Configuration
from configurations.seen import ALL, Seen
from gitrepos.links import narrowing
from gitrepos.models import Link, LinkedFile

_GONE = (LinkedFile.Outcome.MISSING, LinkedFile.Outcome.ARCHIVED)

_Key = tuple[str, str]  # Link and configuration.
_COLUMNS = (
    "link_id", "configuration", "renamed_from",
    "path", "content_hash", "outcome", "updated_at", "link__last_commit",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class File:
    """A configuration's file as its link last saw it, and the link's last commit.

    For a file that is gone, `moved_to` is the present path of its policy, and `renamed` the
    policy's id there.
    """

    path: str
    content_hash: str
    outcome: str
    since: datetime
    commit: str
    moved_to: str = ""
    renamed: str = ""

    @property
    def gone(self) -> bool:
        return self.outcome in _GONE


class Current(NamedTuple):
    """A configuration with its current version, as `COLUMNS` of that are read."""

    pk: str
    version: int
    content_hash: str
    published_at: datetime
    source: str
    status: str
    owner: str
    git_hash: str
    pinned_at: datetime | None
    pin_actor: str
    pin_reason: str
    orphaned_at: datetime | None
    updated_at: datetime


COLUMNS = (
    "configuration_id", "number", "content_hash", "created_at",
    *(f"configuration__{name}" for name in Current._fields[4:]),
)  # fmt: skip


def read(wanted: Collection[str | None] | None, seen: Seen = ALL) -> dict[_Key, File]:
    """The files of all configurations, or of the wanted ones, by link and configuration.

    A policy that went on under an id that is not `seen` moved nowhere.
    """
    rows = LinkedFile.objects.exclude(configuration="")
    if wanted is not None:
        rows = rows.filter(configuration__in=wanted)
    files: dict[_Key, File] = {}
    moved: dict[_Key, tuple[str, str]] = {}
    found = list(rows.values_list(*_COLUMNS))
    for link_id, configuration, renamed_from, *values in found:
        key = str(link_id), configuration
        if key not in files or files[key].gone:
            files[key] = file = File(*values)
            if renamed_from and not file.gone:
                moved[key[0], renamed_from] = file.path, configuration
    gone = {key for key, file in files.items() if file.gone}
    if wanted is not None and gone:  # Of all files, those that moved were among them.
        moved = _moved(gone)
    return files | {
        key: replace(files[key], moved_to=path, renamed=renamed)
        for key, (path, renamed) in moved.items()
        if key in gone and renamed in seen
    }


def held(seen: Seen = ALL) -> dict[_Key, Mapping[str, str]]:
    """The commit that waits for a person, for each file that it would remove."""
    found: dict[_Key, Mapping[str, str]] = {}
    holding = Link.objects.filter(held__isnull=False, suspended=False)
    for link_id, full in holding.values_list("pk", "held"):
        waiting = narrowing.trimmed_hold(full, seen)
        assert waiting is not None
        about = {name: waiting[name] for name in ("commit", "reason", "message", "since")}
        for row in waiting["would_remove"]:
            found[str(link_id), row["configuration"]] = {"git_repo": str(link_id), **about}
    return found


def _moved(gone: Collection[_Key]) -> dict[_Key, tuple[str, str]]:
    """Path and id that policies have now, by the link and the id that they had."""
    links, names = {UUID(link) for link, _ in gone}, {name for _, name in gone}
    rows = LinkedFile.objects.filter(link__in=links, renamed_from__in=names)
    moved = rows.exclude(outcome__in=_GONE)
    return {
        (str(link_id), name): (path, renamed)
        for link_id, name, path, renamed in moved.values_list(
            "link_id", "renamed_from", "path", "configuration"
        )
    }


def orphaned(row: Current, file: File | None) -> tuple[datetime, str] | None:
    """The time since when, and the reason why, no file in git feeds a configuration; else None.

    `file` is the one that the owning link has for it. A configuration that the API made, or took
    over when its link was deleted, needs none: None.
    """
    if row.source != Configuration.Source.GIT:
        return None
    if not row.owner:
        return row.orphaned_at or row.updated_at, "the link that fed it was deleted"
    if file is None:
        return row.updated_at, "no file of its link names it"
    if file.gone:
        return file.since, _where(file)
    if row.status == Configuration.Status.ARCHIVED:
        return row.updated_at, f"it was archived, and {file.path} did not change since"
    return None


def _where(file: File) -> str:
    if file.renamed and file.moved_to == file.path:
        return f"{file.path} names {file.renamed} now"
    if file.renamed:
        return f"{file.path} is gone; its policy is {file.renamed} now, in {file.moved_to}"
    return f"{file.path} is gone, or names another id"
