"""What is wrong with a server, told from its error, and what the API makes of it."""

import sqlite3

import django.db
import kombu.exceptions
import psycopg
import pytest
import redis
from django.db.transaction import TransactionManagementError

from keeptrusts.api import errors
from keeptrusts.api.errors import ConflictError, UnavailableError
from keeptrusts.servers import failures


def _raised(exc: Exception, cause: Exception) -> Exception:
    exc.__cause__ = cause
    return exc


def _postgres(state: str) -> Exception:
    """As Django raises what psycopg does."""
    cause = psycopg.errors.lookup(state)("…")
    name = next(k.__name__ for k in type(cause).__mro__ if hasattr(django.db, k.__name__))
    return _raised(getattr(django.db, name)("…"), cause)


def _refused(words: str) -> Exception:
    text = f'connection failed: connection to server on socket "/s" failed: FATAL:  {words}'
    return _raised(django.db.OperationalError(text), psycopg.OperationalError(text))


def _sqlite(code: int, text: str = "…") -> Exception:
    cause = sqlite3.OperationalError(text)
    cause.sqlite_errorcode = code
    return _raised(django.db.OperationalError(text), cause)


FAULTS = [
    (_postgres("25006"), failures.READ_ONLY),
    (_postgres("53100"), failures.FULL),
    (_postgres("53200"), failures.NO_MEMORY),
    (_postgres("53300"), failures.CROWDED),
    (_postgres("57P01"), failures.ENDING),
    (_postgres("57P02"), failures.ENDING),
    (_postgres("57P03"), failures.ENDING),
    (_postgres("57P04"), failures.REFUSING),
    (_postgres("57014"), failures.LATE),
    (_postgres("25P03"), failures.LATE),
    (_postgres("55P03"), failures.BUSY),
    (_postgres("40P01"), failures.BUSY),
    (_postgres("40001"), failures.BUSY),
    (_postgres("08006"), failures.SILENT),
    (_postgres("28P01"), failures.REFUSING),
    (_postgres("3D000"), failures.REFUSING),
    (_postgres("42501"), failures.FORBIDDEN),
    (_postgres("42P01"), failures.UNMIGRATED),
    (_postgres("58030"), failures.DISK),
    (_postgres("XX001"), failures.DAMAGED),
    (_postgres("XX000"), failures.BROKEN),
    (_refused("sorry, too many clients already"), failures.CROWDED),
    (_refused("remaining connection slots are reserved for superusers"), failures.CROWDED),
    (_refused("the database system is starting up"), failures.ENDING),
    (_refused("the database system is not yet accepting connections"), failures.ENDING),
    (_refused('password authentication failed for user "k"'), failures.REFUSING),
    (_refused('database "k" does not exist'), failures.REFUSING),
    (_refused("Connection refused"), failures.SILENT),
    (_refused("words of a version to come"), failures.SILENT),
    (django.db.InterfaceError("connection already closed"), failures.SILENT),
    (_sqlite(sqlite3.SQLITE_READONLY), failures.READ_ONLY),
    (_sqlite(sqlite3.SQLITE_READONLY_DBMOVED), failures.READ_ONLY),
    (_sqlite(sqlite3.SQLITE_FULL), failures.FULL),
    (_sqlite(sqlite3.SQLITE_IOERR_SHMSIZE), failures.DISK),
    (_sqlite(sqlite3.SQLITE_CANTOPEN), failures.DISK),
    (_sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT), failures.BUSY),
    (_sqlite(sqlite3.SQLITE_LOCKED), failures.BUSY),
    (_sqlite(sqlite3.SQLITE_CORRUPT), failures.DAMAGED),
    (_sqlite(sqlite3.SQLITE_NOTADB), failures.DAMAGED),
    (_sqlite(sqlite3.SQLITE_ERROR, "no such table: a"), failures.UNMIGRATED),
    # A statement after the one that failed, in the same transaction.
    (_raised(TransactionManagementError("…"), _postgres("53100")), failures.FULL),
]
BUGS = [
    _postgres("23505"),
    _postgres("42601"),
    _postgres("25P02"),
    _sqlite(sqlite3.SQLITE_CONSTRAINT_UNIQUE),
    _sqlite(sqlite3.SQLITE_ERROR, 'near "SELEC": syntax error'),
    TransactionManagementError("…"),
    redis.ResponseError("WRONGTYPE Operation against a key"),
    ValueError("…"),
]
BROKER = [
    (redis.OutOfMemoryError("…"), "memory"),
    (redis.ReadOnlyError("…"), "read-only"),
    (redis.BusyLoadingError("…"), "starting"),
    (redis.AuthenticationError("…"), "refuses"),
    (redis.exceptions.NoPermissionError("…"), "forbids"),
    (redis.TimeoutError("…"), "answer"),
    (redis.exceptions.MaxConnectionsError("…"), "answer"),
    (redis.ResponseError("MISCONF Redis is configured to save RDB snapshots"), "disk"),
    (redis.ResponseError("NOREPLICAS Not enough good replicas to write."), "replicas"),
    (redis.ResponseError("BUSY Redis is busy running a script."), "script"),
    (redis.ResponseError("UNKILLABLE Sorry the script already executed"), "script"),
    (redis.exceptions.MasterDownError("…"), "answer"),
    (redis.exceptions.ExecAbortError("…"), "refuses writes"),
]


@pytest.mark.parametrize(("exc", "failure"), FAULTS, ids=lambda x: getattr(x, "message", ""))
def test_a_fault_of_the_database_is_named(exc: Exception, failure: failures.Failure) -> None:
    """By its code, whichever class Django makes of it."""
    assert failures.of(exc) == failure


@pytest.mark.parametrize(("exc", "word"), BROKER, ids=lambda x: str(x) if x != "…" else "")
def test_a_fault_of_the_broker_is_named(exc: Exception, word: str) -> None:
    """Also behind what kombu and the API's own edge make of it."""
    raised = [exc, _raised(kombu.exceptions.OperationalError("…"), exc)]
    raised.append(_raised(UnavailableError("The broker"), raised[-1]))

    found = [failures.of(one) for one in raised]

    assert found == [found[0]] * 3
    assert found[0] is not None
    assert found[0].server == "broker"
    assert word in found[0].message


@pytest.mark.parametrize("exc", BUGS, ids=repr)
def test_a_bug_is_no_fault_of_a_server(exc: Exception) -> None:
    """It is answered with 500, and the log has all of it."""
    assert failures.of(exc) is None
    assert errors.answer(exc, {}) is None


@pytest.mark.parametrize(("exc", "failure"), FAULTS, ids=lambda x: getattr(x, "message", ""))
def test_a_fault_of_the_database_is_a_503(exc: Exception, failure: failures.Failure) -> None:
    """In the envelope, with its cause, and nothing of the error's own text."""
    answer = errors.answer(exc, {})

    assert answer is not None
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.data["error"]["code"] == "unavailable"
    assert (
        answer.data["error"]["message"].removesuffix(" Try again in a few seconds.")
        == failure.message
    )


def test_what_was_decided_stays_so() -> None:
    """An answer that was made of a database's error is not made anew."""
    answer = errors.answer(_raised(ConflictError("taken", "…"), _postgres("40001")), {})

    assert answer is not None
    assert answer.status_code == 409
