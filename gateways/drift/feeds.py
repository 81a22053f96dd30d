"""Files in git that feed configurations, held removals of them, and configurations without one."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import F, QuerySet

from configurations.models import Configuration, Version
from configurations.seen import ALL, Seen
from gitrepos.links import narrowing
from gitrepos.models import Link, LinkedFile
from keeptrusts.database import WrittenUUID, compiled, compiled_columns

_GONE = (LinkedFile.Outcome.MISSING, LinkedFile.Outcome.ARCHIVED)

_Key = tuple[str, str]  # Link and configuration.
_COLUMNS = (
    "configuration", "renamed_from",
    "path", "content_hash", "outcome", "updated_at", "link__last_commit",
)  # fmt: skip


class File(NamedTuple):
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
    """A configuration with its current version."""

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


_CURRENT = (
    "configuration_id", "number", "content_hash", "created_at",
    *(f"configuration__{name}" for name in Current._fields[4:]),
)  # fmt: skip


def current(wanted: Collection[str | None] | None) -> list[Current]:
    """All configurations, or the wanted ones."""
    if wanted is None:
        return list(map(Current._make, zip(*_all_current().values(), strict=True)))
    return [Current._make(row.values()) for row in _current().filter(configuration__in=wanted)]


def _current() -> QuerySet[Any, Any]:
    rows: QuerySet[Any, Any] = Version.objects.filter(number=F("configuration__version")).values(
        *_CURRENT
    )
    return rows


_all_current = compiled_columns(_current)


def read(wanted: Collection[str | None] | None, seen: Seen = ALL) -> dict[_Key, File]:
    """The files of all configurations, or of the wanted ones, by link and configuration.

    A policy that went on under an id that is not `seen` moved nowhere.
    """
    found: Iterable[Iterable[Any]]
    if wanted is None:
        found = zip(*_all_files().values(), strict=True)
    else:
        found = (row.values() for row in _files().filter(configuration__in=wanted))
    files: dict[_Key, File] = {}
    moved: dict[_Key, tuple[str, str]] = {}
    for row in found:
        configuration, renamed_from, *values, link_key = row
        key = link_key, configuration
        if key not in files or files[key].gone:
            files[key] = file = File._make((*values, "", ""))
            if renamed_from and not file.gone:
                moved[key[0], renamed_from] = file.path, configuration
    gone = {key for key, file in files.items() if file.gone}
    if wanted is not None and gone:  # Of all files, those that moved were among them.
        moved = _moved(gone)
    return files | {
        key: files[key]._replace(moved_to=path, renamed=renamed)
        for key, (path, renamed) in moved.items()
        if key in gone and renamed in seen
    }


def _files() -> QuerySet[Any, Any]:
    rows: QuerySet[Any, Any] = LinkedFile.objects.exclude(configuration="").values(
        *_COLUMNS, link_key=WrittenUUID(F("link_id"))
    )
    return rows


_all_files = compiled_columns(_files)


def held(seen: Seen = ALL) -> dict[_Key, Mapping[str, str]]:
    """The commit that waits for a person, for each file that it would remove."""
    found: dict[_Key, Mapping[str, str]] = {}
    for link_id, full in (row.values() for row in _all_holding()):
        waiting = narrowing.trimmed_hold(full, seen)
        assert waiting is not None
        about = {name: waiting[name] for name in ("commit", "reason", "message", "since")}
        for row in waiting["would_remove"]:
            found[str(link_id), row["configuration"]] = {"git_repo": str(link_id), **about}
    return found


_all_holding = compiled(
    lambda: Link.objects.filter(held__isnull=False, suspended=False).values("pk", "held")
)


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
