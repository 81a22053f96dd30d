"""Rows of all tables to a backup, as of one moment, and from it into an empty database."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import serializers
from django.core.management import call_command
from django.core.management.color import no_style
from django.core.serializers.base import DeserializationError
from django.db import Error, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model
from django.utils.module_loading import import_string

from keeptrusts import database
from keeptrusts.saving import archive
from keeptrusts.saving.archive import ArchiveError
from kt import __version__

_READ_AT_ONCE = 100
_MOST_ROWS, _MOST_BYTES = 500, 8 << 20


def backup(path: Path) -> int:
    """Write all rows, as of one moment, to a new file; returns their number.

    The control plane may run meanwhile, and waits for nothing.

    Raises:
        ArchiveError: the file is there, or cannot be written.
    """
    with archive.made(path) as stream, _one_moment():
        writer = archive.Writer(
            stream,
            release=__version__,
            made_at=datetime.now(UTC).isoformat(),
            database=connection.vendor,
            migrations=_applied(),
        )
        for model in models():
            for row in _rows(model):
                writer.row(row)
        writer.end()
    return writer.rows


def restore(path: Path) -> int:
    """Fill an empty database with the rows of a backup, whole or not at all; returns their number.

    Raises:
        ArchiveError: the file is no whole backup, or not one for this release or secret key; or
            the database is not empty.
    """
    header = archive.checked(path)
    if header.migrations != _of_this_release():
        raise ArchiveError(
            f"{path} was made by release {header.release}, whose tables are others than those of"
            f" {__version__}; restore it with that release, then start this one"
        )
    with database.alone():
        call_command("migrate", interactive=False, verbosity=0)
        try:
            with transaction.atomic():
                return _filled(path)
        except (Error, DeserializationError, KeyError, TypeError) as exc:
            raise ArchiveError(f"{path} does not fit into the tables: {exc}") from exc


def models() -> list[type[Model]]:
    """The tables of this installation, by name."""
    found = (model for model in apps.get_models() if not model._meta.proxy)
    return sorted((model for model in found if model._meta.managed), key=lambda m: m._meta.label)


def _filled(path: Path) -> int:
    if any(model._base_manager.exists() for model in models()):
        raise ArchiveError(
            "this database is not empty; name an empty one by DATABASE_URL or KEEPTRUSTS_DATA_DIR"
        )
    count = 0
    for batch in _batches(archive.rows(path)):
        count += len(batch)
        type(batch[0])._base_manager.bulk_create(batch)
    with connection.cursor() as cursor:
        for line in connection.ops.sequence_reset_sql(no_style(), models()):
            cursor.execute(line)
    connection.check_constraints()
    for name in settings.RESTORED:
        import_string(name)()
    return count


def _batches(rows: Iterable[Mapping[str, Any]]) -> Iterator[Sequence[Model]]:
    """Rows of one table each, so many that they fit into memory."""
    batch: list[Model] = []
    size = 0
    for row in rows:
        [read] = serializers.deserialize("python", [row])
        made: Model = read.object
        if batch and (type(made) is not type(batch[0]) or len(batch) == _MOST_ROWS
                      or size > _MOST_BYTES):  # fmt: skip
            yield batch
            batch, size = [], 0
        batch.append(made)
        size += sum(len(one) for one in row["fields"].values() if isinstance(one, str))
    if batch:
        yield batch


def _rows(model: type[Model]) -> Iterator[bytes]:
    there = model._base_manager.order_by("pk").iterator(chunk_size=_READ_AT_ONCE)
    for one in there:
        [row] = serializers.serialize("python", [one])
        yield json.dumps(row, default=_written, separators=(",", ":")).encode()


def _written(value: Any) -> str:
    """A value as JSON has it. Django's own encoder drops microseconds."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


@contextmanager
def _one_moment() -> Iterator[None]:
    if connection.vendor == "postgresql":
        with database.one_moment(*models()):
            yield
        return
    # Deferred, so that it holds up no writer; Django would begin with a lock.
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def _applied() -> dict[str, str]:
    """The last migration of each package that the database has."""
    applied = MigrationLoader(connection).applied_migrations
    ours = {model._meta.app_label for model in models()}
    return _last(key for key in applied if key[0] in ours)


def _of_this_release() -> dict[str, str]:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    ours = {model._meta.app_label for model in models()}
    return _last(key for key in loader.disk_migrations if key[0] in ours)


def _last(keys: Iterable[tuple[str, str]]) -> dict[str, str]:
    last: dict[str, str] = {}
    for package, name in keys:
        last[package] = max(last.get(package, ""), name)
    return last
