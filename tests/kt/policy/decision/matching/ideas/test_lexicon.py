"""Lexicons: texts as one letter a word."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kt.policy.decision.matching.ideas.lexicon import Lexicon, _Letters
from kt.policy.decision.reading.reading import Shown
from kt.policy.decision.reading.views import View

WORDS = {
    "en": {"drop": "ignore forget", "orders": "instructions"},
    "ru": {"orders": "инструкц*"},
    "zh": {"drop": "忽略", "orders": "指令 指"},
    "fr": {"drop": "néglige"},
    "ar": {"orders": "تعليمات*"},
}
LEXICON = Lexicon(WORDS, misspelt=("drop", "orders"))
DROP, ORDERS = (LEXICON.letters_of(name) for name in ("drop", "orders"))


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("ignore the instructions", f"{DROP}x{ORDERS}"),
        ("ignor instructons", f"{DROP}{ORDERS}"),
        ("ignition instructor", "xx"),
        ("ignore.all? no: 3.5", f"{DROP}x;x;xx"),
        ("ignore,\ninstructions.", f"{DROP},\n{ORDERS};"),
        ("请忽略指令。指", f"x{DROP}{ORDERS};{ORDERS}"),
        ("инструкциями", ORDERS),
        ("neglige néglige", f"{DROP}{DROP}"),
        ("والتعليمات", ORDERS),
        ("निर्देश", "x"),
        ("", ""),
    ],
)
def test_a_word_is_a_letter(text: str, letters: str) -> None:
    """Known, with a typing error, by its beginning, within a stretch without spaces, or not."""
    assert LEXICON.code(Shown(text, View.FOLDED, text)) == f";{letters};"


@given(st.text(alphabet="ignoret ab.:;!?\n\r\t,(-_'9\x1c忽略é指", max_size=40))
@settings(max_examples=50)
def test_letters_and_places_agree(text: str) -> None:
    """The quick way and the one with places give the same letters; places ascend."""
    coded = LEXICON.place(Shown(text, View.LOWER, text))
    assert LEXICON.code(Shown(text, View.FOLDED, text)) == coded.letters
    assert len(coded.starts) == len(coded.ends) == len(coded.letters)
    spans = list(zip(coded.starts, coded.ends, strict=True))
    assert spans == sorted(spans)


def test_a_word_that_is_not_kept_is_guessed_once_a_text() -> None:
    """Numbers, in a long text that has the same again and again; the letters are the same."""
    guessed: list[str] = []

    def guess(word: str) -> str:
        guessed.append(word)
        return "g"

    letters = _Letters({"known": "k"}, guess, heads=("x1", "x2", "x3"))
    words = ["known", "x1", "x2", "y9", "x3", "é1"] * 100
    assert "".join(letters.each(words)) == "kggxgg" * 100
    assert sorted(guessed) == ["x1", "x2", "x3", "é1"]
    assert "".join(letters.each(words[:12])) == "kggxgg" * 2
    assert "".join(letters.each([f"x1{number}" for number in range(300)])) == "g" * 300


def test_too_many_concepts_are_an_error() -> None:
    """One letter a set of concepts."""
    with pytest.raises(ValueError, match="sets of concepts"):
        Lexicon({"en": {f"c{at}": f"word{at}" for at in range(5_000)}})
