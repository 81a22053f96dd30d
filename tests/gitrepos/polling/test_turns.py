"""A remote's next scheduled poll, by the database and of a row that was read."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from gitrepos.models import Remote
from gitrepos.polling.turns import next_turn, turn

pytestmark = pytest.mark.django_db

_CHANCE = random.Random(20261201)
_CASES = [
    (
        datetime(2026, 12, 1, tzinfo=UTC) + timedelta(microseconds=_CHANCE.randrange(10**12)),
        _CHANCE.choice([1, 7, 60, 300, 3600, 86_400]),
        _CHANCE.randrange(7 * 86_400 * 1_000_000),
    )
    for _ in range(20)
]


@pytest.mark.parametrize(("now", "interval", "phase"), _CASES)
def test_both_are_the_same_moment(now: datetime, interval: int, phase: int) -> None:
    """To the microsecond: else a remote would be polled twice in a turn, or in none."""
    row = Remote.objects.create(url="u", host="h", interval_seconds=interval, phase_us=phase)
    Remote.objects.update(next_poll_at=next_turn(now))
    row.refresh_from_db()

    assert row.next_poll_at == turn(now, interval_seconds=interval, phase_us=phase)


def test_a_turn_comes_after_the_one_of_now() -> None:
    """One that is due in this microsecond is had."""
    now = datetime(2026, 12, 1, tzinfo=UTC)

    assert turn(now, interval_seconds=60, phase_us=0) == now + timedelta(seconds=60)
