"""The backend's module that Django loads."""

import select
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg import abc, generators
from psycopg.abc import RV, Buffer, PQGen
from psycopg.adapt import AdaptersMap, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.types.datetime import TimestamptzLoader

from keeptrusts import database
from keeptrusts.asking import Asked, Result
from keeptrusts.postgres.answering import PATIENCE_SECONDS, Answering
from keeptrusts.postgres.connecting import Connecting

# Of a connection that nothing was asked on for a while: then a new one is made.
_USABLE_SECONDS = 1.0
# For so long after an answer a connection is good unless it says otherwise.
FRESH_SECONDS = 1.0

_answering = Answering()


class Connection(Connecting):
    """A connection that is closed when the server does not answer in time.

    The server ends long statements itself, unless it is frozen or the network is cut.
    """

    most_seconds: float | None = None
    answered_at = -FRESH_SECONDS
    _values: abc.Transformer | None = None

    @classmethod
    def connect(cls, conninfo: str = "", **named: Any) -> "Connection":
        """Connect, unless the server was silent a moment ago.

        Raises:
            psycopg.OperationalError: it cannot be reached.
        """
        if _answering.was_silent:
            raise psycopg.OperationalError("the server does not answer")
        return super().connect(conninfo, **named)

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for an answer, within the time limit, for as long as the server is at work on it.

        Raises:
            psycopg.OperationalError: the connection broke or is lost, or its time is over.
        """
        bound = database.wait_seconds() if timeout is None else timeout
        if bound is not None and self.most_seconds is not None:
            bound = min(bound, self.most_seconds)
        try:
            answer = super().wait(gen if bound is None else self._watched(gen), interval, bound)
        except psycopg.OperationalError:
            # It is unknown whether a statement without an answer took effect.
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise
        self.answered_at = time.monotonic()
        return answer

    def is_fresh(self) -> bool:
        """Whether the server answered a moment ago, and neither ended nor said anything since."""
        if self.closed or time.monotonic() - self.answered_at >= FRESH_SECONDS:
            return False
        line = select.poll()
        line.register(self.pgconn.socket, select.POLLIN)
        return not line.poll(0)

    def ask(self, *statements: Asked) -> list[Result]:
        """Ask statements with their values put in, as a cursor does, in one trip and in this order.

        The first of a transaction begin it in the same trip. Each may take as long as one alone.

        Raises:
            psycopg.Error: the server refuses one, and asks none after it; or it does not answer.
        """
        with self.lock:
            # Kept, since it knows how each type is written and read by then.
            values = self._values = self._values or Transformer.from_context(self)
            texts = [_text(sql, params, values) for sql, params in statements]
            if not self.autocommit and self._is_idle():
                texts.insert(0, b"BEGIN")
            bound = database.wait_seconds()
            results = self.wait(
                self._answered(b";".join(texts)),
                timeout=None if bound is None else bound * len(statements),
            )
            return [_read(one, values) for one in results[-len(statements) :]]

    def _is_idle(self) -> bool:
        return self.pgconn.transaction_status == TransactionStatus.IDLE

    def _answered(self, text: bytes) -> PQGen[list[PGresult]]:
        """The result of each of some statements."""
        if self.pgconn.status != ConnStatus.OK:
            raise psycopg.OperationalError("the connection is closed")
        self.pgconn.send_query(text)
        results: list[PGresult] = yield from generators.execute(self.pgconn)
        for one in results:
            if one.status == ExecStatus.FATAL_ERROR:
                raise error_from_result(one)
        return results

    def _watched(self, gen: PQGen[RV]) -> PQGen[RV]:
        """The same, with an end when the answer will not come."""
        began_at = time.monotonic()
        look_at = began_at + PATIENCE_SECONDS
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() > look_at:
                    if _answering.is_lost(self, began_at):
                        raise psycopg.OperationalError("the server does not answer")
                    look_at = time.monotonic() + PATIENCE_SECONDS
                wanted = gen.send(ready)
        except StopIteration as done:
            found: RV = done.value
            return found


def _text(sql: str, params: Sequence[Any] | None, values: abc.Transformer) -> bytes:
    if params is None:
        return sql.encode()
    written = (b"NULL" if one is None else values.as_literal(one) for one in params)
    return sql.encode() % tuple(written)


def _read(result: PGresult, values: abc.Transformer) -> Result:
    values.set_pgresult(result)
    try:
        rows = values.load_rows(0, result.ntuples, tuple)
    finally:
        values.set_pgresult(None)
    return Result(rows, result.command_tuples or 0)


class Moments(TimestamptzLoader):
    """Reads times in a sixth of the time that Django's loader takes; sessions are in UTC."""

    timezone = UTC

    def load(self, data: Buffer) -> datetime:
        """The time that PostgreSQL writes so.

        Raises:
            psycopg.DataError: Python has no such time: it is infinite, or before the year 1.
        """
        try:
            return datetime.fromisoformat(str(data, "ascii"))
        except ValueError:
            return super().load(data)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper, with these connections."""

    Database = SimpleNamespace(**{**vars(psycopg), "connect": Connection.connect})  # type: ignore[assignment]

    def get_connection_params(self) -> dict[str, Any]:
        """What a connection is made with."""
        params = super().get_connection_params()
        adapters = AdaptersMap(params["context"])
        adapters.register_loader("timestamptz", Moments)
        return {**params, "context": adapters}

    def ask(self, *statements: Asked) -> list[Result]:
        """Ask statements past the cursors, with all that Django does for one.

        They are asked in one trip, unless somebody looks on.
        """
        self.validate_thread_sharing()
        self.close_if_health_check_failed()
        self.ensure_connection()
        if not self.execute_wrappers:
            return self._asked(*statements)
        asked = self._one
        for wrapper in reversed(self.execute_wrappers):
            asked = partial(wrapper, asked)
        context = {"connection": self, "cursor": None}
        return [asked(sql, params, False, context) for sql, params in statements]

    def _one(self, sql: str, params: Sequence[Any] | None, _many: bool, _context: object) -> Result:
        return self._asked((sql, params))[0]

    def _asked(self, *statements: Asked) -> list[Result]:
        self.validate_no_broken_transaction()
        with self.wrap_database_errors:
            answers: list[Result] = self.connection.ask(*statements)
        return answers

    def is_usable(self) -> bool:
        """Whether the server answers on the connection, soon.

        Every request asks, and to ask the server each time took a third of a short one.
        """
        if self.connection.is_fresh():
            return True
        self.connection.most_seconds = _USABLE_SECONDS
        try:
            return bool(super().is_usable())
        finally:
            if self.connection is not None:
                self.connection.most_seconds = None
