"""The database: time limits, one moment, doing something alone, one trip, SQL made once."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from itertools import repeat
from typing import Any
from uuid import UUID

import orjson
from django.db import connection as default
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import (
    NOT_PROVIDED,
    AutoField,
    CharField,
    DateTimeField,
    Func,
    JSONField,
    Model,
    QuerySet,
    UUIDField,
)
from django.db.models.expressions import Col, DatabaseDefault
from django.db.models.functions import Cast
from django.db.models.lookups import In
from django.db.models.sql.compiler import SQLCompiler

from keeptrusts.asking import ask

Raw = dict[str, Any]
# Values of as many rows, by the name of their column.
Columns = dict[str, Sequence[Any]]

_Convert = Callable[[Sequence[Any], Any, Any], Sequence[Any]]
_UUID_PARTS = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
_MANY_DIGITS = re.compile(r"[0-9]{19}")
_TRUTHS = {0: False, 1: True, None: None}

# A frozen process, or one behind a cut network, would hold its locks until TCP gives up: hours. It
# is less than a lease, so that whoever takes over what it had claimed finds no lock of it.
MOST_IDLE_SECONDS = 20
# Somebody waits for an answer; nobody does for a worker, whose claims last longer.
WEB_SECONDS = 15
WORKER_SECONDS = 60
# The server's own end of a statement comes first.
_GRACE_SECONDS = 5
_ROWS_AT_ONCE = 500
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


def insert(*tables: Sequence[Model]) -> None:
    """Insert rows of several models, whose keys are not read back, in one trip for some hundreds.

    What a database has a default for it fills in itself. On SQLite, which makes no trips, it is a
    statement for each model.
    """
    for begin in range(0, max(map(len, tables), default=0), _ROWS_AT_ONCE):
        parts = [rows[begin : begin + _ROWS_AT_ONCE] for rows in tables]
        _insert([rows for rows in parts if rows])


def _insert(tables: Sequence[Sequence[Model]]) -> None:
    if default.vendor != "postgresql":
        for rows in tables:
            type(rows[0])._base_manager.bulk_create(rows)
        return
    inserted = [_inserted(rows) for rows in tables]
    told = tuple((type(rows[0]), fields) for rows, fields in zip(tables, inserted, strict=True))
    ask(default, _inserting(told), list(map(_written, tables, inserted)))


@lru_cache(maxsize=64)
def _inserting(tables: Sequence[tuple[type[Model], Sequence[Any]]]) -> str:
    """The statement that inserts fields of models, each model's rows as JSON.

    The compiler of Django takes as long for it as for all else that a row costs.
    """
    several = []
    for model, inserted in tables:
        fields = {default.ops.quote_name(one.column): one for one in inserted}
        table, columns = default.ops.quote_name(model._meta.db_table), ", ".join(fields)
        types = ", ".join(f"{name} {one.db_type(default)}" for name, one in fields.items())
        several.append(
            f"INSERT INTO {table} ({columns})"  # noqa: S608 - names of our models alone
            f" SELECT {columns} FROM json_to_recordset(%s) AS given({types})"
        )
    others = ", ".join(f"told{place} AS ({sql})" for place, sql in enumerate(several[:-1]))
    return (f"WITH {others} " if others else "") + several[-1]


def _inserted(rows: Sequence[Model]) -> tuple[Any, ...]:
    """The fields of rows that are not left to the database; each is given by all rows, or none."""
    fields, left = _fields(type(rows[0]))
    given = tuple(one for one in left if _is_given(rows, one.attname))
    return (*fields, *given)


def _is_given(rows: Sequence[Model], name: str) -> bool:
    many = sum(not isinstance(getattr(row, name), DatabaseDefault) for row in rows)
    assert many in (0, len(rows)), name
    return many > 0


@lru_cache(maxsize=64)
def _fields(model: type[Model]) -> tuple[Sequence[Any], Sequence[Any]]:
    """The fields of a model but its number, and those for which the database has a default."""
    fields = [one for one in model._meta.concrete_fields if not isinstance(one, AutoField)]
    return (
        [one for one in fields if one.db_default is NOT_PROVIDED],
        [one for one in fields if one.db_default is not NOT_PROVIDED],
    )


def _written(rows: Sequence[Model], inserted: Sequence[Any]) -> str:
    fields = [(one.column, one.attname) for one in inserted]
    return json.dumps(
        [{column: getattr(row, name) for column, name in fields} for row in rows], default=_text
    )


def _text(value: Any) -> str:
    """A value that JSON has no form for, as PostgreSQL reads it."""
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)


class Statement:
    """A query of values as SQL, which takes longer to make than to ask, with its converters.

    It is the same each time: what it chooses by is of the moment in which it was made.
    """

    def __init__(self, rows: QuerySet[Any, Any]) -> None:
        query = rows.query.clone()
        compiler = _Compiler(query, connections[rows.db], rows.db)
        self._alias = rows.db
        self._asked: tuple[str, tuple[Any, ...] | None] = compiler.as_sql()
        self._names = _names(query, compiler)
        columns = [one[0] for one in compiler.select[: compiler.col_count]]
        self._converters = [
            (self._names[place], _of_column(convert), expression)
            for place, (converters, expression) in compiler.get_converters(columns).items()
            for convert in converters
        ]

    def columns(self) -> Columns:
        """The rows that there are now, by column: a column is converted at once."""
        connection = connections[self._alias]
        found = self._ask(connection)
        read = zip(*found, strict=True) if found else repeat((), len(self._names))
        columns: Columns = dict(zip(self._names, read, strict=True))
        for name, convert, expression in self._converters:
            columns[name] = convert(columns[name], expression, connection)
        return columns

    def read(self) -> list[Raw]:
        """The rows that there are now."""
        return as_rows(self.columns())

    def _ask(self, connection: BaseDatabaseWrapper) -> list[tuple[Any, ...]]:
        sql, params = self._asked
        if params and connection.vendor == "postgresql":  # Which has them in the text, anyway.
            with connection.cursor() as cursor:
                self._asked = sql, params = cursor.mogrify(sql, params), None
        return ask(connection, sql, params).rows


def _names(query: Any, compiler: SQLCompiler) -> tuple[str, ...]:
    """The names of columns: those of values, or those of the model's attributes."""
    if named := query.selected or (*query.values_select, *query.annotation_select):
        return tuple(named)
    return tuple(column.target.attname for column, *_ in compiler.select)


