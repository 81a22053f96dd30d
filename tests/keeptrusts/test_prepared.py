"""Queries that are made into SQL once and asked with other values, and rows written so."""

import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import (
    Case,
    Exists,
    F,
    IntegerChoices,
    OuterRef,
    Q,
    TextChoices,
    Value,
    When,
)
from django.test.utils import CaptureQueriesContext

from configurations.models import Configuration
from gitrepos.models import Link, LinkedFile, Remote
from keeptrusts import statements

pytestmark = pytest.mark.django_db

_AT = datetime(2031, 1, 2, 3, 4, 5, 678, UTC)


class Whole(int):
    """A number of another kind."""


class Line(str):
    """A text of another kind."""


def _remote(host: str, **fields: Any) -> Remote:
    given = {"url": f"https://{host}/{uuid4()}.git", "found": {"heads": {"ä": "%s"}}}
    return Remote.objects.create(host=host, **{**given, **fields})


def _policy(pk: str, **fields: Any) -> Configuration:
    given = {"name": "N", "source": "api", "version": 1, "content_hash": ""}
    return Configuration.objects.create(
        pk=pk, created_at=_AT, updated_at=_AT, **{**given, **fields}
    )


def _of_host(host: str, at: datetime) -> Any:
    rows = Remote.objects.filter(host=host, next_poll_at__lte=at).order_by("url")
    late = Case(When(Q(asked=True) | Q(next_poll_at=at), then=Value(True)), default=Value(False))
    return rows.annotate(late=late).values_list("pk", "late", "found", "next_poll_at", "claim_id")


def test_columns_are_those_of_the_query() -> None:
    """For one value after another, in whatever places the query has it."""
    for host, minutes in (("a", 0), ("a", 5), ("b", -5)):
        at = _AT + timedelta(minutes=minutes)
        _remote(host, next_poll_at=at, claim_id=uuid4() if minutes else None)
    asked = statements.tuples(_of_host, host=str, at=datetime)

    for host, at in (("a", _AT), ("a", _AT + timedelta(hours=1)), ("b", _AT), ("c'%s", _AT)):
        assert list(asked(host=host, at=at)) == list(_of_host(host, at))


def test_instances_are_those_of_the_query() -> None:
    """With all their columns: times, JSON, truths, nulls."""
    rows = [_remote("a", next_poll_at=_AT), _remote("a", asked=True), _remote("b")]
    asked = statements.objects(lambda pk: Remote.objects.filter(pk=pk).select_for_update(), pk=UUID)

    for row in rows:
        [found] = asked(pk=row.pk)
        assert found == row
        for field in Remote._meta.concrete_fields:
            expected = getattr(Remote.objects.get(pk=row.pk), field.attname)
            assert getattr(found, field.attname) == expected
    assert asked(pk=uuid4()) == []


@pytest.mark.parametrize("columns", [(), ("host", "next_poll_at")])
def test_instances_are_used_as_those_of_django(columns: tuple[str, ...]) -> None:
    """Pickled, compared, read again, saved, and deleted; and what they stand beside is read."""
    remote = _remote("a", next_poll_at=_AT)
    Link.objects.create(remote=remote, url="u", created_at=_AT, updated_at=_AT)
    asked = statements.objects(
        lambda pk: Remote.objects.filter(pk=pk).only(*columns) if columns
        else Remote.objects.filter(pk=pk),
        pk=UUID,
    )  # fmt: skip
    [row] = asked(pk=remote.pk)
    [expected] = Remote.objects.filter(pk=remote.pk).only(*columns)

    assert (row, hash(row), repr(row)) == (expected, hash(expected), repr(expected))
    assert row.get_deferred_fields() == expected.get_deferred_fields()
    assert (row._state.adding, row._state.db) == (expected._state.adding, expected._state.db)
    read, as_read = (vars(pickle.loads(pickle.dumps(one))) for one in (row, expected))
    assert {**read, "_state": None} == {**as_read, "_state": None}
    row.host = "b"
    row.save()
    Remote.objects.filter(pk=row.pk).update(next_poll_at=None)
    row.refresh_from_db()
    assert (row.host, row.next_poll_at, row.url) == ("b", None, remote.url)
    [link] = statements.objects(lambda pk: Link.objects.filter(remote=pk), pk=UUID)(pk=row.pk)
    assert link.remote == row
    link.remote = row
    assert link.remote is row
    link.delete()
    assert row.delete()[0] == 1


def test_instances_of_some_columns_read_the_others_when_asked() -> None:
    """As those of `only` do."""
    _policy("a", name="A")
    asked = statements.objects(lambda pk: Configuration.objects.filter(pk=pk).only("name"), pk=str)
    [row] = asked(pk="a")

    assert row.get_deferred_fields()
    assert (row.pk, row.name, row.version, row.created_at) == ("a", "A", 1, _AT)


@pytest.mark.parametrize("many", [0, 1, 2, 5])
def test_ids_are_one_value_however_many_they_are(many: int) -> None:
    """Of UUIDs and of texts, which may hold anything."""
    rows = [_remote("a") for _ in range(5)]
    names = ["a", 'b"', "c,d", "{e}", "f'\\%s"]
    for name in names:
        _policy(name)
    by_id = statements.tuples(
        lambda ids: Remote.objects.filter(pk__among=ids).values_list("pk"), ids=list[UUID]
    )
    by_name = statements.tuples(
        lambda ids: Configuration.objects.filter(pk__among=ids).values_list("pk"), ids=list[str]
    )

    wanted = [row.pk for row in rows[:many]]
    assert sorted(by_id(ids=wanted)) == sorted((pk,) for pk in wanted)
    assert sorted(by_name(ids=names[:many])) == sorted((name,) for name in names[:many])


