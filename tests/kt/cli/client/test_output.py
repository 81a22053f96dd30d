"""Tables for people."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kt.cli.client.output import Column, columns_of, is_colored, pairs, table, text

COLUMNS = (Column("ID", "id"), Column("WHY", lambda row: row.get("why")))
ROWS = [{"id": "a", "why": "because it is so"}, {"id": "long-id", "why": None}]


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_columns_are_aligned_without_blanks_at_the_end() -> None:
    """Under their headings."""
    assert table(ROWS, COLUMNS) == [
        "ID       WHY",
        "a        because it is so",
        "long-id  -",
    ]


def test_what_does_not_fit_is_cut_in_the_widest_column() -> None:
    """With a sign that it was."""
    assert table(ROWS, COLUMNS, width=20) == [
        "ID       WHY",
        "a        because it…",
        "long-id  -",
    ]


def test_columns_that_yield_are_cut_before_others() -> None:
    """An id or a time is of no use without its end; below what can be read nothing is cut."""
    rows = [{"id": "0123456789abcdef", "why": "because it is"}]
    columns = (Column("ID", "id"), Column("WHY", "why", yields=True))

    assert table(rows, columns, width=28)[1] == "0123456789abcdef  because i…"
    assert table(rows, columns, width=22)[1] == "0123456789a…  because…"
    assert table(rows, columns, width=5)[1] == "0123456…  because…"


def test_states_have_colours_and_other_words_none() -> None:
    """The blanks behind them are of no colour."""
    told = table([{"id": "synced"}, {"id": "my-synced"}], (Column("ID", "id"),), color=True)

    assert told == ["\x1b[1mID       \x1b[0m", "\x1b[32msynced   \x1b[0m", "my-synced"]


CELLS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=40)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5), st.integers(40, 90))
def test_no_line_is_wider_than_the_terminal(cells: list[tuple[str, str, str]], width: int) -> None:
    """Whatever the cells hold: wide letters, accents by themselves, what is not printable."""
    columns = [Column(str(number), str(number)) for number in range(3)]
    rows = [{str(number): cell for number, cell in enumerate(row)} for row in cells]

    told = table(rows, columns, width=width)

    assert max(map(columns_of, told)) <= width
    assert all(one.isprintable() for one in told)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "-"),
        ("", "-"),
        ([], "-"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        ("2026-01-31T12:00:00.123456Z", "2026-01-31 12:00:00Z"),
        ("2026-01-31", "2026-01-31"),
        (["a", "b"], "a, b"),
        ({"region": "eu", "ring": "canary"}, "region=eu, ring=canary"),
        ({"a": {"b": "x  y"}}, '{"a": {"b": "x  y"}}'),
    ],
)
def test_values_are_told_in_words(value: object, told: str) -> None:
    """Nothing is a dash, so that a column has no hole."""
    assert text(value) == told


def test_counts_of_nothing_are_left_out() -> None:
    """Of files by outcome."""
    assert pairs({"synced": 3, "missing": 0, "quarantined": 1}) == "3 synced, 1 quarantined"


@pytest.mark.parametrize(
    ("name", "value", "colored"),
    [("X", "1", True), ("NO_COLOR", "1", False), ("NO_COLOR", "", True), ("TERM", "dumb", False)],
)
def test_colours_are_for_terminals_that_want_them(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, colored: bool
) -> None:
    """As no-color.org has it; a file gets none."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(name, value)

    assert (is_colored(Terminal()), is_colored(io.StringIO())) == (colored, False)
