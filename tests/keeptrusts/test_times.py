"""Times as text: always of UTC, whatever zone they are told in."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts import times

ZONES = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))
MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(9998, 1, 1), timezones=ZONES)


@given(MOMENTS)
def test_the_text_of_a_time_is_that_time(moment: datetime) -> None:
    """And ends with Z."""
    for text, exactly in (
        (times.exact(moment), moment),
        (times.to_the_second(moment), moment.replace(microsecond=0)),
    ):
        assert text.endswith("Z")
        assert datetime.fromisoformat(text) == exactly


@pytest.mark.parametrize(
    ("tell", "told"),
    [(times.exact, "2026-01-31T09:30:00.000000Z"), (times.to_the_second, "2026-01-31T09:30:00Z")],
)
def test_the_form_has_a_fixed_width(tell: Callable[[datetime], str], told: str) -> None:
    """So that texts sort as their times do."""
    assert tell(datetime(2026, 1, 31, 9, 30, tzinfo=UTC)) == told
