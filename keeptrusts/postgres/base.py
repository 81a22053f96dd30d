"""The backend that Django loads."""

from types import SimpleNamespace
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus

from keeptrusts import database


class Connection(psycopg.Connection[Any]):
    """A connection that is given up when the server is silent for too long.

    The server ends a statement itself, unless it is frozen, or nothing reaches it or comes back.
    """

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Raises: `psycopg.OperationalError`."""
        bound = database.wait_seconds() if timeout is None else timeout
        try:
            return super().wait(gen, interval, bound)
        except psycopg.OperationalError:
            # Of a statement that has no answer, nobody knows what became.
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, with these connections."""

    Database = SimpleNamespace(**{**vars(psycopg), "connect": Connection.connect})  # type: ignore[assignment]
