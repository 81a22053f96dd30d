"""What becomes of an attempt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.sending import outcomes


def test_the_wait_doubles_up_to_a_quarter_of_an_hour() -> None:
    """In the middle of the spread."""
    waits = [outcomes.wait_seconds(attempts, None, 0.5) for attempts in range(1, 12)]
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900]


def test_three_days_are_few_calls() -> None:
    """Of one notification, or of an endpoint that is away."""
    passed, attempts = 0.0, 0
    while passed < outcomes.GIVEN_UP_AFTER.total_seconds():
        attempts += 1
        passed += outcomes.wait_seconds(attempts, None, 0.5)
    assert attempts == 295


@given(
    attempts=st.integers(1, 10_000),
    asked=st.none() | st.integers(0, 10**12),
    chance=st.floats(0, 1),
)
def test_it_is_bounded_whatever_is_asked_for(
    attempts: int, asked: int | None, chance: float
) -> None:
    """Never sooner than our own wait, never later than an hour."""
    wait = outcomes.wait_seconds(attempts, asked, chance)
    assert 4 <= wait <= 3600
    assert wait >= outcomes.wait_seconds(attempts, None, chance)


@pytest.mark.parametrize(
    ("status", "taken"),
    [(199, False), (200, True), (202, True), (204, True), (299, True), (300, False), (410, False)],
)
def test_2xx_alone_is_taken(status: int, taken: bool) -> None:
    """A redirect is none."""
    assert outcomes.accepted(status) is taken
