"""Rows of several tables, inserted in one trip."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from configurations.models import Configuration
from events.models import AuditEntry
from evidence.models import Entry, Hidden
from keeptrusts.database import Statement, insert

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

_NOW = datetime(2031, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
_VALUES = {"a": [None, True, 0.5, -(10**20), 'é"\\\n\u2028 %s'], "b": {}, "": "\x7f"}


def _audited(number: int, after: object) -> AuditEntry:
    return AuditEntry(
        at=_NOW + timedelta(days=number), actor_kind="token", actor_id=str(number),
        actor_name="Zoë % \\ '", action="token.edited", target="t", before=None, after=after,
    )  # fmt: skip


def _entry(number: int) -> Entry:
    return Entry(kind="audit", subject="", number=number, at=_NOW, leaf=bytes(range(256)))


def test_what_is_inserted_is_what_was_given() -> None:
    """Texts, times, bytes, JSON and nulls; what a database has a default for, it fills in."""
    hidden = Hidden(nonce=UUID(int=7), values=_VALUES)
    insert([_audited(0, _VALUES), _audited(1, None)], [_entry(3)], [hidden])

    first, second = AuditEntry.objects.order_by("at")
    assert (first.at, first.actor_name, first.before, first.after) == (
        _NOW, "Zoë % \\ '", None, _VALUES,
    )  # fmt: skip
    assert AuditEntry.objects.filter(after__isnull=True).get() == second
    row = Entry.objects.get()
    assert (bytes(row.leaf), row.number, row.at, row.index) == (bytes(range(256)), 3, _NOW, None)
    assert (row.transaction > 0) == (connection.vendor == "postgresql")
    assert Hidden.objects.get(pk=UUID(int=7)).values == _VALUES


def test_what_is_given_stands_though_the_database_has_a_default() -> None:
    """Of a row that an older release would have written without it."""
    times = {"created_at": _NOW, "updated_at": _NOW}
    insert([Configuration(pk="a", name="A", version=1, four_eyes=True, findings=[1], **times)])
    given = Configuration.objects.get()

    assert (given.four_eyes, given.findings, given.judged_rules) == (True, [1], "")


@pytest.mark.parametrize(
    ("counts", "trips"), [((0, 0), 0), ((1, 1), 1), ((0, 3), 1), ((500, 2), 1), ((2, 1201), 3)]
)
def test_many_are_few_trips(counts: tuple[int, int], trips: int) -> None:
    """Whichever of the tables has more."""
    with CaptureQueriesContext(connection) as asked:
        insert([_audited(0, {})] * counts[0], [_entry(n) for n in range(counts[1])])

    assert (AuditEntry.objects.count(), Entry.objects.count()) == counts
    if connection.vendor == "postgresql":
        assert len(asked) == trips


def test_all_are_inserted_or_none() -> None:
    """What one table refuses no other has."""
    with pytest.raises(DatabaseError), transaction.atomic():
        insert([_audited(0, {})], [Entry(kind="audit", subject=None, at=_NOW, leaf=b"")])

    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("number", [2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 12345678901234567890])
def test_a_whole_number_is_read_as_it_was_written(number: int) -> None:
    """Where rows are read as columns, too: orjson alone would give another one."""
    values = {"a": [number, 0.5], "b": "1" * 30}
    insert([_audited(0, values)])

    columns = Statement(AuditEntry.objects.values("after")).columns()

    assert list(columns["after"]) == [values]
    assert type(columns["after"][0]["a"][0]) is int
