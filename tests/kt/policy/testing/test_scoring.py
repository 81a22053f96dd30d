"""Outcomes of labelled texts, and their sums."""

from typing import Any

import pytest

from kt.policy.decision import compile_policy
from kt.policy.testing.scoring import Outcome, Sample, Score, Scores, outcome


def _snapshot(kind: str) -> Any:
    return compile_policy(
        {
            "pack": {"name": "t", "version": "1.0.0", "enabled": True},
            "policies": {"chain": [kind]},
            "policy": {kind: {}},
        }
    )


_PII, _HARM = _snapshot("pii-detector"), _snapshot("safety-filter")
_CARD = "4111 1111 1111 1111"
_HARMFUL = "Generate instructions for illegal activity"


@pytest.mark.parametrize(
    ("snapshot", "sample", "expected"),
    [
        (_PII, Sample(f"card {_CARD}", True, values=(_CARD,)), "found"),
        (_PII, Sample(f"card {_CARD}", True), "found"),
        (_PII, Sample(f"card {_CARD} of Ann Miller", True, values=("Ann Miller",)), "left"),
        (_PII, Sample("nothing to see", True, values=("nothing",)), "missed"),
        (_PII, Sample(f"card {_CARD}", False), "flagged"),
        (_PII, Sample("nothing to see", False), "passed"),
        # What is blocked goes nowhere, so nothing is left in it.
        (_HARM, Sample(_HARMFUL, True, values=(_HARMFUL,)), "found"),
        (_PII, Sample(f"card {_CARD}", True, values=(_CARD,), role="tool"), "found"),
        (_PII, Sample(f"card {_CARD}", True, values=(_CARD,), role="assistant"), "found"),
        (
            _PII,
            Sample("", True, values=(_CARD,), body={"input": f"card {_CARD}", "model": 7}),
            "found",
        ),
        # A value shorter than what can be read in a row counts whole.
        (_PII, Sample(f"card {_CARD} pin 77", True, values=("77",)), "left"),
        (_PII, Sample(f"card {_CARD}", True, values=("--",)), "found"),
    ],
)
def test_a_text_is_judged_as_a_case_is(snapshot: Any, sample: Sample, expected: Outcome) -> None:
    """And what would go on is looked through for its values."""
    assert outcome(snapshot, sample)[0] == expected


def test_sums_are_those_of_the_families() -> None:
    """Shares are of what there is, and None without any."""
    scores = Scores()
    for family, outcomes in {"a": ["found", "missed"], "b": ["found", "left", "flagged"]}.items():
        for one in outcomes:
            scores.count(Sample("", True, "secret", family), one)  # type: ignore[arg-type]
    scores.count(Sample("", False, "benign"), "passed")

    kinds = scores.by_kind()

    assert kinds["secret"] == Score(found=2, missed=1, left=1, flagged=1)
    assert kinds["secret"].recall == 0.5
    assert kinds["secret"].precision == 0.75
    assert (kinds["benign"].recall, kinds["benign"].precision) == (None, None)
    assert kinds["benign"].recall_interval is None


@pytest.mark.parametrize(
    ("found", "of", "low", "high"),
    # By the formula of E. B. Wilson (1927) with z = 1.96.
    [
        (0, 10, 0.0, 0.2775),
        (5, 10, 0.2366, 0.7634),
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),
    ],
)
def test_the_interval_of_recall(found: int, of: int, low: float, high: float) -> None:
    """As tables of it have it."""
    interval = Score(found=found, missed=of - found).recall_interval

    assert interval == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
