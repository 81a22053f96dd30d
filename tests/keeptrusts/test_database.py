"""Database connections that went idle inside a transaction."""

import time

import pytest
from django.db import DatabaseError, connection, connections

from keeptrusts import counters, database

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
