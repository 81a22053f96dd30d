"""Suggestions for misspelt words."""

from __future__ import annotations

import pytest

from kt.policy.language import KINDS
from kt.policy.suggest import did_you_mean, nearest

FIELDS = ("action", "blocked_terms", "fuzzy_matching", "id")


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("prompt-injections", KINDS, "prompt-injection"),
        ("prompt_injection", KINDS, "prompt-injection"),
        ("PII-Detector", KINDS, "pii-detector"),
        ("piidetector", KINDS, "pii-detector"),
        ("rabc", KINDS, "rbac"),
        ("acton", FIELDS, "action"),
        ("atcion", FIELDS, "action"),
        ("blockedTerms", FIELDS, "blocked_terms"),
        ("ID", FIELDS, "id"),
        ("quality-scorer", KINDS, None),
        ("xyz", FIELDS, None),
        ("", FIELDS, None),
        ("a" * 65, FIELDS, None),
        ("action", (), None),
    ],
)
def test_the_nearest_word_is_found(word: str, known: tuple[str, ...], expected: str | None) -> None:
    """A third of the letters may differ, and no more."""
    assert expected == nearest(word, known)


def test_the_first_of_equally_near_words_is_taken() -> None:
    """The order of the language's tables decides, so that the answer is always the same."""
    assert nearest("bat", ("cat", "hat")) == "cat"


def test_a_word_unlike_all_gets_the_other_advice() -> None:
    """A list of what is possible helps more than a far-fetched guess."""
    assert did_you_mean("zzzzzz", FIELDS, otherwise="possible: …") == "possible: …"
