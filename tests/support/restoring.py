"""Backups of the test database's tables, put back as a restore under running processes does it."""

from typing import Any

from django.db import connection, models, transaction

from configurations.models import Configuration, Version
from gateways.models import ClientKey, ClientKeyList, Gateway, SigningKey, State
from keeptrusts.models import Count, Counter

_TABLES: tuple[type[models.Model], ...] = (
    Counter, Count, SigningKey, Configuration, Version, ClientKey, ClientKeyList, Gateway, State,
)  # fmt: skip

Dump = dict[type[models.Model], list[dict[str, Any]]]


def dump() -> Dump:
    """All rows of what gateways are told by."""
    return {table: list(table._default_manager.values()) for table in _TABLES}


def restore(kept: Dump) -> None:
    """Put the rows of a dump in place of all that are there, in one transaction."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            for table in reversed(_TABLES):
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(table._meta.db_table)}")
        for table, rows in kept.items():
            table._default_manager.bulk_create([table(**row) for row in rows])
