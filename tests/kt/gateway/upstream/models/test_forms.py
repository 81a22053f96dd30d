"""The forms in which endpoints moderate: scores of good answers, and none of all others."""

from __future__ import annotations

from typing import Any

import pytest

from kt.gateway.upstream.models.backend import Labelled, NoScoreError
from kt.gateway.upstream.models.forms import (
    azure_request,
    azure_scores,
    openai_request,
    openai_scores,
)


def result(**scores: Any) -> dict[str, Any]:
    """A result of OpenAI's form."""
    return {"flagged": False, "categories": {}, "category_scores": scores}


def test_openai_scores_each_text_by_category() -> None:
    """The highest counts by itself; `flagged` is a label too."""
    body = {"results": [result(hate=0.25, violence=0.5), result(hate=1) | {"flagged": True}]}
    first, second = openai_scores(body, 2)

    assert first == Labelled({"hate": 0.25, "violence": 0.5, "flagged": 0.0}, 0.5)
    assert second == Labelled({"hate": 1.0, "flagged": 1.0}, 1.0)
    assert openai_request(["a", "b"]) == {"input": ["a", "b"]}


def test_a_category_that_is_called_flagged_is_a_category() -> None:
    """What an endpoint scores is what it says."""
    (one,) = openai_scores({"results": [result(flagged=0.4)]}, 1)
    assert one == Labelled({"flagged": 0.4}, 0.4)


@pytest.mark.parametrize(
    "body",
    [
        None, [], "x", {}, {"results": None}, {"results": []}, {"results": {}},
        {"results": [result(a=0.1), result(a=0.1)]}, {"results": [None]}, {"results": [{}]},
        {"results": [result()]}, {"results": [result(a="0.5")]}, {"results": [result(a=True)]},
        {"results": [result(a=None)]}, {"results": [result(a=1.01)]}, {"results": [result(a=-0.1)]},
        {"results": [result(a=float("nan"))]}, {"results": [result(a=float("inf"))]},
        {"results": [{"category_scores": [0.5]}]},
        {"results": [result(**{f"c{n}": 0.1 for n in range(201)})]},
        {"error": {"message": "no"}},
    ],
)  # fmt: skip
def test_what_openai_does_not_say_is_no_score(body: Any) -> None:
    """No number is made up."""
    with pytest.raises(NoScoreError):
        openai_scores(body, 1)


def test_azure_scores_a_text_by_severity() -> None:
    """Seven is the worst of eight steps."""
    body = {
        "blocklistsMatch": [],
        "categoriesAnalysis": [
            {"category": "Hate", "severity": 0},
            {"category": "Violence", "severity": 7},
        ],
    }
    assert azure_scores(body) == Labelled({"Hate": 0.0, "Violence": 1.0}, 1.0)
    assert azure_request("a") == {"text": "a", "outputType": "EightSeverityLevels"}


@pytest.mark.parametrize(
    "body",
    [
        None, {}, {"categoriesAnalysis": []}, {"categoriesAnalysis": [1]},
        {"categoriesAnalysis": {}}, {"categoriesAnalysis": [{"category": "Hate"}]},
        {"categoriesAnalysis": [{"category": "Hate", "severity": 8}]},
        {"categoriesAnalysis": [{"category": "Hate", "severity": "0"}]},
        {"categoriesAnalysis": [{"category": "Hate", "severity": None}]},
    ],
)  # fmt: skip
def test_what_azure_does_not_say_is_no_score(body: Any) -> None:
    """A severity that is not there is no mild one."""
    with pytest.raises(NoScoreError):
        azure_scores(body)


LABELLED = Labelled({"safe": 0.9, "bad": 0.1, "worse": 0.3}, None)


@pytest.mark.parametrize(
    ("labels", "score"), [(("bad",), 0.1), (("bad", "worse"), 0.3), (("safe",), 0.9)]
)
def test_the_highest_of_the_labels_counts(labels: tuple[str, ...], score: float) -> None:
    """Those that the policy names."""
    assert LABELLED.score(labels) == score


@pytest.mark.parametrize(
    ("labels", "reason"), [(("worst",), "no label 'worst'"), ((), "bad, safe, worse")]
)
def test_a_label_that_is_not_there_is_no_answer(labels: tuple[str, ...], reason: str) -> None:
    """A slip in a label's name must not let everything through."""
    with pytest.raises(NoScoreError, match=reason):
        LABELLED.score(labels)
