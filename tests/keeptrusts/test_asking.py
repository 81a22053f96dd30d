"""Statements that are asked past the cursors: as by one, in all that can be seen of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from queue import Queue
from typing import Any
from uuid import UUID

import pytest
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    OperationalError,
    connection,
    connections,
    transaction,
)
from django.db.models import JSONField
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keeptrusts import database
from keeptrusts.asking import Asked, Result, ask, ask_all
from keeptrusts.models import Counter
from tests.support.stack import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

_OF_POSTGRESQL = pytest.mark.skipif(connection.vendor != "postgresql", reason="of PostgreSQL")
_AT = datetime(2031, 1, 2, 3, 4, 5, 678, UTC)
_WRITE = "INSERT INTO keeptrusts_counter (name, value) VALUES (%s, %s)"
_READ = "SELECT name, value FROM keeptrusts_counter ORDER BY name"


def _by_cursor(sql: str, params: Any) -> Result:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return Result(cursor.fetchall(), cursor.rowcount)


@_OF_POSTGRESQL
@pytest.mark.parametrize(
    "value",
    [
        None, True, -5, 2**40, 1.5, float("nan"), "", "it's", "50% of %s and %%", "\\", "\\'",
        "ä\u2028😀", b"", b"\0\xff'\\", _AT, UUID(int=5), [], ["a'", "{b}", None], [1, 2], [_AT],
        JSONField().get_db_prep_value({"a": ["'%s", None]}, connection),
    ],
)  # fmt: skip
def test_values_are_put_in_as_by_a_cursor(value: Any) -> None:
    """Of each kind that is written, with all that has a meaning in SQL."""
    sql = "SELECT pg_typeof(%s)::text, %s, 'a%%'"
    assert repr(ask(connection, sql, [value, value])) == repr(_by_cursor(sql, [value, value]))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), max_size=4))
def test_texts_come_back(texts: list[str]) -> None:
    """Whatever they are."""
    sql = f"SELECT 0{', %s' * len(texts)}"
    assert ask(connection, sql, texts).rows == [(0, *texts)]


def test_rows_are_counted() -> None:
    """Those that are found, and those that are written."""
    assert ask(connection, _WRITE, ["a", 1]) == ([], 1)
    assert (
        ask(connection, "UPDATE keeptrusts_counter SET value = 2 WHERE name = %s", ["b"]).many == 0
    )
    found = ask(connection, "SELECT name, value FROM keeptrusts_counter WHERE name LIKE 'a%'")
    assert found.rows == [("a", 1)]


def test_a_transaction_is_all_or_nothing() -> None:
    """Its first statement begins it, and one that fails ends it."""
    with transaction.atomic():
        ask(connection, _WRITE, ["a", 1])
        transaction.set_rollback(True)
    assert ask(connection, _READ).rows == []
    with pytest.raises(IntegrityError), transaction.atomic():
        ask(connection, _WRITE, ["a", None])
    with transaction.atomic():
        ask(connection, _WRITE, ["a", 1])
        with pytest.raises(IntegrityError), transaction.atomic():
            ask(connection, _WRITE, ["a", 2])
        ask(connection, _WRITE, ["b", 2])
    assert ask(connection, _READ).rows == [("a", 1), ("b", 2)]
    with transaction.atomic():
        Counter.objects.update(value=3)
        transaction.set_rollback(True)
        with pytest.raises(TransactionManagementError):
            ask(connection, _READ)
    assert ask(connection, _READ).rows == [("a", 1), ("b", 2)]


def test_several_are_answered_one_by_one() -> None:
    """Each sees what the ones before it wrote, also where one gives nothing."""
    assert ask_all(
        connection, (_WRITE, ["a", 1]), ("DELETE FROM keeptrusts_counter WHERE name = 'b'", None),
        (_WRITE, ["c", 2]), (f"{_READ} LIMIT %s", [5]),
    )[:3] == [([], 1), ([], 0), ([], 1)]  # fmt: skip
    assert ask_all(connection, (_READ, None), ("SELECT %s, '%%'", ["%s"]))[1].rows == [("%s", "%")]
    assert ask(connection, _READ).rows == [("a", 1), ("c", 2)]


@_OF_POSTGRESQL
def test_what_is_read_behind_a_lock_is_read_as_it_is_then() -> None:
    """A sync locks and reads in one trip, and may have waited for whoever wrote."""
    ask(connection, _WRITE, ["a", 1])
    pids = Queue[int]()

    def lock_and_read() -> Any:
        mine = connections["default"]
        try:
            with transaction.atomic():
                pids.put(ask(mine, "SELECT pg_backend_pid()").rows[0][0])
                return ask_all(mine, (f"{_READ} LIMIT 1 FOR UPDATE", None), (_READ, None))
        finally:
            mine.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            ask(connection, "UPDATE keeptrusts_counter SET value = 2")
            found = pool.submit(lock_and_read)
            pid = pids.get(timeout=10)
            waits = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
            wait_for(lambda: ask(connection, waits, [pid]).rows)
            ask(connection, _WRITE, ["b", 1])
        locked, read = found.result(10)

    assert (locked.rows, read.rows) == ([("a", 2)], [("a", 2), ("b", 1)])


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("is_begun", [True, False])
def test_several_of_which_one_fails_end_their_transaction(place: int, is_begun: bool) -> None:
    """Nothing of them is written, and nothing of what was before; the connection goes on."""
    several: list[Asked] = [(_WRITE, [name, 1]) for name in "abc"]
    several[place] = (_WRITE, ["z", None])

    def write() -> None:
        with transaction.atomic():
            if is_begun:
                ask(connection, _WRITE, ["before", 1])
            ask_all(connection, *several)

    with pytest.raises(IntegrityError):
        write()
    assert ask(connection, _READ).rows == []


@_OF_POSTGRESQL
@pytest.mark.parametrize("place", range(3))
def test_several_outside_of_a_transaction_are_one(place: int) -> None:
    """They come as one message, of which the server does all or nothing."""
    several: list[Asked] = [(_WRITE, [name, 1]) for name in "abc"]
    several[place] = (_WRITE, ["z", None])

    with pytest.raises(IntegrityError):
        ask_all(connection, *several)
    assert ask(connection, _READ).rows == []


def test_several_of_which_one_fails_are_undone_to_a_savepoint() -> None:
    """As one is."""
    with transaction.atomic():
        ask(connection, _WRITE, ["before", 1])
        with pytest.raises(IntegrityError), transaction.atomic():
            ask_all(connection, (_WRITE, ["a", 1]), (_WRITE, ["a", 2]), (_WRITE, ["b", 1]))
        ask(connection, _WRITE, ["after", 1])
    assert [name for name, _ in ask(connection, _READ).rows] == ["after", "before"]


@_OF_POSTGRESQL
def test_each_of_several_has_the_time_of_a_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server ends the one that takes longer; it is waited for, for as long as it may take."""
    monkeypatch.setattr(database, "_statement_seconds", 1.0)
    monkeypatch.setattr(database, "_GRACE_SECONDS", 0.0)
    made = connection.copy()
    try:
        lasting = ("SELECT 1 FROM pg_sleep(0.7)", None)
        assert ask_all(made, lasting, lasting) == [([(1,)], 1)] * 2
        assert ask(made, "SELECT 2").rows == [(2,)]
    finally:
        made.close()