def test_a_subquery_has_its_values_too() -> None:
    """And numbers are told from the numbers that a query has of itself."""
    remote = _remote("a")
    for number in range(1, 4):
        link = Link.objects.create(
            remote=remote, url="u", root=str(number), generation=number,
            created_at=_AT, updated_at=_AT,
        )  # fmt: skip
        LinkedFile.objects.create(link=link, path="p", blob="", outcome="synced", updated_at=_AT)

    def newer(generation: int, outcome: str) -> Any:
        files = LinkedFile.objects.filter(link=OuterRef("pk"), outcome=outcome)
        rows = Link.objects.filter(Exists(files), generation__gt=generation)
        return rows.order_by("root").annotate(next=F("generation") + 1).values_list("root", "next")

    asked = statements.tuples(newer, generation=int, outcome=str)

    for generation, outcome in ((0, "synced"), (1, "synced"), (2, "missing")):
        assert list(asked(generation=generation, outcome=outcome)) == list(
            newer(generation, outcome)
        )


def test_a_value_that_the_query_has_no_place_for_is_a_bug() -> None:
    """It would be asked without it."""
    asked = statements.tuples(lambda host: Remote.objects.values_list("pk"), host=str)

    with pytest.raises(AssertionError):
        asked(host="a")


def test_columns_are_written_as_django_writes_them() -> None:
    """By two statements that read the same row back."""
    first, second = _remote("a"), _remote("b")
    names = ("found", "next_poll_at", "asked", "claim_id", "failures", "shared", "host")
    for row in (first, second):
        row.found, row.next_poll_at, row.asked = {"heads": {"ü": "%s"}, "n": None}, _AT, True
        row.claim_id, row.failures, row.host = UUID(int=7), 3, "c%s'"
    statements.write(first, names)
    second.save(update_fields=names)

    assert list(Remote.objects.filter(pk=first.pk).values(*names)) == list(
        Remote.objects.filter(pk=second.pk).values(*names)
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("claim_id", None), ("claim_id", UUID(int=1)), ("claim_id", str(UUID(int=2))),
        ("next_poll_at", None), ("next_poll_at", datetime.max.replace(tzinfo=UTC)),
        ("next_poll_at", _AT.astimezone(timezone(timedelta(hours=-7)))),
        ("failures", IntegerChoices("N", {"TWO": 2}).TWO), ("failures", Whole(3)),
        ("host", TextChoices("T", {"A": "%s'\\"}).A), ("host", Line("ä")), ("host", ""),
        ("asked", True), ("stalled", False), ("found", None), ("found", ["%s"]), ("found", "x"),
    ],
)  # fmt: skip
def test_each_kind_of_value_is_written_as_by_django(name: str, value: Any) -> None:
    """Those of enumerations and of other kinds of the same kind too."""
    first, second = _remote("a", asked=False, stalled=True), _remote("b", asked=False, stalled=True)
    for row in (first, second):
        setattr(row, name, value)
    statements.write(first, [name])
    second.save(update_fields=[name])

    written, expected = (Remote.objects.get(pk=row.pk) for row in (first, second))
    assert repr(getattr(written, name)) == repr(getattr(expected, name))


def test_nothing_else_is_written() -> None:
    """What another transaction wrote stays."""
    row = _remote("a")
    Remote.objects.filter(pk=row.pk).update(failures=5)
    row.host = "b"
    statements.write(row, ["host"])

    assert list(Remote.objects.values_list("host", "failures")) == [("b", 5)]


def test_an_expression_is_computed_from_the_row() -> None:
    """By Django, which knows how."""
    row = _remote("a", failures=2)
    row.failures = F("failures") + 1
    statements.write(row, ["failures"])

    assert Remote.objects.get().failures == 3


def test_a_row_that_is_gone_is_not_written() -> None:
    """As with Django: what should have been there is not."""
    row = _remote("a")
    Remote.objects.all().delete()

    with pytest.raises(DatabaseError):
        statements.write(row, ["host"])


@pytest.mark.parametrize("many", [1, 2, statements._FEW, statements._FEW + 1])
def test_of_rows_of_which_one_is_gone_none_is_written(many: int) -> None:
    """However many there are."""
    rows = [_remote("a") for _ in range(many)]
    for row in rows:
        row.host = "b"
    Remote.objects.filter(pk=rows[-1].pk).delete()

    with pytest.raises(DatabaseError), transaction.atomic():
        statements.write_all(rows, ["host"])

    assert not Remote.objects.filter(host="b").exists()


@pytest.mark.parametrize("many", [0, 1, 2, statements._FEW + 1])
def test_rows_are_written_together(many: int) -> None:
    """Each with its own values, those that are computed too."""
    rows = [_remote("a", failures=number) for number in range(many)]
    for number, row in enumerate(rows):
        row.host, row.failures = f"{number}", F("failures") + 1 if number % 2 else number + 1
    statements.write_all(rows, ["host", "failures"])

    written = sorted(Remote.objects.values_list("failures", "host"))
    assert written == [(number + 1, f"{number}") for number in range(many)]


def test_a_query_is_made_once() -> None:
    """Which takes longer than to ask it."""
    made: list[str] = []

    def build(host: str) -> Any:
        made.append(host)
        return Remote.objects.filter(host=host).values_list("pk")

    asked = statements.tuples(build, host=str)
    with CaptureQueriesContext(connection) as captured:
        asked(host="a")
        asked(host="b")

    assert (len(made), len(captured)) == (1, 2)
