"""What stands next to a phrase: it excuses the phrase in its own clause, and nowhere else."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate, product

import pytest
from corpus import hit_ends, requests
from everyday import AFTER, BEFORE, ENDS

SAMPLES = 60
PLAIN = ("injection_plain", "injection_language", "harm_")


def caught() -> list[tuple[str, str, str]]:
    """The corpus' plain attacks: the kind that blocks each, its mode, and the text."""
    return [
        (row["policy"], row.get("mode", ""), row["body"]["messages"][0]["content"])
        for row in requests()
        if row["attack"] and row["kind"].startswith(PLAIN) and len(row["body"]["messages"]) == 1
    ]


def missed(kind: str, mode: str, texts: Sequence[str]) -> list[str]:
    """Of texts that are said as the paragraphs of one, those in which nothing is found."""
    block = {"mode": mode} if mode else {}
    found = hit_ends(kind, block, "\n\n".join(texts))
    ends = list(accumulate(len(text) + 2 for text in texts))
    hit = {bisect_left(ends, at) for at in found}
    return [text for at, text in enumerate(texts) if at not in hit]


def sample(texts: Iterable[str], seed: int) -> list[str]:
    """A part of the texts, another one for each seed."""
    every = list(texts)
    step = len(every) // SAMPLES + 1
    return every[seed % step :: step]


@pytest.mark.parametrize(("kind", "mode"), sorted({row[:2] for row in caught()}))
def test_no_sentence_before_switches_a_phrase_off(kind: str, mode: str) -> None:
    """Neither a refusal nor what looks like a phrase's first word."""
    for seed, (_, _, text) in enumerate(row for row in caught() if row[:2] == (kind, mode)):
        sentences = sample(map("".join, product(BEFORE, ENDS)), seed)
        assert missed(kind, mode, [one + text for one in sentences]) == []


@pytest.mark.parametrize("mode", sorted({row[1] for row in caught() if row[1]}))
def test_no_sentence_after_switches_a_phrase_off(mode: str) -> None:
    """Nothing of what makes a phrase harmless as its next word."""
    for seed, (kind, _, text) in enumerate(row for row in caught() if row[1] == mode):
        sentences = sample(map("".join, product(ENDS, AFTER)), seed)
        phrase = text.rstrip(".?!")
        assert missed(kind, mode, [phrase + one for one in sentences]) == []
