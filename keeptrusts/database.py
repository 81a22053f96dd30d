"""Time limits of connections to PostgreSQL: statements, idle transactions and answers."""

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
    """Limit every statement of this process to `seconds`.

    Without a call there is no limit: a migration takes the time that it needs.
    """
    global _statement_seconds
    _statement_seconds = seconds


def wait_seconds() -> float | None:
    """The wait for an answer before the connection is closed; None for no limit."""
    return None if _statement_seconds is None else _statement_seconds + _GRACE_SECONDS


def bound_connection(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Have the server end long statements, and transactions that stay idle.

    It is set by a statement, since poolers refuse start-up options.
    """
    if connection.vendor != "postgresql":
        return
    bounds: dict[str, float] = {"idle_in_transaction_session_timeout": MOST_IDLE_SECONDS}
    if _statement_seconds is not None:
        bounds["statement_timeout"] = _statement_seconds
    with connection.cursor() as cursor:
        for name, seconds in bounds.items():
            cursor.execute("SELECT set_config(%s, %s, false)", [name, f"{seconds}s"])
