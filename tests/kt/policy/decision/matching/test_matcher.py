# ruff: noqa: RUF001 - disguises are what is tested.
"""The matcher: both stages find what exact patterns find; terms and near terms."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from kt.policy.decision.matching.custom import pattern_rules
from kt.policy.decision.matching.fuzzy import compile_fuzzy
from kt.policy.decision.matching.matcher import compile_rules
from kt.policy.decision.matching.patterns import PatternRule, Spans, accept
from kt.policy.decision.matching.phrases import phrase_rules
from kt.policy.decision.matching.terms import whole_words
from kt.policy.decision.matching.termset import compile_terms
from kt.policy.decision.reading.passages import Passage, Stretch
from kt.policy.decision.reading.reading import Reading
from kt.policy.decision.reading.views import View, read


def reading(text: str) -> Reading:
    """A text as one part."""
    return Reading(Passage(text, (Stretch(0, 0),)))


def spans(found: Iterable[object]) -> set[tuple[int, int]]:
    """Where hits are."""
    places = [hit.places[0] for hit in found]  # type: ignore[attr-defined]
    return {(place.start, place.end) for place in places}


PATTERNS = ["[a-f]{5,9}", r"AKIA[A-Z]{6}", r"\d{3}-\d{2}", "x.*y{5}", "(?i)tok_[0-9a-f]{8}"]
PIECES = st.sampled_from(
    ["abcdef", "AKIA", "XYZXYZ", "123-45", "x", "yyyyy", "TOK_", "0f", " ", "\n"]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join))
def test_two_stages_find_what_the_exact_patterns_find(text: str) -> None:
    """Detection by loosened sets loses nothing and adds nothing."""
    rules = [PatternRule(pattern, "x", pattern, (View.RAW,)) for pattern in PATTERNS]
    exact = {match.span() for pattern in PATTERNS for match in re2.finditer(pattern, text)}
    assert spans(compile_rules(rules).scan(reading(text))) == exact


def test_a_pattern_too_large_for_a_set_is_still_looked_for() -> None:
    """It is tried by itself instead of overflowing the set's memory."""
    large = "(?:" + "|".join(rf"\pL{{4}}{n}" for n in range(400)) + ")!"
    matcher = compile_rules(pattern_rules([large], field="f", label="x"))
    assert spans(matcher.scan(reading("say abcd399!"))) == {(4, 12)}


def test_a_pattern_that_looks_far_ahead_gives_up_by_cutting_all_the_rest() -> None:
    """Time stays bounded, and what was not looked at counts as found."""
    matcher = compile_rules(pattern_rules(["a.*z|a"], field="f", label="x"))
    found = spans(matcher.scan(reading("a" * 40_000)))
    assert max(end - start for start, end in found) > 10_000


def test_an_empty_match_is_no_hit() -> None:
    """A pattern that may match nothing finds only something."""
    matcher = compile_rules(pattern_rules(["a*"], field="f", label="x"))
    assert spans(matcher.scan(reading("baab"))) == {(1, 3)}


def test_a_candidate_with_the_same_around_it_is_looked_at_once() -> None:
    """In all views and readings of a decision; with another sign near it, again."""
    looked_at: list[str] = []

    def check(text: str, start: int, end: int) -> Spans:
        looked_at.append(text[max(0, start - 1) : end + 2])
        return ((start + 1, end),) if text[start - 1 : start] != "x" else ()

    rule = PatternRule("n", "x", r"\d{2}", (View.RAW, View.PLAIN), check, around=(1, 2))
    matcher = compile_rules([rule])
    text = " 12 é, 12 é, x12 é, 12 e\u0430"
    written = reading(text)
    found = [spans(matcher.scan(written)), spans(matcher.scan(written.derive(text, Whole())))]
    assert looked_at == [" 12 é", "x12 é", " 12 e"]
    assert found == [{(2, 3), (8, 9), (21, 22)}] * 2


class Whole:
    """The way from a text to the same text."""

    is_whole_to_end = True

    def back(self, start: int, end: int) -> tuple[int, int]:
        """The same span."""
        return start, end

    def position(self, at: int) -> int:
        """The same place."""
        return at


def test_what_a_decision_remembers_is_bounded() -> None:
    """More candidates, and longer ones, are found as well."""
    rule = PatternRule("n", "x", r"\d+", (View.RAW,), accept, around=(1, 1))
    text = " ".join(map(str, range(10_000, 15_000))) + " " + "7" * 300
    written = reading(text)
    assert len(spans(compile_rules([rule]).scan(written))) == 5_001
    assert len(written.judged) == 4_096
    again = reading("7" * 300)
    assert len(spans(compile_rules([rule]).scan(again))) == 1
    assert not again.judged


