"""The end of a table that only grows, read by one who must miss nothing of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from events.models import AuditEntry
from gateways.feed import tails
from gateways.feed.tails import LostError, Table, Tail

pytestmark = pytest.mark.django_db

_TABLE = Table(AuditEntry, "at", ("target",))


def _add(*numbers: int, old: bool = False) -> None:
    at = timezone.now() - timedelta(hours=1 if old else 0)
    AuditEntry.objects.bulk_create(
        AuditEntry(pk=number, at=at, action="token.created", target=str(number))
        for number in numbers
    )


def _tail() -> Tail:
    tail = Tail(_TABLE)
    tail.begin()
    return tail


def _numbers(tail: Tail) -> list[int]:
    return [row["pk"] for row in tail.read()]


def _since(tail: Tail, mark: str) -> list[int]:
    return [row["pk"] for row in tail.since(mark)]


def test_what_is_added_is_seen_once() -> None:
    """What was there before is not new, and can be had by a mark."""
    empty = _tail()
    _add(1, 2)
    tail = _tail()
    before = tail.mark
    assert (_numbers(tail), _numbers(empty)) == ([], [1, 2])
    _add(3)
    assert (_numbers(tail), _numbers(tail)) == ([3], [])
    assert (_since(tail, before), _since(tail, tail.mark)) == ([3], [])
    assert _since(empty, "") == [1, 2]


def test_a_mark_is_the_same_everywhere_and_tells_nothing() -> None:
    """Of a row of another database with its number it is another."""
    _add(1)
    mark = _tail().mark
    assert (_tail().mark, len(mark), int(mark, 16) > 1) == (mark, 16, True)
    AuditEntry.objects.all().delete()
    _add(1)
    assert _tail().mark != mark


def test_a_number_that_is_seen_late_is_not_missed() -> None:
    """Its transaction ended after one that began later; no mark goes past it meanwhile."""
    _add(1)
    tail = _tail()
    before = tail.mark
    _add(3)
    assert (_numbers(tail), tail.mark) == ([3], before)
    assert _since(tail, tail.mark) == [3]
    other = _tail()
    _add(2)
    assert (_numbers(tail), _numbers(other)) == ([2], [2])
    assert _since(tail, before) == [3, 2]
    assert _since(tail, tail.mark) == [2]  # At the most told twice: it was seen after the other.
    assert _since(_tail(), tail.mark) == []


def test_a_number_that_nobody_wrote_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """As is one between rows that are old already."""
    _add(1)
    tail = _tail()
    _add(5, old=True)
    _add(7)
    assert _numbers(tail) == [5, 7]
    assert tail.mark != tail._top_mark
    monkeypatch.setattr(tails, "_LATE", timedelta(seconds=-1))
    assert _numbers(tail) == []
    assert tail.mark == tail._top_mark


def test_a_row_that_is_gone_is_noticed() -> None:
    """The table went back, whatever was written since."""
    _add(1, 2)
    tail = _tail()
    AuditEntry.objects.filter(pk=2).delete()
    with pytest.raises(LostError):
        tail.read()
    _add(2, 3)
    with pytest.raises(LostError):
        tail.read()
    with pytest.raises(LostError):
        _tail().since(tail.mark)


def test_too_much_at_once_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is what is not kept any more."""
    monkeypatch.setattr(tails, "MOST_AT_ONCE", 3)
    monkeypatch.setattr(tails, "KEPT", 4)
    _add(1)
    tail = _tail()
    first = tail.mark
    for number in range(2, 6):
        _add(number)
        assert _numbers(tail) == [number]
    for mark in (first, ""):
        with pytest.raises(LostError):
            tail.since(mark)
    _add(6, 7, 8, 9)
    with pytest.raises(LostError):
        tail.read()
