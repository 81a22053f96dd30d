"""Counters of changes."""

import time

import pytest
from django.db import IntegrityError, transaction

from keeptrusts import counters
from keeptrusts.models import Count, Counter
from tests.support.api import together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.smoke
def test_each_change_makes_a_counter_grow() -> None:
    """One counter, and no other."""
    counters.bump("a")
    counters.bump("b")
    before = counters.read()
    counters.bump("a")
    after = counters.read()

    assert after["a"] > before["a"]
    assert after["b"] == before["b"]


@pytest.mark.smoke
def test_a_value_does_not_come_back_with_an_old_database() -> None:
    """What a reader kept for it would otherwise pass for what is there now."""
    counters.bump("a")
    kept = counters.read()["a"]
    Counter.objects.all().delete()

    counters.bump("a")

    assert counters.read()["a"] > kept


@pytest.mark.smoke
def test_a_counter_grows_while_the_clock_stands_in_the_past() -> None:
    """A clock that was set back holds nothing up."""
    ahead = 1 << 60
    Counter.objects.create(name="a", value=ahead)

    counters.bump("a")

    assert ahead < counters.read()["a"] <= ahead + 1000


@pytest.mark.smoke
def test_a_change_that_is_undone_is_not_counted() -> None:
    """The count goes with the transaction."""
    counters.bump("a")
    before = counters.read()

    with transaction.atomic():
        counters.bump("a")
        transaction.set_rollback(True)

    assert counters.read() == before


@pytest.mark.smoke
@pytest.mark.parametrize("is_recorded", [True, False], ids=["", "by an older release"])
def test_the_past_is_told_from_what_was_lost(is_recorded: bool) -> None:
    """However high the counters are now."""
    counters.bump("a")
    if not is_recorded:
        Count.objects.all().delete()
    first = counters.read()
    counters.bump("a")
    second = counters.read()
    Counter.objects.update(value=first["a"])
    Count.objects.filter(value=second["a"]).delete()
    restored = counters.read()
    counters.bump("a")

    assert restored == first
    assert counters.read_after({}) == (counters.read(), True)
    assert counters.read_after(first) == (counters.read(), True)
    assert counters.read_after({"a": 0, "b": 0}) == (counters.read(), True)
    assert counters.read_after(counters.read()) == (counters.read(), True)
    assert counters.read_after(second) == (counters.read(), False)
    assert counters.read_after({"a": first["a"], "b": 1}) == (counters.read(), False)
    assert counters.read_after({"a": 1 << 62}) == (counters.read(), False)


@pytest.mark.smoke
def test_the_past_is_kept_for_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value is in force until the next one, so it is kept for a day after that."""
    day_ns = 86_400_000_000_000
    start = time.time_ns()
    values = []
    for days in (0, 1, 5, 5.5):
        now = start + int(days * day_ns)
        monkeypatch.setattr(time, "time_ns", lambda now=now: now)
        values.append(counters.bump("a"))

    counters.prune()

    assert [counters.read_after({"a": value})[1] for value in values] == [False, True, True, True]


@pytest.mark.smoke
def test_a_value_is_above_what_a_lost_one_was() -> None:
    """Whatever the clock says."""
    lost = time.time_ns() // 1000 + 10_000_000

    assert counters.bump("a", above=lost) > lost


@pytest.mark.smoke
def test_no_value_is_given_twice() -> None:
    """The database refuses it, whoever tries."""
    value = counters.bump("a")

    with pytest.raises(IntegrityError):
        Count.objects.create(counter="a", value=value)


def test_writers_that_count_first_follow_one_another() -> None:
    """Each sees what the one before it wrote, also when none was there before."""
    seen: list[int] = []

    def write(number: int) -> None:
        with transaction.atomic():
            counters.bump("a")
            seen.append(Counter.objects.filter(name__startswith="written").count())
            Counter.objects.create(name=f"written-{number}")

    together(8, write)

    assert sorted(seen) == list(range(8))


def test_values_grow_in_the_order_of_the_writers() -> None:
    """Each is above the one before it, which another transaction gave and the clock may exceed."""
    values: list[int] = []

    def write(_: int) -> None:
        for _ in range(10):
            with transaction.atomic():
                values.append(counters.bump("a"))

    together(8, write)

    assert len(values) == 80
    assert values == sorted(set(values))
    assert set(Count.objects.values_list("value", flat=True)) == set(values)
