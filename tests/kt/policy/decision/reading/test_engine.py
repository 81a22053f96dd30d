"""Searches without match objects, and what is kept for who compiles a policy again and again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kt.policy.decision.reading.engine import (
    NOWHERE,
    compiled,
    every_match,
    first_match,
    keeping,
    kept,
)

PATTERN = compiled(r"([a-b]+)(\d)?|\pL{2}")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab1 ж你é\U0001d400", max_size=30))
def test_matches_are_those_of_the_wrapper(text: str) -> None:
    """Their spans, in bytes with all groups, and in characters."""
    data, search = text.encode(), first_match(PATTERN)
    match = PATTERN.search(data, 1)
    spans = search(data, 1, len(data)) if data else [(NOWHERE, NOWHERE)]
    groups = [match.span(group) for group in range(3)] if match else [(NOWHERE, NOWHERE)] * 3
    assert list(spans)[: len(groups)] == groups[: len(spans)]
    assert list(every_match(search, text)) == [one.span() for one in PATTERN.finditer(text)]


def test_half_a_character_is_no_text_to_search() -> None:
    """Whoever searches has put another sign in its place."""
    with pytest.raises(UnicodeEncodeError):
        list(every_match(first_match(PATTERN), "a\ud800"))


def test_within_a_block_a_pattern_is_compiled_once() -> None:
    """And elsewhere, or after it, nothing is kept."""
    made: list[int] = []

    def make() -> int:
        made.append(0)
        return len(made)

    assert [kept("a", make), kept("a", make)] == [1, 2]
    with keeping():
        assert [kept("a", make), kept("a", make), kept("b", make)] == [3, 3, 4]
        assert compiled("once in a block") is compiled("once in a block")
        with keeping():
            assert kept("a", make) == 5
        assert kept("a", make) == 3
    assert kept("a", make) == 6
