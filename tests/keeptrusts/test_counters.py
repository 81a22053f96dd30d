"""Counters of changes."""

import pytest
from django.db import transaction

from keeptrusts import counters
from keeptrusts.models import Counter
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
