"""The database: time limits, reading of one moment, doing something alone, SQL made once."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
from django.db import connection as default
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import JSONField, Model, QuerySet

Raw = dict[str, Any]

# A frozen process, or one behind a cut network, would hold its locks until TCP gives up: hours. It
# is less than a lease, so that whoever takes over what it had claimed finds no lock of it.
MOST_IDLE_SECONDS = 20
# Somebody waits for an answer; nobody does for a worker, whose claims last longer.
WEB_SECONDS = 15
WORKER_SECONDS = 60
# The server's own end of a statement comes first.
_GRACE_SECONDS = 5
# Of nobody else in this database: the first bytes of our name.
_ALONE = int.from_bytes(b"keeptrus")

_statement_seconds: float | None = None


def bound_statements(seconds: float) -> None:
    """Limit every statement of this process to `seconds`.

    Without a call there is no limit: a migration takes the time that it needs.
    """
    global _statement_seconds
    _statement_seconds = seconds


def wait_seconds() -> float | None:
    """The wait for an answer before the connection is closed; None for no limit."""
    return None if _statement_seconds is None else _statement_seconds + _GRACE_SECONDS


def bound_connection(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Have the server end long statements, and transactions that stay idle.

    It is set by a statement, since poolers refuse start-up options.
    """
    if connection.vendor != "postgresql":
        return
    bounds: dict[str, float] = {"idle_in_transaction_session_timeout": MOST_IDLE_SECONDS}
    if _statement_seconds is not None:
        bounds["statement_timeout"] = _statement_seconds
    settings = ", ".join(["set_config(%s, %s, false)"] * len(bounds))
    values = [part for name, seconds in bounds.items() for part in (name, f"{seconds}s")]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {settings}", values)


@contextmanager
def one_moment(*models: type[Model]) -> Iterator[None]:
    """Read only, and all of `models` as of one moment, until the end of the block.

    Between two readings a backup may be restored. On SQLite, and inside of a transaction, they are
    as of their own moments.
    """
    if default.vendor != "postgresql" or default.in_atomic_block:
        yield
        return
    tables = ", ".join(default.ops.quote_name(model._meta.db_table) for model in models)
    with transaction.atomic():
        with default.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            # Before the moment is chosen: what is truncated or made anew later is empty to it.
            cursor.execute(f"LOCK TABLE {tables} IN ACCESS SHARE MODE")
        yield


@contextmanager
def alone() -> Iterator[None]:
    """Wait until no other process of the installation is in such a block.

    On SQLite the lock of the data folder sees to that.
    """
    if default.vendor != "postgresql":
        yield
        return
    # Of a transaction on a connection of its own, since poolers keep what a session locks.
    holder = default.copy()
    try:
        holder.set_autocommit(False)
        with holder.cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ALONE])
        yield
    finally:
        holder.close()


class Statement:
    """A query of values as SQL, which takes longer to make than to ask, with its converters.

    It is the same each time: what it chooses by is of the moment in which it was made.
    """

    def __init__(self, rows: QuerySet[Any, Any]) -> None:
        query = rows.query.clone()
        compiler = query.get_compiler(rows.db)
        self._alias = rows.db
        self._sql, self._params = compiler.as_sql()
        self._names = tuple(query.selected or (*query.values_select, *query.annotation_select))
        columns = [one[0] for one in compiler.select[: compiler.col_count]]
        self._converters = [
            (self._names[place], _faster(convert), expression)
            for place, (converters, expression) in compiler.get_converters(columns).items()
            for convert in converters
        ]

    def read(self) -> list[Raw]:
        """The rows that there are now."""
        connection = connections[self._alias]
        with connection.cursor() as cursor:
            cursor.execute(self._sql, self._params)
            names = self._names
            read = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        for name, convert, expression in self._converters:
            for raw in read:
                raw[name] = convert(raw[name], expression, connection)
        return read


def compiled(build: Callable[[], QuerySet[Any, Any]]) -> Callable[[], list[Raw]]:
    """A function that asks the query which `build` gives; that is asked for it once."""
    statement = lru_cache(maxsize=1)(lambda: Statement(build()))
    return lambda: statement().read()


def _faster(convert: Callable[..., Any]) -> Callable[..., Any]:
    """The same as a converter of Django; JSON, and SQLite's times, in a fourth of the time."""
    owner = getattr(convert, "__self__", None)
    if type(owner) is JSONField and owner.decoder is None and convert == owner.from_db_value:
        return _json
    if getattr(convert, "__name__", "") == "convert_datetimefield_value":
        return _moment
    return convert


def _moment(value: Any, _expression: object, _connection: object) -> Any:
    if type(value) is str:  # Of a column that is computed.
        value = datetime.fromisoformat(value)
    # As Django writes it: in UTC, and without saying so.
    return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


def _json(value: Any, _expression: object, _connection: object) -> Any:
    if not isinstance(value, str | bytes):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return json.loads(value)  # A whole number beyond 64 bits.
