# ruff: noqa: RUF001 - disguises are what is tested.
"""Normalised text, and the exact way back to the original."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kt.policy.decision.reading.lookalikes import ALIKE, IGNORED
from kt.policy.decision.reading.passages import Passage, Stretch
from kt.policy.decision.reading.reading import Reading
from kt.policy.decision.reading.views import WORDS_OF, View, origins, read

CHARACTERS = st.one_of(
    st.characters(),
    st.characters(categories=["Mn", "Mc", "Cf", "Lm"]),
    st.sampled_from("가ㄱ각e\u0301\u0323か゛ﾞ\u3099ﬁ℡½\u200b\u00ad\u034fİßΐаеο"),
)
BASE_VIEWS = [view for view in View if view not in WORDS_OF.values()]


@settings(max_examples=400, deadline=None)
@given(st.text(CHARACTERS), st.sampled_from(list(View)))
def test_every_character_of_a_view_has_an_origin(text: str, view: View) -> None:
    """The map is as long as the view, in order, and within the text."""
    spans = origins(text, view)
    shown = read(text, view)
    if spans is None:
        assert len(shown) == len(text)
        return
    assert len(spans) == len(shown)
    assert all(0 <= start <= end <= len(text) for start, end in spans)
    assert spans == sorted(spans)


@settings(max_examples=400, deadline=None)
@given(st.text(CHARACTERS), st.sampled_from(BASE_VIEWS))
def test_what_a_character_came_from_reads_as_it(text: str, view: View) -> None:
    """Reading each origin by itself gives the view again: nothing is cut one too short."""
    spans = origins(text, view)
    if spans:
        pieces = [read(text[start:end], view) for start, end in sorted(set(spans))]
        assert "".join(pieces) == read(text, view)


@settings(max_examples=200, deadline=None)
@given(st.text(CHARACTERS))
def test_views_that_share_their_way_back_have_their_own(text: str) -> None:
    """What a reading takes over from the view before is what the view itself would have."""
    reading = Reading(Passage(text, (Stretch(0, 0),)))
    for view in BASE_VIEWS:
        shown = reading.show(view)
        assert shown.text == read(text, view).encode("utf-8", "replace").decode()
        spans = [shown.origin(at, at + 1) for at in range(len(shown.text))]
        assert spans == sorted(spans)
        pieces = [read(text[start:end], view) for start, end in sorted(set(spans))]
        assert "".join(pieces) == read(text, view)


@settings(max_examples=300, deadline=None)
@given(st.text(CHARACTERS), st.sampled_from([*WORDS_OF.items()]))
def test_words_lead_back_to_those_of_their_view(text: str, views: tuple[View, View]) -> None:
    """Each letter to where it stands there; a blank to all that stood between two words."""
    of, view = views
    reading = Reading(Passage(text, (Stretch(0, 0),)))
    shown, words = reading.show(of), reading.show(view)
    whole = [shown.origin(at, at + 1) for at in range(len(shown.text))]
    spans: list[tuple[int, int]] = []
    for word in re.finditer(r"[^\W_]+", shown.text):
        if spans:
            spans.append(tuple(sorted((spans[-1][1], whole[word.start()][0]))))
        spans += whole[word.start() : word.end()]
    assert [words.origin(at, at + 1) for at in range(len(words.text))] == spans
    assert all(
        words.from_source(place, 0, len(spans))
        == next((at for at, (start, _) in enumerate(spans) if start >= place), len(spans))
        for place in range(len(text) + 1)
    )


@pytest.mark.parametrize(
    "disguise",
    [
        "ｉｇｎｏｒｅ",
        "i\u200bg\u2060n\u00ado\ufeffre",
        "іgnоrе",
        "𝐢𝐠𝐧𝐨𝐫𝐞",
        "ⓘⓖⓝⓞⓡⓔ",
        "IGNORE",
        "ɪɢɴᴏʀᴇ",
        "i\u0336g\u0336n\u0336o\u0336r\u0336e\u0336",
        "\u202eignore\u202c",
    ],
)
def test_a_disguise_reads_as_the_word(disguise: str) -> None:
    """Width, case, look-alikes, marks and what shows nothing make no difference."""
    assert read(disguise, View.SKELETON) == "ignore"


def test_a_span_of_a_view_leads_to_the_right_characters() -> None:
    """A ligature and zero-width characters shift all that follows."""
    text = "oﬃce \u200bj\u200bane"
    spans = origins(text, View.FOLDED) or []
    at = read(text, View.FOLDED).index("jane")
    assert (spans[at][0], spans[at + 3][1]) == (text.index("j"), len(text))


def test_every_decimal_digit_reads_as_ascii() -> None:
    """The table covers all that this Python's Unicode calls a decimal digit."""
    digits = [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) == "Nd"]
    assert [read(digit, View.PLAIN) for digit in digits] == [
        str(unicodedata.decimal(digit)) for digit in digits
    ]


def test_look_alikes_read_as_ascii() -> None:
    """No look-alike leads to another one."""
    read_as = [to for to in ALIKE.values() if isinstance(to, str)]
    assert all(to.isascii() for to in read_as)


def test_ascii_reads_as_itself() -> None:
    """Neither table touches what needs no table."""
    plain = {point: point for point in range(128)}
    assert all(table[point] == point for table in (ALIKE, IGNORED) for point in plain)


@pytest.mark.parametrize("marks", ["\u0301\u0323", "ﾞ\u0323"])
def test_crowded_marks_are_cut_into_pieces(marks: str) -> None:
    """A hundred thousand marks on one letter, which a plain NFKC sorts for minutes."""
    text = "a" + marks * 50_000
    assert len(origins(text, View.FOLDED) or []) == len(read(text, View.FOLDED))


def test_a_lone_surrogate_reads_as_itself() -> None:
    """JSON can carry half a character; no view fails on it."""
    assert [read("\ud800x", view)[-1] for view in View] == ["x"] * len(View)


def test_words_stand_alone() -> None:
    """Of what is between words one space is left."""
    assert read("  Ignore, all—the \t RULES!", View.FOLDED_WORDS) == "ignore all the rules"
