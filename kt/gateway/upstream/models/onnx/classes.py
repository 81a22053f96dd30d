"""A model's classes: their names, and scores from 0 to 1 of its outputs. Pure.

They stand in the `config.json` that transformers write beside a model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, isfinite
from typing import Any

from kt.gateway.upstream.models.onnx.external import BadModelError

_MULTI_LABEL = "multi_label_classification"
_WINDOW_TOKENS = 512
_LEAST_TOKENS = 16
_MOST_LABELS = 1000


@dataclass(frozen=True, slots=True)
class Classes:
    """The labels by number, whether several may hold at once, and the tokens read at once."""

    labels: Mapping[int, str]
    are_independent: bool = False
    window_tokens: int = _WINDOW_TOKENS

    def name(self, number: int) -> str:
        """The label of an output; without a name of its own that of transformers."""
        return self.labels.get(number, f"LABEL_{number}")

    def scores(self, outputs: Sequence[float]) -> dict[str, float]:
        """The scores of a text's outputs by label.

        Raises:
            BadModelError: they are no numbers, none, or too many.
        """
        if not 0 < len(outputs) <= _MOST_LABELS or not all(map(isfinite, outputs)):
            raise BadModelError("its outputs are no scores")
        alone = self.are_independent or len(outputs) == 1
        shares = [_sigmoid(one) for one in outputs] if alone else _softmax(outputs)
        return {self.name(number): share for number, share in enumerate(shares)}

    def default(self, count: int) -> str | None:
        """The label that counts by itself: the only one, or the second of two that exclude."""
        if count == 1:
            return self.name(0)
        return self.name(1) if count == 2 and not self.are_independent else None


def read_classes(config: bytes | None) -> Classes:
    """The classes of a `config.json`; where there is none, numbers alone.

    Raises:
        BadModelError: it is no such file, or two labels share a name.
    """
    if config is None:
        return Classes({})
    try:
        told = json.loads(config)
        named = told.get("id2label", {})
        labels = {int(number): str(label) for number, label in named.items()}
    except (ValueError, AttributeError, RecursionError) as exc:
        raise BadModelError("config.json beside it is none of a classifier") from exc
    if len(set(labels.values())) < len(labels):
        raise BadModelError("config.json beside it gives two labels one name")
    independent = told.get("problem_type") == _MULTI_LABEL
    return Classes(labels, independent, _window(told.get("max_position_embeddings")))


def _window(positions: Any) -> int:
    if not isinstance(positions, int) or positions < _LEAST_TOKENS:
        return _WINDOW_TOKENS
    return min(_WINDOW_TOKENS, positions)


def _softmax(outputs: Sequence[float]) -> list[float]:
    highest = max(outputs)
    powers = [exp(one - highest) for one in outputs]
    return [one / sum(powers) for one in powers]


def _sigmoid(output: float) -> float:
    if output >= 0:
        return 1 / (1 + exp(-output))
    return exp(output) / (1 + exp(output))
