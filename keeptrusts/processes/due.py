"""Due tasks of all packages, asked for in one statement.

It is asked each second, and nothing is due nearly always. So each package says by which rows it
sees that a task of its has something to do, and the task is told where there are any.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection as default
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateTimeField, Expression, QuerySet
from django.db.models.sql.compiler import SQLCompiler
from django.utils.module_loading import import_string

DueRows = Callable[["Moment"], Iterable[QuerySet[Any]]]


class Moment(Expression):
    """The time at which a statement that was made before is asked, or so much after that."""

    def __init__(self, after: timedelta = timedelta()) -> None:
        super().__init__(output_field=DateTimeField())
        self.after = after

    def __add__(self, other: timedelta) -> "Moment":  # type: ignore[override]
        return Moment(self.after + other)

    def __sub__(self, other: timedelta) -> "Moment":  # type: ignore[override]
        return Moment(self.after - other)

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)


class DueStatement:
    """Queries by name; which of the names has any rows is asked in one statement.

    The statement is made once, which takes longer than to ask it.
    """

    def __init__(self, named: Mapping[str, DueRows]) -> None:
        self._names = tuple(named)
        answers = []
        self._params: list[Any] = []
        for due_rows in named.values():
            asked = [rows.query.exists().sql_with_params() for rows in due_rows(Moment())]
            answers.append(" OR ".join(f"EXISTS ({sql})" for sql, _ in asked))
            self._params += [one for _, params in asked for one in params]
        self._sql = f"SELECT {', '.join(answers)}"

    def at(self, now: datetime) -> frozenset[str]:
        """The names whose queries have rows."""
        written = default.ops.adapt_datetimefield_value
        given = [
            written(now + one.after) if isinstance(one, Moment) else one for one in self._params
        ]
        with default.cursor() as cursor:
            cursor.execute(self._sql, given)
            answers = cursor.fetchone()
        return frozenset(name for name, is_any in zip(self._names, answers, strict=True) if is_any)


def at(now: datetime) -> frozenset[str]:
    """The names in `settings.DUE` of what is due."""
    return _statement().at(now)


@lru_cache(maxsize=1)
def _statement() -> DueStatement:
    return DueStatement({name: import_string(path) for name, path in settings.DUE.items()})
