"""Late answers: the server is asked, on a connection of its own, whether they will come.

A statement that takes long is one thing, a server that is silent or a connection that is lost is
another; waiting alone cannot tell them apart.
"""

import threading
import time
from collections.abc import Mapping
from typing import Any

import psycopg

from keeptrusts.postgres.connecting import Connecting

# Nearly every statement is done by then.
PATIENCE_SECONDS = 2.0
# libpq's shortest.
_CONNECT_SECONDS = 2
_ANSWER_SECONDS = 1.0
# Of somebody who waits too; what was found before says nothing.
_SHARED_SECONDS = 1.0
# So long nobody tries a server again that was silent, as Django does at the end of a transaction.
_BELIEVED_SECONDS = 1.0
# What ended just now is on its way.
_ENDED = """
SELECT pid, state LIKE 'idle%%' AND clock_timestamp() - state_change > interval '1 second'
FROM pg_stat_activity WHERE usename = current_user
"""


class _Asking(Connecting):
    """A connection that is given up when the server is silent."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        return super().wait(gen, interval, _ANSWER_SECONDS if timeout is None else timeout)


class Answering:
    """What the server says of the connections of this process's user; those who wait share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked_at = self._found_at = 0.0
        self._has_ended: Mapping[int, bool] | None = {}

    @property
    def was_silent(self) -> bool:
        """Whether the server was found silent a moment ago."""
        return self._has_ended is None and time.monotonic() - self._found_at < _BELIEVED_SECONDS

    def is_lost(self, connection: "psycopg.Connection[Any]", began_at: float) -> bool:
        """Whether a connection, on which somebody waits since `began_at` (monotonic), is lost.

        It is when the server is silent, or has long ended what it was asked for. A connection that
        the server does not know of may be that of a pooler.
        """
        with self._lock:
            if self._asked_at < began_at + _SHARED_SECONDS:
                self._asked_at = time.monotonic()
                self._has_ended = _ask(connection)
                self._found_at = time.monotonic()
            found = self._has_ended
        return found is None or found.get(connection.pgconn.backend_pid, False)


def _ask(connection: "psycopg.Connection[Any]") -> Mapping[int, bool] | None:
    """Whether each connection's last statement ended, by process id; None from a silent server."""
    info, began_at = connection.info, time.monotonic()
    try:
        with _Asking.connect(
            info.dsn, password=info.password or None, connect_timeout=_CONNECT_SECONDS
        ) as another:
            return dict(another.execute(_ENDED).fetchall())
    except psycopg.OperationalError:
        # Whoever is refused has an answer, and at once.
        return None if time.monotonic() - began_at >= _ANSWER_SECONDS else {}
