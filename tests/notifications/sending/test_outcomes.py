"""What becomes of an attempt."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.sending import outcomes

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


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
    ("text", "seconds"),
    [
        ("120", 120), (" 7 ", 7), ("0", 0), ("-1", None), ("1.5", None), ("soon", None), ("", None),
        ("9" * 20, None), ("Sat, 31 Jan 2026 12:01:00 GMT", 60),
        ("Sat, 31 Jan 2026 11:00:00 GMT", 0),
        ("31 Jan 2026 12:01:00", 60), ("Sat, 99 Jan 2026 12:01:00 GMT", None), ("²", None),
        ("Sat, 31 Jan 99999999999999999999 12:00:00 GMT", None),
        ("Sat, 31 Jan 2026 12:00:00 +99999999999999", None),
    ],
)  # fmt: skip
def test_retry_after_is_read(text: str, seconds: int | None) -> None:
    """As seconds or a date; all else is no wish."""
    assert outcomes.retry_after(text, NOW) == seconds


@pytest.mark.parametrize(
    ("status", "taken"),
    [(199, False), (200, True), (202, True), (204, True), (299, True), (300, False), (410, False)],
)
def test_2xx_alone_is_taken(status: int, taken: bool) -> None:
    """A redirect is none."""
    assert outcomes.accepted(status) is taken
