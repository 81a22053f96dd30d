"""Reading RE2's syntax, loosening counts, and the beginnings of patterns."""

from __future__ import annotations

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from kt.policy.decision.matching.loosened import loosen, without_least
from kt.policy.decision.matching.syntax import parse, render, widest
from kt.policy.decision.matching.unfinished import beginnings_of, finished_of

LOOSENED = {
    "a{36}": "a+",
    "a{5,}": "a+",
    "a{0,9}": "a*",
    "a{2,4}": "a{2,4}",
    "a{4}b{5}": "a{4}b+",
    "(?:x[y{9}]{9}){9}": "(?:x[y{9}]+)+",
    "(?P<n>a{9})": "(?P<n>a+)",
    "(?i)a{9}?": "(?i)a+?",
    r"\{9}": r"\{9}",
    r"\Qa{9}\E": r"\x{61}\x{7b}\x{39}\x{7d}",
    "[]{9}]{9}": "[]{9}]+",
    "[[:alpha:]]{9}": "[[:alpha:]]+",
    r"\x{10FFFF}{9}|\pN{9}|\p{Greek}{9}": r"\x{10FFFF}+|\pN+|\p{Greek}+",
    "a{,9}b{x}": "a{,9}b{x}",
    r"^\bx{9}\B$": r"^\bx+\B$",
    r"\101{9}": r"\101+",
    r"a[\s\x{85}]+b": r"a[\s\x{85}]+b",
    r"a\\x{85}": r"a\\x+",
    r"\x{85}\\\x{85}": r"\x{85}\\\x{85}",
}


@pytest.mark.parametrize(("pattern", "loose"), LOOSENED.items())
def test_counts_above_four_are_loosened(pattern: str, loose: str) -> None:
    """Only true counts change, whatever else looks like one."""
    assert loosen(pattern) == loose


ATOMS = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", "(?:ab|c)", "(a|b)", "^", "$"]
)
COUNTS = st.sampled_from(["", "", "*", "+", "?", "{5}", "{2,6}", "{6,}", "*?", "{7}?"])
PATTERNS = st.lists(st.tuples(ATOMS, COUNTS), min_size=1, max_size=5).map(
    lambda items: "".join(a if a in "^$" else a + count for a, count in items)
)
TEXTS = st.text("abc1 ", max_size=24)


@settings(max_examples=300, deadline=None)
@given(PATTERNS, TEXTS)
def test_a_loosened_pattern_matches_wherever_the_exact_one_does(pattern: str, text: str) -> None:
    """The first stage never hides what the second would find."""
    if re2.search(pattern, text):
        assert re2.search(loosen(pattern), text)


@pytest.mark.parametrize(
    ("pattern", "width"),
    [
        ("abc", 3),
        ("a{2,5}|b?", 5),
        ("(?i)(?:ab|c{3})[^x]{4}$", 7),
        ("a*", None),
        ("(?:a|b+)c", None),
        ("x{3,}", None),
        (r"^\b$", 0),
    ],
)
def test_the_longest_match_is_known(pattern: str, width: int | None) -> None:
    """None where there is none."""
    assert widest(parse(pattern)) == width


@settings(max_examples=100, deadline=None)
@given(PATTERNS, TEXTS)
def test_without_minimums_a_pattern_matches_as_much_and_nothing_longer(
    pattern: str, text: str
) -> None:
    """Streams wait by it."""
    width = widest(parse(pattern))
    found, low = re2.search(pattern, text), re2.search(without_least(pattern), text)
    assert not found or low
    assert width is None or not found or len(found[0]) <= width
    assert widest(parse(without_least(pattern))) == width


@settings(max_examples=300, deadline=None)
@given(PATTERNS, TEXTS)
def test_a_pattern_written_back_means_the_same(pattern: str, text: str) -> None:
    """Reading and writing loses nothing."""
    found, again = re2.search(pattern, text), re2.search(render(parse(pattern)), text)
    assert (found and found.span()) == (again and again.span())


@settings(max_examples=300, deadline=None)
@given(PATTERNS, TEXTS)
def test_a_text_cut_within_a_match_waits_from_before_it(pattern: str, text: str) -> None:
    """Wherever a text is cut, what was let go is no part of a match that was still to come."""
    found = re2.search(loosen(pattern), text)
    if found is None or "^" in pattern or "$" in pattern:
        return
    for cut in range(found.start(), found.end() + 1):
        assert beginnings_of((loosen(pattern),)).start(text[:cut]) <= found.start()
    for behind in range(25):
        assert finished_of(loosen(pattern)).start(text[: found.end()] + "." * behind) <= (
            found.start()
        )
