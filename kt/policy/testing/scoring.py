"""Scores of a policy on labelled texts: how much it finds, and how much it flags in vain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from math import sqrt
from typing import Any, Literal

from kt.policy.decision import Decision, Request, Snapshot, deciding
from kt.policy.testing.suites import Ask, decided, no_models, run

Role = Literal["user", "tool", "assistant"]
Outcome = Literal["found", "missed", "left", "passed", "flagged"]

# So many letters and digits of a value in a row can still be read as it.
_READABLE = 6


@dataclass(frozen=True, slots=True)
class Sample:
    """A labelled text.

    `is_positive` says whether the policy should stop or change it; then `values`, if there are
    any, must not be left in what goes on. `role` says whose it is: a user's, a tool's result, or
    the model's answer. `body`, that of a whole request, may stand for a text.
    """

    text: str
    is_positive: bool
    kind: str = ""
    family: str = ""
    values: tuple[str, ...] = ()
    role: Role = "user"
    body: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Score:
    """Counts of outcomes. `left` are positives that were changed with a value left in them."""

    found: int = 0
    missed: int = 0
    left: int = 0
    passed: int = 0
    flagged: int = 0

    def count(self, outcome: Outcome) -> None:
        """Add one."""
        setattr(self, outcome, getattr(self, outcome) + 1)

    def add(self, other: Score) -> None:
        """Add all of another."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    @property
    def positives(self) -> int:
        """All texts that should be found."""
        return self.found + self.missed + self.left

    @property
    def negatives(self) -> int:
        """All texts that should pass."""
        return self.passed + self.flagged

    @property
    def recall(self) -> float | None:
        """The share of positives that was found; None without any."""
        return self.found / self.positives if self.positives else None

    @property
    def precision(self) -> float | None:
        """The share of positives in all that was acted upon; None when nothing was.

        It holds for the proportion of positives to negatives in these texts alone.
        """
        acted = self.found + self.left + self.flagged
        return (self.found + self.left) / acted if acted else None

    @property
    def recall_interval(self) -> tuple[float, float] | None:
        """The bounds of recall at 95 %, after Wilson; None without positives."""
        return _wilson(self.found, self.positives) if self.positives else None


@dataclass(slots=True)
class Scores:
    """Scores by kind and family, in the order in which they were met."""

    rows: dict[tuple[str, str], Score] = field(default_factory=dict)

    def count(self, sample: Sample, outcome: Outcome) -> None:
        """Add one to the row of a sample."""
        self.rows.setdefault((sample.kind, sample.family), Score()).count(outcome)

    def by_kind(self) -> dict[str, Score]:
        """The sums of all families of each kind."""
        sums: dict[str, Score] = {}
        for (kind, _), one in self.rows.items():
            sums.setdefault(kind, Score()).add(one)
        return sums


def outcome(snapshot: Snapshot, sample: Sample, ask: Ask = no_models) -> tuple[Outcome, Decision]:
    """Judge a sample; its outcome, and the decision. Pure but for `ask`.

    Raises:
        NoModelError: it hangs on a model that is not there.
    """
    decision = _decided(snapshot, sample, ask)
    is_touched = decision.verdict != "allow"
    if not sample.is_positive:
        return ("flagged" if is_touched else "passed"), decision
    if not is_touched:
        return "missed", decision
    if decision.verdict == "redact" and _is_left(sample.values, decision.body):
        return "left", decision
    return "found", decision


def _decided(snapshot: Snapshot, sample: Sample, ask: Ask) -> Decision:
    if sample.body is None:
        return decided(snapshot, _given(sample), ask)
    model = sample.body.get("model")
    request = Request(sample.body, model=model if isinstance(model, str) else "")
    return run(deciding(snapshot, request), ask)


def _given(sample: Sample) -> dict[str, Any]:
    """The input of a case with this text."""
    asked = {"role": "user", "content": "Go on." if sample.role != "user" else sample.text}
    if sample.role == "assistant":
        return {"messages": [asked], "upstream_response": sample.text}
    if sample.role == "tool":
        result = {"role": "tool", "tool_call_id": "call_1", "content": sample.text}
        return {"messages": [asked, result]}
    return {"messages": [asked]}


def _is_left(values: Sequence[str], sent: Any) -> bool:
    if not values or sent is None:
        return False
    shown = _plain("\n".join(_texts(sent)))
    for value in map(_plain, values):
        size = min(len(value), _READABLE)
        starts = range(len(value) - size + 1) if size else ()
        if any(value[start : start + size] in shown for start in starts):
            return True
    return False


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, Sequence):
        return [text for one in value for text in _texts(one)]
    return []


def _plain(text: str) -> str:
    """Letters and digits alone, in lowercase."""
    return "".join(filter(str.isalnum, text.casefold()))


def _wilson(count: int, total: int) -> tuple[float, float]:
    square = 1.96 * 1.96
    share = count / total
    middle = (share + square / (2 * total)) / (1 + square / total)
    spread = share * (1 - share) / total + square / (4 * total * total)
    half = 1.96 * sqrt(spread) / (1 + square / total)
    return max(0.0, middle - half), min(1.0, middle + half)
