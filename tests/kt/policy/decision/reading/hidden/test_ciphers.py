"""Wordings that hide phrases: leetspeak, read word by word."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from kt.policy.decision.reading.hidden.ciphers import leet

TABLE = str.maketrans("0134578$@!", "oieastbsai")
NEAR = "w0rds l1ke "
WORDS = re.compile(r"[A-Za-z0134578$@!]+")


def word_by_word(text: str) -> str:
    """Each word translated but for the marks at its end, which end a sentence."""

    def read(word: re.Match[str]) -> str:
        letters = word[0].rstrip("!")
        return letters.translate(TABLE).ljust(len(word[0]), "!")

    return WORDS.sub(read, text)


@given(st.text("aetxZ017$@!29 .,_-\n\u00e9\u0456\u0661", max_size=60))
def test_leetspeak_is_read_as_it_is_word_by_word(text: str) -> None:
    """Also where marks stand within words, at their end, and alone."""
    written = f"{NEAR}{text} {NEAR}"

    (made,) = leet(TABLE)(written)

    assert made.text == word_by_word(written[made.start : made.end])
    assert made.aligned
