"""Bounds of a connection to PostgreSQL: what it may hold, and for how long it is waited for."""

from django.db.backends.base.base import BaseDatabaseWrapper

# A frozen process, or one behind a cut network, would hold its locks until TCP gives up: hours.
MOST_IDLE_SECONDS = 60
# Somebody waits for an answer; nobody does for a worker, whose claims last longer.
WEB_SECONDS = 15
WORKER_SECONDS = 60
# The server's own end of a statement comes first.
_GRACE_SECONDS = 5

_statement_seconds: float | None = None


def bound_statements(seconds: float) -> None:
    """Have every statement of this process end in time.

    Without it there is no bound: a migration takes the time that it needs.
    """
    global _statement_seconds
    _statement_seconds = seconds


def wait_seconds() -> float | None:
    """How long an answer is waited for before the connection is given up."""
    return None if _statement_seconds is None else _statement_seconds + _GRACE_SECONDS


def bound_connection(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Have the server end a statement that lasts, and a transaction that its client leaves idle.

    By a statement and not by start-up options, which poolers refuse.
    """
    if connection.vendor != "postgresql":
        return
    bounds: dict[str, float] = {"idle_in_transaction_session_timeout": MOST_IDLE_SECONDS}
    if _statement_seconds is not None:
        bounds["statement_timeout"] = _statement_seconds
    with connection.cursor() as cursor:
        for name, seconds in bounds.items():
            cursor.execute("SELECT set_config(%s, %s, false)", [name, f"{seconds}s"])