def test_a_connection_is_of_one_thread() -> None:
    """As Django has it: two at once would read each other's answers."""
    assert ask(connections["default"], "SELECT 1").rows == [(1,)]
    with ThreadPoolExecutor(1) as pool, pytest.raises(DatabaseError, match="thread"):
        pool.submit(ask, connections["default"], "SELECT 1").result()


@_OF_POSTGRESQL
@pytest.mark.parametrize(
    ("sql", "params"),
    [
        (_WRITE, ["x" * 1000, 1]), (_WRITE, ["a\0", 1]), (_WRITE, ["a", "b"]),
        ("SELECT nothing", None), ("SELECT 1/0", None), ("SELECT %s", [object()]),
    ],
)  # fmt: skip
def test_errors_are_those_of_a_cursor(sql: str, params: Any) -> None:
    """For whoever catches them; and the connection goes on."""
    with pytest.raises(Exception) as expected:  # noqa: PT011 - whichever it is.
        _by_cursor(sql, params)
    with pytest.raises(Exception) as found:  # noqa: PT011
        ask(connection, sql, params)

    assert (found.type, str(found.value)) == (expected.type, str(expected.value))
    assert ask(connection, "SELECT 1").rows == [(1,)]


@_OF_POSTGRESQL
@pytest.mark.parametrize("is_in_transaction", [True, False])
def test_a_connection_that_the_server_ended_is_an_outage(is_in_transaction: bool) -> None:
    """Afterwards there is another one."""
    [(pid,)] = ask(connection, "SELECT pg_backend_pid()").rows
    other = connection.copy()

    def write() -> None:
        with transaction.atomic():
            if is_in_transaction:
                ask(connection, _WRITE, ["a", 1])
            with other.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
            ask(connection, _WRITE, ["b", 1])

    with pytest.raises(OperationalError):
        write()
    other.close()
    connection.close_if_unusable_or_obsolete()

    assert ask(connection, _READ).rows == []


def test_those_who_look_on_see_it() -> None:
    """Django's ways to count statements, and to change them."""
    seen = []

    def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append((sql, params, many, context["connection"]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        ask(connection, "SELECT %s", [1])
    with CaptureQueriesContext(connection) as queries:
        ask(connection, "SELECT %s", [2])

    assert seen[-1] == ("SELECT %s", [1], False, connection)
    assert [one["sql"] for one in queries] == ["SELECT 2"]


@_OF_POSTGRESQL
def test_what_is_kept_holds_no_result() -> None:
    """A connection lives for long, and an answer may be large."""
    ask(connection, "SELECT repeat('x', 1000)")
    assert connection.connection._values.pgresult is None
    with pytest.raises(DataError):
        ask(connection, "SELECT 'infinity'::timestamptz")
    assert connection.connection._values.pgresult is None
