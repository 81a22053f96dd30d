"""Texts of servers before a terminal sees them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kt.cli.client.output import text
from kt.cli.client.printable import as_json, line, lines

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("plain", "plain"),
        ("Grüße 日本", "Grüße 日本"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b2J", "\\x9b2J"),
        ("a\u202eb", "a\\u202eb"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_steers_a_terminal_is_escaped(given: str, told: str) -> None:
    """In the manner of the API."""
    assert line(given) == told


def test_lines_keep_their_breaks() -> None:
    """Of texts that are shown as such."""
    assert lines("a\n\tb\x1b\n") == "a\n\tb\\x1b\n"


@given(VALUES)
def test_json_is_the_same_value_and_printable(value: object) -> None:
    """Whoever reads it gets what the server said."""
    told = as_json(value)

    assert json.loads(told) == value
    assert all(char.isprintable() or char == "\n" for char in told)


@given(VALUES)
def test_a_value_of_an_answer_is_a_printable_line(value: object) -> None:
    """Whatever a server puts there."""
    assert text(value).isprintable()
