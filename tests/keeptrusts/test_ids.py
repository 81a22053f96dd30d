"""Statements that choose rows by their ids."""

from uuid import uuid4

import pytest
from django.db import connection

from gitrepos.models import Remote


@pytest.mark.django_db
@pytest.mark.parametrize("many", [0, 1, 600])
def test_rows_are_found_among_ids(many: int) -> None:
    """As by `in`, however many; on PostgreSQL the statement is the same for all."""
    names = [f"h{number}" for number in range(2)]
    rows = [Remote.objects.create(url=name, host=name) for name in names]
    ids = [rows[0].pk, *(uuid4() for _ in range(many))][:many]

    found = Remote.objects.filter(pk__among=ids)

    assert list(found) == rows[: min(many, 1)]
    assert set(Remote.objects.exclude(pk__among=ids)) == set(rows[min(many, 1) :])
    if connection.vendor == "postgresql":
        assert len(found.query.sql_with_params()[1]) == 1
