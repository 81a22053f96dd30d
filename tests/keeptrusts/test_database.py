"""What a connection that went quiet may hold, and how long one waits for a server that did."""

import gc
import os
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from django.db import (
    DatabaseError,
    InternalError,
    OperationalError,
    connection,
    connections,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper

from keeptrusts import asking, counters, database
from keeptrusts.models import Counter
from keeptrusts.postgres import base
from keeptrusts.postgres.answering import Answering
from keeptrusts.servers import failures
from tests.support.line import Line
from tests.support.stack import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

_FAR = 10**18


def test_a_transaction_that_its_client_left_open_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its locks are free again for others, and nothing of it is applied."""
    monkeypatch.setattr(database, "MOST_IDLE_SECONDS", 1)
    counters.bump("a")
    before = counters.read()["a"]
    frozen = connections.create_connection("default")
    # As a frozen process, or one behind a cut network.
    with frozen.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(f"UPDATE keeptrusts_counter SET value = {_FAR} WHERE name = 'a'")
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '20s'")
    counters.bump("a")

    assert before < counters.read()["a"] < _FAR
    assert time.monotonic() - began > 0.5
    with pytest.raises(DatabaseError), frozen.cursor() as cursor:
        cursor.execute("SELECT 1")
    frozen.close()
    connection.close()


@pytest.fixture
def line() -> Iterator[Line]:
    """A network to the database of this run."""
    folder = parse_qs(urlsplit(os.environ["DATABASE_URL"]).query)["host"][0]
    with Line(f"{folder}/.s.PGSQL.5432") as between:
        yield between


@pytest.fixture(params=["by a cursor", "past the cursors"])
def far(line: Line, request: pytest.FixtureRequest) -> Iterator[BaseDatabaseWrapper]:
    """A connection over that network; both ways of statements are bounded alike."""
    made: Any = connections.create_connection("default")
    made.is_asked_past_cursors = request.param == "past the cursors"
    options = {**made.settings_dict["OPTIONS"], "host": "127.0.0.1"}
    place = {"HOST": "127.0.0.1", "PORT": line.port, "OPTIONS": options}
    made.settings_dict = {**made.settings_dict, **place}
    yield made
    made.close()


def _ask(connection: Any, statement: str = "SELECT 1") -> object:
    if connection.is_asked_past_cursors:
        return asking.ask(connection, statement).rows[0]
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()


def test_a_silent_database_is_waited_for_no_longer_than_allowed(
    monkeypatch: pytest.MonkeyPatch, line: Line, far: BaseDatabaseWrapper
) -> None:
    """The connection is given up; when the server speaks again, so does the program."""
    monkeypatch.setattr(database, "wait_seconds", lambda: 0.3)
    _ask(far)
    line.swallow()

    with pytest.raises(OperationalError) as late:
        _ask(far)

    assert failures.of(late.value) == failures.SILENT
    assert not far.is_usable()
    line.mend()
    far.close()
    assert _ask(far) == (1,)


@pytest.mark.parametrize(
    ("rest_seconds", "ends", "is_asked", "is_usable"),
    [
        (0, False, False, True),
        (0, True, True, False),
        (9, False, True, True),
        (9, True, True, False),
    ],
)
def test_a_connection_is_asked_whether_it_is_good_once_it_rested(
    monkeypatch: pytest.MonkeyPatch, rest_seconds: float, ends: bool, is_asked: bool,
    is_usable: bool,
) -> None:  # fmt: skip
    """A moment after an answer it is, unless the server ended it meanwhile."""
    made = connections.create_connection("default")
    with made.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [process] = cursor.fetchone()
    if ends:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [process])
    assert made.connection is not None
    asked: list[str] = []
    wait = base.Connection.wait

    def noted(self: Any, *given: Any, **named: Any) -> Any:
        asked.append("wait")
        return wait(self, *given, **named)

    monkeypatch.setattr(made.connection, "answered_at", time.monotonic() - rest_seconds)
    monkeypatch.setattr(base.Connection, "wait", noted)

    assert made.is_usable() is is_usable
    assert bool(asked) is is_asked
    made.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process whose statements may last, and that soon asks whether the server is at work."""
    monkeypatch.setattr(database, "_statement_seconds", 15.0)
    monkeypatch.setattr(base, "PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(base, "_answering", Answering())


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("how", ["swallow", "forget"])
def test_a_server_that_is_silent_is_given_up_long_before_its_time(
    line: Line, far: BaseDatabaseWrapper, how: str
) -> None:
    """It does not answer anybody else either."""
    _ask(far)
    getattr(line, how)()
    began = time.monotonic()

    with pytest.raises(OperationalError) as lost:
        _ask(far)

    assert failures.of(lost.value) == failures.SILENT
    assert time.monotonic() - began < 4
    line.mend()
    far.close()
    wait_for(lambda: _answers(far), seconds=5)


@pytest.mark.usefixtures("impatient")
def test_a_transaction_at_a_silent_server_waits_once(line: Line, far: BaseDatabaseWrapper) -> None:
    """Django connects anew at its end, which would take as long again."""
    _ask(far)
    connections["far"] = far

    def cut_off() -> None:
        with transaction.atomic(using="far"):
            _ask(far)
            line.swallow()
            _ask(far)

    began = time.monotonic()
    with pytest.raises(OperationalError):
        cut_off()
    del connections["far"]

    assert time.monotonic() - began < 4
    line.mend()


@pytest.fixture
def uncollected() -> Iterator[None]:
    """A process that does not look for cycles of objects; ours look seldom."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("impatient", "uncollected")
@pytest.mark.parametrize("how", ["swallow", "forget"])
def test_nothing_stays_open_of_what_a_silent_server_did_not_answer(
    line: Line, far: BaseDatabaseWrapper, how: str
) -> None:
    """Neither of statements, nor of attempts to connect, nor of questions whether it answers."""
    _ask(far)
    getattr(line, how)()
    for _ in range(2):
        with pytest.raises(OperationalError):
            _ask(far)
        time.sleep(1.1)  # So long it is believed to be silent, and not tried.
        far.close_if_unusable_or_obsolete()

    left = line.connections
    line.mend()
    assert left == 0


def _answers(far: BaseDatabaseWrapper) -> bool:
    try:
        return _ask(far) == (1,)
    except OperationalError:
        return False


@pytest.mark.usefixtures("impatient")
def test_a_connection_that_the_network_forgot_is_given_up(
    line: Line, far: BaseDatabaseWrapper
) -> None:
    """The server answers others, and has long done what it was asked for on this one."""
    _ask(far)
    line.forget()
    line.mend()
    began = time.monotonic()

    with pytest.raises(OperationalError):
        _ask(far)

    assert time.monotonic() - began < 4


@pytest.mark.usefixtures("impatient")
def test_a_statement_that_the_server_works_on_is_waited_for(far: BaseDatabaseWrapper) -> None:
    """However often it is asked."""
    assert _ask(far, "SELECT 1 FROM pg_sleep(1.5)") == (1,)


def test_a_statement_that_lasts_is_ended_by_the_server(
    monkeypatch: pytest.MonkeyPatch, far: BaseDatabaseWrapper
) -> None:
    """And the connection is good for another."""
    monkeypatch.setattr(database, "_statement_seconds", 0.2)

    with pytest.raises(OperationalError) as ended:
        _ask(far, "SELECT pg_sleep(60)")

    assert failures.of(ended.value) == failures.LATE
    assert _ask(far) == (1,)


def test_a_cut_network_is_noticed_by_the_kernel(far: BaseDatabaseWrapper) -> None:
    """In seconds, whoever waits and for what."""
    _ask(far)
    raw = far.connection
    assert isinstance(raw, psycopg.Connection)
    info = raw.info.get_parameters()

    kept = ("connect_timeout", "tcp_user_timeout", "keepalives_idle", "keepalives_interval")
    assert [info[name] for name in kept] == ["2", "10000", "5", "2"]


def test_what_is_read_together_is_of_one_moment() -> None:
    """Whoever writes meanwhile is seen afterwards, and the tables cannot be emptied under it."""
    counters.bump("a")
    with psycopg.connect(_url(), autocommit=True) as other, database.one_moment(Counter):
        other.execute("UPDATE keeptrusts_counter SET value = value + 1")
        other.execute("SET lock_timeout = '10ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute("TRUNCATE keeptrusts_counter")
        before = counters.read()
        other.execute("UPDATE keeptrusts_counter SET value = value + 1")
        assert counters.read() == before
        with pytest.raises(InternalError), transaction.atomic():
            counters.bump("a")

    assert counters.read()["a"] == before["a"] + 1


def _url() -> str:
    name = connection.settings_dict["NAME"]
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
