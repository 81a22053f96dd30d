"""The forms in which endpoints moderate: what is sent, and the scores in an answer. Pure.

OpenAI's takes several texts as `input` and answers `results`, each with `category_scores` and
`flagged`. Azure AI Content Safety's takes one `text` and answers `categoriesAnalysis`, each with a
`severity` from 0 to 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from kt.gateway.upstream.models.backend import Labelled, NoScoreError

FLAGGED = "flagged"
_MOST_CATEGORIES = 200
_WORST_SEVERITY = 7


def openai_request(texts: Sequence[str]) -> dict[str, Any]:
    """The body that asks about several texts."""
    return {"input": list(texts)}


def openai_scores(body: Any, count: int) -> list[Labelled]:
    """The scores of `count` texts. Beside the categories the label `flagged` is 1 or 0.

    Raises:
        NoScoreError: the answer is none of this form.
    """
    results = _member(body, "results")
    if not isinstance(results, list) or len(results) != count:
        raise NoScoreError("its answer has not one result for each text")
    return [_openai_result(one) for one in results]


def _openai_result(result: Any) -> Labelled:
    categories = _member(result, "category_scores")
    if not isinstance(categories, dict) or not 0 < len(categories) <= _MOST_CATEGORIES:
        raise NoScoreError("its answer has no category_scores")
    scores = {name: _score(value, 1) for name, value in categories.items()}
    highest = max(scores.values())
    if isinstance(flagged := result.get(FLAGGED), bool):
        scores.setdefault(FLAGGED, float(flagged))
    return Labelled(scores, highest)


def azure_request(text: str) -> dict[str, Any]:
    """The body that asks about one text, for severities in eight steps."""
    return {"text": text, "outputType": "EightSeverityLevels"}


def azure_scores(body: Any) -> Labelled:
    """The scores of a text by category; a severity of 7 is 1.

    Raises:
        NoScoreError: the answer is none of this form.
    """
    found = _member(body, "categoriesAnalysis")
    if not isinstance(found, list) or not 0 < len(found) <= _MOST_CATEGORIES:
        raise NoScoreError("its answer has no categoriesAnalysis")
    scores = {
        str(_member(one, "category")): _score(_member(one, "severity"), _WORST_SEVERITY)
        for one in found
    }
    return Labelled(scores, max(scores.values()))


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _score(value: Any, highest: int) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not isfinite(value) or not 0 <= value <= highest:
        raise NoScoreError(f"its answer has a score that is no number from 0 to {highest}")
    return float(value) / highest