WORDS = [
    "ignore",
    "all",
    "any",
    "previous",
    "rules",
    "act",
    "as",
    "an",
    "evil",
    "ai",
    "x",
    "ж",
    "é",
]
BETWEEN = [
    " ",
    "  ",
    "-",
    "_",
    "\u2014",
    "\u3002",
    "?",
    "!",
    ", ",
    "\n",
    "\u00a0",
    "\u0301",
    "*",
    ".",
]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(WORDS), max_size=12),
    st.lists(st.sampled_from(BETWEEN), min_size=12, max_size=12),
)
def test_the_outline_of_a_text_hides_no_phrase(words: list[str], between: list[str]) -> None:
    """The first look takes whatever the words themselves have, in any alphabet."""
    text = "".join(f"{word}{sign}" for word, sign in zip(words, between, strict=False))
    patterns = ["(?:ignore|act~as)~(?:an?~)?(?:[^ ]+~){0,2}(?:rules|ai)", "evil~ai"]
    views = (View.FOLDED_WORDS, View.SKELETON_WORDS)
    rules = phrase_rules(patterns, name="p", label="x", views=views, excuses=lambda _: no_excuse)
    found = {hit.rule.name for hit in compile_rules(rules).scan(reading(text))}
    exact = {
        f"p.{number}"
        for number, pattern in enumerate(patterns, start=1)
        for view in views
        for match in re2.finditer(rf"\b(?:{pattern.replace('~', ' ')})\b", read(text, view))
        if list(whole_words(read(text, view), *match.span()))
    }
    assert found == exact


def no_excuse(_start: int, _end: int) -> None:
    """Nothing takes the sense of anything away."""


TERMS = [
    ("falcon", "the FALCON flies", True),
    ("falcon", "falconry", False),
    ("falcon", "falcon_x", False),
    ("Project Falcon", "project \n\t falcon", True),
    ("Project Falcon", "project\u2003falcon", True),
    ("Project Falcon", "project-falcon", False),
    ("falcon", "fаlсоn", True),
    ("falcon", "f\u200balcon", True),
    ("executive", "the alternative executive's", True),
    ("alter", "alternative", False),
    ("вода", "ВОДА", True),
    ("вода", "водавода", False),
    ("ΝΕΡΟ", "το νερό νερο", True),
    ("straße", "STRASSE", True),
    ("c++", "I like C++.", True),
    ("c++", "I like C.", False),
    ("日本", "日本 です", True),
    ("日本", "日本です", True),
    ("机密项目", "这是机密项目的资料", True),
    ("falcon", "项目falcon的", True),
    ("falcon", "项目falcon2的", False),
    ("falcon", "с falconом", True),
    ("falcon", "الfalcon", True),
    ("post", "postée", False),
    ("вода", "водаの", True),
    ("café", "cafe\u0301", True),
]


@pytest.mark.parametrize(("term", "text", "found"), TERMS)
def test_a_term_matches_in_any_case_on_word_boundaries(term: str, text: str, found: bool) -> None:
    """In any script, however it is spaced and disguised."""
    terms = compile_terms([term], field="f", label="x")
    assert bool(spans(terms.scan(reading(text)))) is found


NEAR = [
    ("falcon", 1, "falkon", True),
    ("falcon", 1, "falcn", True),
    ("falcon", 1, "fallcon", True),
    ("falcon", 1, "flkon", False),
    ("falcon", 0, "falkon", False),
    ("falcon", 8, "fakxn", False),
    ("project falcon", 2, "the projct falkon now", True),
    ("project falcon", 1, "projectfalcon", True),
    ("project falcon", 1, "pro ject falcon", True),
    ("cat", 8, "bat", False),
    ("falcon", 1, "项目falkon的", True),
    ("falcon", 1, "項目はfalkonです", True),
    ("bomb", 1, "bomv", True),
    ("wire transfer", 3, "wite tranfser", True),
]


@pytest.mark.parametrize(("term", "distance", "text", "found"), NEAR)
def test_a_near_term_allows_as_many_letters_as_it_may(
    term: str, distance: int, text: str, found: bool
) -> None:
    """One for each four letters at most, whatever the policy allows."""
    rule = PatternRule("f[0]", "x", term, (View.SKELETON,))
    near = compile_fuzzy([(term, rule)], distance)
    assert bool(spans(near.scan(reading(text)))) is found


def test_a_near_term_leads_back_to_the_text_as_it_was_written() -> None:
    """White space that was flattened is part of what is cut."""
    terms = compile_terms(["project falcon"], field="f", label="x", distance=2)
    text = "see  pr\u200bojct \n\n falkon, please"
    assert spans(terms.scan(reading(text))) == {(5, text.index(","))}


def distance(left: str, right: str) -> int:
    """Levenshtein's distance, by the book."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            before, row[j] = row[j], min(before + (a != b), row[j] + 1, row[j - 1] + 1)
    return row[-1]


@settings(max_examples=300, deadline=None)
@given(st.text("abc", min_size=8, max_size=12), st.text("abcx", min_size=1, max_size=14))
def test_a_word_is_near_exactly_when_its_distance_is_small(term: str, word: str) -> None:
    """The pieces that are looked for first hide no match."""
    near = compile_fuzzy([(term, PatternRule("f", "x", term, (View.SKELETON,)))], 2)
    assert bool(spans(near.scan(reading(f"{word}")))) is (distance(term, word) <= 2)


@pytest.mark.parametrize("part", [(0, 0), (4, 4), (3, 3), (5, 9)])
def test_an_empty_part_excuses_nothing(part: tuple[int, int]) -> None:
    """The match stands; the same stretch is not searched again."""
    rule = PatternRule("bomb", "harm", "bomb", (View.RAW,), excuses=lambda _: lambda *_: part)
    hits = compile_rules([rule]).scan(reading("bomb"))
    assert [(place.start, place.end) for hit in hits for place in hit.places] == [(0, 4)]
