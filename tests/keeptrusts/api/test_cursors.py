"""Cursors of logs that are seen in part."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.api.cursors import Walk, page
from keeptrusts.api.errors import FieldError

_BEGIN = datetime(2031, 1, 2, 3, 4, 5, 678, UTC)
# Seconds of rows, many of them equal; the numbers that the rows have are not theirs to tell.
_ROWS = st.lists(st.integers(0, 4), max_size=20)


def _moment(row: tuple[int, int]) -> datetime:
    return _BEGIN + timedelta(seconds=row[0])


def _walked(rows: list[tuple[int, int]], limit: int) -> tuple[list[tuple[int, int]], list[str]]:
    """All pages together, and their cursors."""
    found: list[tuple[int, int]] = []
    cursors: list[str] = []
    cursor: str | None = None
    while True:
        walk = Walk(cursor)
        asked = [row for row in rows if walk.begun is None or _moment(row) <= walk.begun]
        listed, cursor = page(asked, walk, moment=_moment, limit=limit)
        found += listed
        assert len(listed) == limit or cursor is None
        if cursor is None:
            return found, cursors
        cursors.append(cursor)


@given(_ROWS, st.integers(1, 5))
def test_pages_are_the_whole(seconds: list[int], limit: int) -> None:
    """Every row once and in order, also where many are of one moment."""
    rows = [(second, number) for number, second in enumerate(sorted(seconds, reverse=True))]

    assert _walked(rows, limit)[0] == rows


@given(_ROWS, st.integers(1, 5), st.integers(0, 1000))
def test_a_cursor_tells_no_number(seconds: list[int], limit: int, shift: int) -> None:
    """Whatever numbers the rows have, whoever else has rows between them."""
    ordered = sorted(seconds, reverse=True)
    rows = [(second, number) for number, second in enumerate(ordered)]
    shifted = [(second, number * 7 + shift) for number, second in enumerate(ordered)]

    assert _walked(rows, limit)[1] == _walked(shifted, limit)[1]


@pytest.mark.parametrize(
    "cursor",
    ["", "1", "20310102T030405.000678", "20310231T030405.000678-1", "20310102T030405.000678--1",
     "20310102T030405.000678-1 ", "\u0661"],
)  # fmt: skip
def test_a_cursor_that_no_answer_had_is_refused(cursor: str) -> None:
    """Also one that is well formed, and no time."""
    with pytest.raises(FieldError, match="cursor"):
        Walk(cursor)
