"""Pieces of long texts, and the scores that are remembered of them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kt.gateway.upstream.models.backend import Labelled
from kt.gateway.upstream.models.pieces import LONGEST, Remembered, piece_key, pieces

ONE = Labelled({"a": 0.5}, 0.5)


@given(st.integers(1, 5 * LONGEST))
@settings(max_examples=60, deadline=None)
def test_pieces_cover_a_text_and_overlap(length: int) -> None:
    """Every 500 characters of it stand whole in one piece."""
    text = "".join(chr(0x100 + at % 50_000) for at in range(length))
    found = pieces(text)

    assert all(len(one) <= LONGEST for one in found)
    assert found[0] == text[:LONGEST]
    assert found[-1] == text[-len(found[-1]) :]
    for before, after in pairwise(found):
        assert before[-500:] == after[:500]
    assert "".join([found[0], *(one[500:] for one in found[1:])]) == text


@pytest.mark.parametrize(("length", "count"), [(1, 1), (10_000, 1), (10_001, 2), (19_500, 2)])
def test_a_text_has_as_many_pieces_as_it_needs(length: int, count: int) -> None:
    """None is only what the one before already has."""
    assert len(pieces("a" * length)) == count


def test_scores_are_remembered_for_an_hour_and_ten_thousand_pieces() -> None:
    """The oldest goes first; what is asked for stays."""
    kept = Remembered()
    for number in range(10_001):
        kept.keep(piece_key("m", str(number)), ONE, 0.0)
        kept.find(piece_key("m", "0"), 0.0)

    assert len(kept) == 10_000
    assert kept.find(piece_key("m", "1"), 0.0) is None
    assert kept.find(piece_key("m", "0"), 3600.0) == ONE
    assert kept.find(piece_key("m", "0"), 3601.0) is None


def test_a_key_is_of_a_model_and_a_text() -> None:
    """Half of a surrogate pair is a text too, and no text stands in the key."""
    keys = {piece_key(model, text) for model in ("a", "b") for text in ("x", "y", "\ud800")}
    assert len(keys) == 6
    assert {len(key) for key in keys} == {32}
