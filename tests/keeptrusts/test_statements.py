"""Queries that are made into SQL once."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.db.models import F, Value

from configurations.models import Configuration
from keeptrusts.database import Statement, compiled

pytestmark = pytest.mark.django_db

_AT = datetime(2031, 1, 2, 3, 4, 5, 678, UTC)


def _make(pk: str, **fields: Any) -> None:
    given = {"name": "N", "labels": {"a": "ä"}, "source": "api", "version": 1, "content_hash": ""}
    Configuration.objects.create(pk=pk, created_at=_AT, updated_at=_AT, **{**given, **fields})


def test_it_reads_what_the_query_reads() -> None:
    """Times, JSON, nulls and computed columns, under the names of the query."""
    _make("a", findings=[{"n": 1.5, "big": 2**70, "none": None, "text": '"\\\u2028'}])
    _make("b", labels={}, pinned_at=_AT.replace(microsecond=0))
    rows = Configuration.objects.order_by("pk").values(
        "id", "labels", "findings", "four_eyes", "pinned_at", "created_at",
        git_repo=F("owner"), one=Value(1),
    )  # fmt: skip

    assert Statement(rows).read() == list(rows)


def test_it_reads_what_is_there_now() -> None:
    """It keeps the question and no answer."""
    read = compiled(lambda: Configuration.objects.values("id"))
    before = read()

    _make("a")

    assert (before, read()) == ([], [{"id": "a"}])


@pytest.mark.skipif(connection.vendor != "postgresql", reason="of PostgreSQL")
@pytest.mark.parametrize(
    "text", ["2031-01-02 03:04:05.000678+00", "0001-01-01 00:00:00+00", "2031-01-02 00:00:00+00"]
)
def test_times_of_postgresql_are_read_as_they_are(text: str) -> None:
    """In UTC, with and without fractions."""
    with connection.cursor() as cursor:
        cursor.execute("select %s::timestamptz", [text])

        assert cursor.fetchone() == (datetime.fromisoformat(text),)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="of PostgreSQL")
@pytest.mark.parametrize("text", ["infinity", "0044-03-15 00:00:00+00 BC"])
def test_times_that_python_has_not_are_errors(text: str) -> None:
    """As they were."""
    with connection.cursor() as cursor:
        cursor.execute("select %s::timestamptz", [text])
        with pytest.raises(Exception, match="timestamp too"):
            cursor.fetchone()
