"""Statements that are asked often: their SQL is made once, and only values are new each time.

To make SQL of a query took two thirds of a sync's processor time. Models stay the truth: a question
is a query of theirs, made with stand-ins for the values that are found again in its parameters.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from itertools import repeat
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import DatabaseError, connections, transaction
from django.db import connection as default
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import (
    BigIntegerField,
    BooleanField,
    CharField,
    DateTimeField,
    IntegerField,
    Model,
    PositiveIntegerField,
    QuerySet,
    TextField,
    UUIDField,
)

from keeptrusts.asking import Asked, ask_all
from keeptrusts.database import Columns, Raw, Statement, ids_of

_T = TypeVar("_T")
_Row = TypeVar("_Row", bound=Model)
_Rows = Sequence[tuple[Any, ...]]

_BEGIN = datetime(1971, 1, 1, tzinfo=UTC)
_FIRST = 1_934_000_000
# Django's one statement for many rows takes as long to make as so many take to be written.
_FEW = 50
# Values of these fields PostgreSQL's driver takes as they are, as Django would hand them over.
_PLAIN = {
    BigIntegerField, BooleanField, CharField, DateTimeField, IntegerField, PositiveIntegerField,
    TextField, UUIDField,
}  # fmt: skip


def _stand_in(kind: Any, place: int) -> Any:
    """A value that no query has of itself."""
    if kind is UUID:
        return UUID(int=(0x6B65657074727573 << 64) + place)
    if kind is datetime:
        return _BEGIN.replace(microsecond=place + 1)
    if kind is int:
        return _FIRST + place
    if kind is str:
        return f"\x1astand-in {place}"
    [one] = kind.__args__
    return [_stand_in(one, place)]


def _plain(value: Any, _connection: BaseDatabaseWrapper) -> Any:
    return value


def _uuid(value: UUID, connection: BaseDatabaseWrapper) -> Any:
    return value if connection.features.has_native_uuid_field else value.hex


def _moment(value: datetime, connection: BaseDatabaseWrapper) -> Any:
    return connection.ops.adapt_datetimefield_value(value)


_WRITTEN: dict[Any, Callable[[Any, BaseDatabaseWrapper], Any]] = {
    UUID: _uuid, datetime: _moment, str: _plain, int: _plain,
    list[UUID]: ids_of, list[str]: ids_of,
}  # fmt: skip


class _Given(Statement):
    """A statement with parameters, each of which is a constant or the value of a name."""

    def __init__(self, rows: QuerySet[Any, Any], kinds: dict[str, Any], used: Raw) -> None:
        super().__init__(rows)
        self.alias, connection = self._alias, connections[self._alias]
        self._model = rows.model
        self._kinds = kinds
        written = {
            _key(_WRITTEN[kind](used[name], connection)): name for name, kind in kinds.items()
        }
        self._sql, params = self._asked[0], self._asked[1] or ()
        self._params = [(written.get(_key(one)), one) for one in params]
        missing = kinds.keys() - {name for name, _ in self._params}
        assert not missing, missing

    def asked(self, given: Raw) -> Asked:
        """The statement for these values."""
        connection = connections[self.alias]
        written = {
            name: _WRITTEN[kind](given[name], connection) for name, kind in self._kinds.items()
        }
        return self._sql, [one if name is None else written[name] for name, one in self._params]

    def rows(self, found: _Rows) -> _Rows:
        """The rows that were found, as a query of values gives them."""
        columns = self._converted(found)
        return found if columns is None else list(zip(*columns.values(), strict=True))

    def by_column(self, found: _Rows) -> Columns:
        """The same, by column."""
        columns = self._converted(found)
        if columns is not None:
            return columns
        read = zip(*found, strict=True) if found else repeat((), len(self._names))
        return dict(zip(self._names, read, strict=True))

    def objects(self, found: _Rows) -> list[Any]:
        """The same, as instances of their model."""
        make = partial(self._model.from_db, self.alias, self._names)
        return list(map(make, self.rows(found)))

    def _converted(self, found: _Rows) -> Columns | None:
        """What was found, by column; None where nothing has to be converted."""
        if not found or not self._converters:
            return None
        connection = connections[self.alias]
        columns: Columns = dict(zip(self._names, zip(*found, strict=True), strict=True))
        for name, convert, expression in self._converters:
            columns[name] = convert(columns[name], expression, connection)
        return columns


def _key(param: Any) -> Any:
    return tuple(param) if isinstance(param, list) else param


@dataclass(frozen=True, slots=True)
class BoundQuery(Generic[_T]):
    """A query with the values of its names, not asked yet."""

    alias: str
    asked: Asked
    read: Callable[[_Rows], _T]


class Prepared(Generic[_T]):
    """A query whose SQL is made at its first use; it is called with the values of its names.

    `build` makes the query, of columns or of whole rows without others, from values of these
    `kinds`: `UUID`, `datetime`, `str`, `int`, and for `__among` a list of `UUID` or of `str`. All
    else in it, an end of a time as well, is of the moment in which it was made.
    """

    def __init__(
        self, read: Callable[[_Given, _Rows], _T], build: Callable[..., Any], kinds: Raw
    ) -> None:
        self._read, self._build, self._kinds = read, build, kinds
        self._made: _Given | None = None

    def __call__(self, **given: Any) -> _T:
        """The answer of now."""
        answer: _T = together(self.of(**given))[0]
        return answer

    def of(self, **given: Any) -> BoundQuery[_T]:
        """The question for these values."""
        if self._made is None:
            used = {
                name: _stand_in(kind, at) for at, (name, kind) in enumerate(self._kinds.items())
            }
            self._made = _Given(self._build(**used), self._kinds, used)
        made = self._made
        return BoundQuery(made.alias, made.asked(given), partial(self._read, made))


def together(*questions: BoundQuery[Any]) -> list[Any]:
    """The answers of now to questions on one database, asked in this order and in one trip."""
    answers = ask_all(connections[questions[0].alias], *(one.asked for one in questions))
    return [one.read(answer.rows) for one, answer in zip(questions, answers, strict=True)]


def tuples(build: Callable[..., QuerySet[Any, Any]], **kinds: Any) -> Prepared[Sequence[Any]]:
    """A query that gives rows of columns."""
    return Prepared(_Given.rows, build, kinds)


def columns(build: Callable[..., QuerySet[Any, Any]], **kinds: Any) -> Prepared[Columns]:
    """A query that gives columns of rows."""
    return Prepared(_Given.by_column, build, kinds)


def objects(build: Callable[..., QuerySet[_Row]], **kinds: Any) -> Prepared[list[_Row]]:
    """A query that gives instances of its model."""
    return Prepared(_Given.objects, build, kinds)


def write(row: Model, names: Sequence[str]) -> None:
    """Write columns of a row that is there, as `save(update_fields=names)` does.

    Raises:
        DatabaseError: it is there no more.
    """
    write_all([row], names)


def write_all(rows: Sequence[Model], names: Sequence[str]) -> None:
    """The same of several rows of a model, which may be none: a few with a statement each, in one
    trip.
    """
    with transaction.mark_for_rollback_on_error():
        if len(rows) > _FEW:
            many = type(rows[0])._base_manager.bulk_update(rows, names)
        else:
            many = _write_few(rows, tuple(names))
        if many != len(rows):
            raise DatabaseError("a row that was to be written is there no more")


def _write_few(rows: Sequence[Model], names: tuple[str, ...]) -> int:
    """Write rows; returns how many there are."""
    statements = [one for row in rows if (one := _written(row, names)) is not None]
    answers = ask_all(default, *statements) if statements else []
    return len(rows) - len(statements) + sum(answer.many for answer in answers)


def _written(row: Model, names: tuple[str, ...]) -> Asked | None:
    """The statement that writes a row; None where Django wrote it, for a value that is computed."""
    params = []
    for field, is_plain in _fields(type(row), names):
        value = getattr(row, field.attname) if is_plain else field.pre_save(row, False)
        if hasattr(value, "resolve_expression"):
            row.save(update_fields=names)
            return None
        params.append(value if is_plain else field.get_db_prep_save(value, default))
    return _updating(type(row), names), params


@lru_cache(maxsize=64)
def _fields(model: type[Model], names: tuple[str, ...]) -> tuple[tuple[Any, bool], ...]:
    """The fields to write and the key; of each, whether the driver takes its value as it is."""
    fields = (*(model._meta.get_field(name) for name in names), model._meta.pk)
    return tuple((one, _is_plain(one)) for one in fields)


def _is_plain(field: Any) -> bool:
    if default.vendor != "postgresql" or getattr(field, "auto_now", False):
        return False
    return type(field.target_field if field.is_relation else field) in _PLAIN


@lru_cache(maxsize=64)
def _updating(model: type[Model], names: tuple[str, ...]) -> str:
    quoted = default.ops.quote_name
    fields = [one for one, _ in _fields(model, names)][:-1]
    columns = ", ".join(f"{quoted(one.column)} = %s" for one in fields)
    table, key = quoted(model._meta.db_table), quoted(str(model._meta.pk.column))
    return f"UPDATE {table} SET {columns} WHERE {key} = %s"  # noqa: S608 - names of models alone
