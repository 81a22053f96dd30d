"""The one thing that files and endpoints have in common: texts go in, scores by label come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


class NoScoreError(Exception):
    """A model did not answer; the message says why, without anything of a text.

    `outcome` is the word for it in metrics.
    """

    def __init__(self, reason: str, outcome: str = "failed") -> None:
        super().__init__(reason)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Labelled:
    """The scores of one text by label, from 0 to 1.

    `default` is the score that counts where a policy names no labels; None where the model does
    not say which of its labels are bad.
    """

    scores: Mapping[str, float]
    default: float | None

    def score(self, labels: Sequence[str]) -> float:
        """The highest score of these labels, of none the default one.

        Raises:
            NoScoreError: the model has no such label, or does not say which counts.
        """
        if not labels:
            if self.default is None:
                known = ", ".join(sorted(self.scores)[:20])
                raise NoScoreError(f"the policy must name those of its labels that count: {known}")
            return self.default
        missing = [label for label in labels if label not in self.scores]
        if missing:
            raise NoScoreError(f"it has no label {missing[0]!r}")
        return max(self.scores[label] for label in labels)


class ModelBackend(Protocol):
    """A model that is there. `problem` says why it cannot answer, "" when it can."""

    @property
    def problem(self) -> str: ...

    async def scores(self, texts: Sequence[str]) -> list[Labelled]:
        """The scores of each text.

        Raises:
            NoScoreError: there are none.
        """
        ...

    async def begin(self) -> None:
        """Make ready, so that no question need wait for that."""
        ...

    async def close(self) -> None:
        """End what was begun for it."""
        ...
