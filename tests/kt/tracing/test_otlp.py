"""OTLP's JSON of spans."""

import json
from typing import Any

import pytest

from kt.tracing import otlp
from kt.tracing.otlp import INTERNAL, Span, Value


def _attribute(value: Value) -> Any:
    span = Span("a" * 32, "b" * 16, "", "n", INTERNAL, 1, 2, {"x": value})
    made = json.loads(otlp.encoded([span], resource={}, scope=("s", "1")))
    return made["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"][0]["value"]


@pytest.mark.parametrize(
    ("value", "number"),
    [(7, 7), (2**63 - 1, 2**63 - 1), (2**63, 2**63 - 1), (2**64 - 1, 2**63 - 1)],
)
def test_no_number_is_larger_than_a_collector_takes(value: int, number: int) -> None:
    """A target counts tokens as it likes, and a span that is refused takes all others along."""
    assert _attribute(value) == {"intValue": str(number)}
