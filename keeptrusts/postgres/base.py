"""The backend's module that Django loads."""

from types import SimpleNamespace
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus

from keeptrusts import database


class Connection(psycopg.Connection[Any]):
    """A connection that is closed when the server does not answer in time.

    The server ends long statements itself, unless it is frozen or the network is cut.
    """

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for an answer, within the time limit.

        Raises:
            psycopg.OperationalError: the connection broke, or its time is over.
        """
        bound = database.wait_seconds() if timeout is None else timeout
        try:
            return super().wait(gen, interval, bound)
        except psycopg.OperationalError:
            # It is unknown whether a statement without an answer took effect.
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper, with these connections."""

    Database = SimpleNamespace(**{**vars(psycopg), "connect": Connection.connect})  # type: ignore[assignment]
