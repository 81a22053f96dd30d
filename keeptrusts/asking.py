"""Statements whose SQL is kept: each asked by itself, or several in one trip."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper

# SQL, and the values for its `%s`, or None where it is as it is.
Asked = tuple[str, Sequence[Any] | None]


class Result(NamedTuple):
    """The rows of a statement, and how many it found or wrote."""

    rows: list[tuple[Any, ...]]
    many: int


def ask(connection: BaseDatabaseWrapper, sql: str, params: Sequence[Any] | None = None) -> Result:
    """Ask a statement whose SQL is kept."""
    return ask_all(connection, (sql, params))[0]


def ask_all(connection: BaseDatabaseWrapper, *statements: Asked) -> list[Result]:
    """Ask several, each after the one before; on PostgreSQL in one trip.

    There they go past the cursors of Django and of the driver, which serve whatever may be asked,
    and take most of the time of a short statement.
    """
    if connection.vendor == "postgresql" and not connection.queries_logged:
        answers: list[Result] = connection.ask(*statements)  # type: ignore[attr-defined]
        return answers
    answers = []
    with connection.cursor() as cursor:
        for sql, params in statements:
            cursor.execute(sql, params)
            found = cursor.fetchall() if cursor.description else []
            answers.append(Result(found, cursor.rowcount))
    return answers
