"""Two texts compared by lines."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.comparing import Comparison, compared

_LINES = st.lists(st.sampled_from("abcdef"), max_size=30)


def _told(found: Comparison) -> list[str]:
    marks = {"same": " ", "gone": "-", "new": "+", "gap": "…"}
    return [f"{marks[row.kind]}{row.text}" for row in found.rows]


def test_lines_that_differ_stand_among_those_around() -> None:
    """Three before and behind, numbered as they are on each side."""
    before = [f"l{number}" for number in range(12)]
    after = [*before[:6], "x", "y", *before[7:]]

    found = compared("\n".join(before), "\n".join(after))

    assert _told(found) == [" l3", " l4", " l5", "-l6", "+x", "+y", " l7", " l8", " l9"]
    assert [(row.before, row.after) for row in found.rows[3:7]] == [(7, 0), (0, 7), (0, 8), (8, 9)]
    assert [(one.before and one.before.text, one.after and one.after.text)
            for one in found.pairs()][3:5] == [("l6", "x"), (None, "y")]  # fmt: skip


def test_lines_far_from_any_that_differ_are_left_out() -> None:
    """And counted."""
    before = [f"l{number}" for number in range(40)]
    after = ["first", *before[1:-1], "last"]

    told = _told(compared("\n".join(before), "\n".join(after)))

    assert told[:5] == ["-l0", "+first", " l1", " l2", " l3"]
    assert told[5] == "…32 lines alike"


def test_equal_texts_have_no_rows() -> None:
    """Empty ones, too."""
    assert compared("a\nb", "a\nb") == compared("", "") == Comparison(())


@given(_LINES, _LINES)
def test_what_is_told_makes_one_text_of_the_other(before: list[str], after: list[str]) -> None:
    """Each line that is not told is alike on both sides."""
    found = compared("\n".join(before), "\n".join(after))
    gone = {row.before for row in found.rows if row.kind == "gone"}
    new = {row.after: row.text for row in found.rows if row.kind == "new"}

    kept = [line for number, line in enumerate(before, 1) if number not in gone]
    left = [line for number, line in enumerate(after, 1) if number not in new]
    assert kept == left
    assert all(before[row.before - 1] == row.text for row in found.rows if row.before)
    assert all(after[row.after - 1] == row.text for row in found.rows if row.after)


@pytest.mark.parametrize("words", [2, 100, 5000])
def test_texts_that_are_large_or_were_made_to_be_slow_are_bounded(words: int) -> None:
    """In time, and in the rows that are shown."""
    chance = random.Random(words)
    for size in (800, 100_000):
        texts = ["\n".join(str(chance.randrange(words)) for _ in range(size)) for _ in range(2)]
        before = time.process_time()
        found = compared(*texts)

        assert time.process_time() - before < 2
        assert len(found.rows) <= 400
        assert found.is_told is (size == 800)
