"""What every connection to PostgreSQL is told."""

from django.db.backends.base.base import BaseDatabaseWrapper

# A frozen process, or one behind a cut network, would hold its locks until TCP gives up: hours.
MOST_IDLE_SECONDS = 60


def bound_transactions(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Have the server end a transaction that its client leaves idle.

    A statement and not a start-up option, which poolers refuse.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = %s", [f"{MOST_IDLE_SECONDS}s"])
