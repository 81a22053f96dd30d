"""Hints of changes to the process of event streams, over Redis' pub/sub.

A hint may be lost: the change counters decide, and are read every two seconds.
"""

from django.db import transaction

from keeptrusts.messaging.publishing import publish

CHANNEL = "keeptrusts:changes"


def announce_on_commit() -> None:
    """Send a hint once the running transaction is committed, one for all of it."""
    waiting = [work for _, work, *_ in transaction.get_connection().run_on_commit]
    if _announce not in waiting:
        transaction.on_commit(_announce)


def _announce() -> None:
    publish(CHANNEL, b"")
