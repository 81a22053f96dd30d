"""The outcome of one policy, and the base of all compiled policies."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from kt.policy.decision.reading.passages import Place
from kt.policy.decision.reading.reading import Reading
from kt.policy.decision.subject import Subject
from kt.policy.decision.values import Answer, Detection, ModelScore, Question, Verdict


@dataclass(frozen=True, slots=True)
class Cut:
    """A stretch of a part's text, and the marker in its place.

    `marker` is "" where a match goes on from another part: its marker stands
    where it began. `numbered` is the label under which a number takes the marker's
    place, "" where none does, and `further` the match's places in other parts.
    """

    place: Place
    marker: str
    numbered: str = ""
    further: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one policy. `targets` are the ids that may serve, None for all of them."""

    verdict: Verdict = "allow"
    reason_code: str = ""
    message: str = ""
    detections: tuple[Detection, ...] = ()
    cuts: tuple[Cut, ...] = ()
    targets: frozenset[str] | None = None
    assignee: str | None = None
    found: tuple[tuple[str, int], ...] = ()
    scores: tuple[ModelScore, ...] = ()


PASSED = Outcome()


@dataclass(frozen=True, slots=True)
class ProviderTarget:
    """A provider target and what it promises; a promise not made is not kept.

    `models` says whether it has a model; None where any is answered.
    """

    id: str
    models: Callable[[str], bool] | None
    zero_data_retention: bool
    training_opt_out: bool
    retention_days: int | None

    def serves(self, model: str) -> bool:
        """True when the target answers for a model; where no model is named, it does."""
        return self.models is None or not model or self.models(model)


class Policy(ABC):
    """A compiled policy block. Pure: the same subject gets the same outcome."""

    __slots__ = ()

    @property
    def call_limit(self) -> int | None:
        """The most tool calls that an answer may hold; None without a limit."""
        return None

    @abstractmethod
    def judge(self, subject: Subject) -> Outcome:
        """Judge a request or an answer."""

    @property
    def reads_text(self) -> bool:
        """True for a policy that looks at text, which may go on to violate it."""
        return type(self).pending is not Policy.pending

    @property
    def asks(self) -> bool:
        """True for a policy that asks a model; `question` and `answered` then do the judging."""
        return False

    def question(self, subject: Subject) -> Question | None:
        """The question about a subject that the entries before have redacted; None without."""
        return None

    def answered(self, subject: Subject, answer: Answer) -> Outcome:
        """The outcome, now that the question about this subject has its answer."""
        return PASSED

    def pending(self, reading: Reading) -> int:
        """The place from which a text that goes on may still violate the policy.

        For a policy that does not look at text this is its length.
        """
        return len(reading.text)

    def served_by(self, target: ProviderTarget) -> Policy:
        """The same policy where one target is all that there is; most do not mind which."""
        return self
