"""Scores of the decision core on the labelled corpus, which must not fall."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest

from kt.policy.decision import Request, decide
from tests.kt.policy.builders import compiled
from tests.kt.policy.corpus import CORPUS, Score, benign_hits, cases, detect, requests, score

# One of sixty cards has a number that no issuer's range holds: faker gives Maestro `0604`.
RECALL = {"CARD": 0.98}


@pytest.fixture(scope="module", params=["independent.jsonl", "written_texts.jsonl"])
def scores(request: pytest.FixtureRequest) -> dict[str, Score]:
    """The score of each label on a half."""
    return score(detect, cases(request.param))[0]


def test_the_independent_half_is_as_it_was_frozen() -> None:
    """Nobody fitted the cases to the patterns."""
    digest = hashlib.sha256((CORPUS / "independent.jsonl").read_bytes()).hexdigest()
    assert digest == (CORPUS / "independent.sha256").read_text().split()[0]


def test_what_is_there_is_found(scores: dict[str, Score]) -> None:
    """Recall by label."""
    low = {label: one.recall for label, one in scores.items() if one.recall < RECALL.get(label, 1)}
    assert low == {}


def test_what_is_found_is_there(scores: dict[str, Score]) -> None:
    """Precision by label."""
    assert {label: one.precision for label, one in scores.items() if one.precision < 1} == {}


@pytest.mark.parametrize("half", ["independent.jsonl", "written_texts.jsonl"])
def test_nothing_is_found_in_benign_text(half: str) -> None:
    """Orders, versions, hashes, medical and legal prose, and prose of other languages."""
    assert benign_hits(detect, cases(half)) == Counter()


def test_attacks_are_blocked_and_benign_requests_pass() -> None:
    """Injections in every disguise and harmful requests, beside what only sounds like them."""
    wrong = [
        row["id"]
        for row in requests()
        if (decide(compiled(row["policy"], row["block"]), Request(row["body"])).verdict != "allow")
        != row["attack"]
    ]
    assert wrong == []
