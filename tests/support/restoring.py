"""Backups of the test database's tables, put back as a restore under running processes does it."""

import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from django.db import connection, models, transaction
from psycopg import sql

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


class Backup:
    """All tables of a running PostgreSQL database, copied as `pg_dump` does."""

    def __init__(self, url: str) -> None:
        self._url = url
        with psycopg.connect(url) as server:
            server.execute("set transaction isolation level repeatable read")
            names = server.execute("select tablename from pg_tables where schemaname = 'public'")
            self._tables = [sql.Identifier(name) for (name,) in names.fetchall()]
            numbered = server.execute(
                "select table_name, column_name from information_schema.columns"
                " where table_schema = 'public' and is_identity = 'YES'"
            )
            self._numbered = numbered.fetchall()
            self._copies = [self._copied(server, table) for table in self._tables]

    def _copied(self, server: psycopg.Connection, table: sql.Identifier) -> bytes:
        with server.cursor().copy(sql.SQL("copy {} to stdout").format(table)) as copy:
            return b"".join(copy)

    def restore(self) -> None:
        """Put it back in one transaction, under whatever works with the database."""
        while not self._is_restored():
            pass  # It met a deadlock, which ended it.

    def _is_restored(self) -> bool:
        try:
            with psycopg.connect(self._url) as server:
                everything = sql.SQL(", ").join(self._tables)
                server.execute(sql.SQL("truncate {}").format(everything))
                for table, rows in zip(self._tables, self._copies, strict=True):
                    self._put_back(server, table, rows)
                for table, column in self._numbered:
                    query = sql.SQL("select setval({}, max({}) + 1, false) from {}").format(
                        f"{table}_{column}_seq", sql.Identifier(column), sql.Identifier(table)
                    )
                    server.execute(query)
        except psycopg.errors.DeadlockDetected:
            return False
        return True

    def _put_back(self, server: psycopg.Connection, table: sql.Identifier, rows: bytes) -> None:
        with server.cursor().copy(sql.SQL("copy {} from stdin").format(table)) as copy:
            copy.write(rows)


class Archive:
    """The same by `pg_dump` and `pg_restore`, which drop the tables and make them anew."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url, self._file = url, folder / f"{uuid4()}.dump"
        subprocess.run(["pg_dump", "-Fc", "-f", self._file, url], check=True, capture_output=True)

    def restore(self) -> None:
        """Put it back in one transaction; again, if it met a deadlock."""
        command = ["pg_restore", "--clean", "--if-exists", "--single-transaction", "-d", self._url]
        while b"deadlock detected" in (done := self._run(command)).stderr:
            continue
        assert done.returncode == 0, done.stderr

    def _run(self, command: list[str]) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run([*command, str(self._file)], capture_output=True, timeout=300)