def as_rows(columns: Columns) -> list[Raw]:
    """Rows of columns."""
    # Names and columns are as many, which `strict` would ask of each row, at twice the time.
    names = tuple(columns)
    return [dict(zip(names, row)) for row in zip(*columns.values(), strict=True)]  # noqa: B905


def compiled(build: Callable[[], QuerySet[Any, Any]]) -> Callable[[], list[Raw]]:
    """A function that asks the query which `build` gives; that is asked for it once."""
    statement = lru_cache(maxsize=1)(lambda: Statement(build()))
    return lambda: statement().read()


def compiled_columns(build: Callable[[], QuerySet[Any, Any]]) -> Callable[[], Columns]:
    """The same, by column."""
    statement = lru_cache(maxsize=1)(lambda: Statement(build()))
    return lambda: statement().columns()


class Among(In):
    """`id__among=ids`: as `in`, with all ids in one parameter, which takes a fifth of the time.

    A driver quotes each parameter, and a server plans each. And so it is the same statement for
    any number of them.
    """

    lookup_name = "among"

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        column, params = self.process_lhs(compiler, connection)
        kind = "uuid" if isinstance(self.lhs.output_field, UUIDField) else "text"
        return f"{column} = ANY(%s::{kind}[])", [*params, ids_of(self.rhs, connection)]

    def as_sqlite(self, compiler: Any, connection: Any) -> Any:
        column, params = self.process_lhs(compiler, connection)
        ids = ids_of(self.rhs, connection)
        sql = f"{column} IN (SELECT value FROM json_each(%s))"  # noqa: S608 - a column of ours
        return sql, [*params, ids]


def ids_of(ids: Iterable[Any], connection: BaseDatabaseWrapper) -> Any:
    """UUIDs or texts as the one parameter that `__among` gives."""
    if connection.vendor != "postgresql":
        return json.dumps([one.hex if isinstance(one, UUID) else one for one in ids])
    several = list(ids)
    if several and isinstance(several[0], UUID):
        return f"{{{','.join(map(str, several))}}}"
    return several


UUIDField.register_lookup(Among)
CharField.register_lookup(Among)


class WrittenUUID(Func):
    """A UUID as text. To read it as one, and write that, takes longer than most of a row."""

    output_field = CharField()

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        return compiler.compile(Cast(self.source_expressions[0], CharField()))

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        column, params = compiler.compile(self.source_expressions[0])
        parts = [f"substr({column}, {begin}, {many})" for begin, many in _UUID_PARTS]
        return " || '-' || ".join(parts), params * len(parts)


class _Compiler(SQLCompiler):
    """Takes SQLite's times as text, which its driver reads in eight times the time.

    It knows them by the type of a bare column, and an expression has none.
    """

    def get_select(self, with_col_aliases: bool = False) -> Any:
        select, *others = super().get_select(with_col_aliases)
        if self.connection.vendor == "sqlite":
            select = [
                (column, (f"+{sql}" if _is_time(column) else sql, params), alias)
                for column, (sql, params), alias in select
            ]
        return select, *others


def _is_time(column: Any) -> bool:
    return isinstance(column, Col) and isinstance(column.output_field, DateTimeField)


def _of_column(convert: Callable[..., Any]) -> _Convert:
    """A converter of Django for a whole column; of the frequent ones one that takes less time."""
    owner = getattr(convert, "__self__", None)
    if type(owner) is JSONField and owner.decoder is None and convert == owner.from_db_value:
        return _jsons
    match getattr(convert, "__name__", ""):
        case "convert_datetimefield_value":
            return _where_any(_moment)
        case "convert_uuidfield_value":
            return _where_any(UUID)
        case "convert_booleanfield_value":
            return _truths
    return lambda column, expression, connection: [
        convert(value, expression, connection) for value in column
    ]


def _where_any(convert: Callable[[Any], Any]) -> _Convert:
    """A converter that leaves nulls; many columns have nothing else."""

    def converted(column: Sequence[Any], _expression: object, _connection: object) -> Sequence[Any]:
        if column.count(None) == len(column):
            return column
        return [None if value is None else convert(value) for value in column]

    return converted


def _truths(column: Sequence[Any], _expression: object, _connection: object) -> Sequence[Any]:
    return list(map(_TRUTHS.__getitem__, column))


def _moment(value: Any) -> Any:
    """A time as Django writes it: in UTC, and without saying so."""
    if type(value) is str:
        return datetime.fromisoformat(value if value[-6:-5] == "+" else f"{value}+00:00")
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _jsons(column: Sequence[Any], _expression: object, _connection: object) -> Sequence[Any]:
    """Values of JSON. Equal texts are read once, and give one value: it is not for changing."""
    read = {text: None if text is None else _json(text) for text in set(column)}
    return list(map(read.__getitem__, column))


def _json(text: str) -> Any:
    # Of a whole number beyond 64 bits orjson makes another one, without a word.
    return json.loads(text) if _MANY_DIGITS.search(text) else orjson.loads(text)
