"""`classifier`: what a model of the operator's says of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from kt.policy.decision.outcome import PASSED, Outcome, Policy, ProviderTarget
from kt.policy.decision.reading.extract import Part, Path, where
from kt.policy.decision.subject import Subject
from kt.policy.decision.values import Answer, Detection, ModelScore, Question, Verdict
from kt.policy.language.kinds import POST_RESPONSE, ROLES

KIND = "classifier"
DETECTED = f"{KIND}.detected"
NO_ANSWER = f"{KIND}.no_answer"


@dataclass(frozen=True, slots=True)
class Classifier(Policy):
    """A compiled `classifier` block."""

    model: str
    sha256: str
    labels: tuple[str, ...]
    threshold: float
    roles: frozenset[str]
    action: Verdict
    on_no_answer: Verdict
    timeout_seconds: float

    @property
    def asks(self) -> bool:
        return True

    def judge(self, subject: Subject) -> Outcome:
        """The outcome where nobody is asked."""
        return self.answered(subject, None)

    def question(self, subject: Subject) -> Question | None:
        """What the model is asked; None where there is no text to judge."""
        texts = tuple(dict.fromkeys(text for text, _ in self._texts(subject)))
        if not texts:
            return None
        return Question(self.model, self.sha256, self.labels, texts, self.timeout_seconds)

    def answered(self, subject: Subject, answer: Answer) -> Outcome:
        """Escalate or block what scores the threshold or more."""
        judged = self._texts(subject)
        if not judged:
            return PASSED
        scores = dict(zip(dict.fromkeys(text for text, _ in judged), answer or (), strict=False))
        if len(scores) < len({text for text, _ in judged}):
            return self._unanswered()
        noted = (ModelScore(self.model, max(scores.values()), self.threshold),)
        hits = [path for text, path in judged if scores[text] >= self.threshold]
        if not hits:
            return Outcome(scores=noted)
        return Outcome(
            self.action,
            DETECTED,
            f"The model {self.model!r} objects to this by policy '{KIND}'.",
            tuple(Detection(KIND, "threshold", self.model, where(path)) for path in hits),
            scores=noted,
        )

    def _unanswered(self) -> Outcome:
        noted = (ModelScore(self.model, None, self.threshold),)
        if self.on_no_answer == "allow":
            return Outcome(scores=noted)
        message = f"The model {self.model!r} gave no answer, which policy '{KIND}' asks for."
        return Outcome(self.on_no_answer, NO_ANSWER, message, scores=noted)

    def _texts(self, subject: Subject) -> list[tuple[str, Path]]:
        """The texts to judge, that of a message as one, each with the place where it begins."""
        parts = [part for part in subject.parts if self._judges(subject, part)]
        groups = [list(group) for _, group in groupby(parts, key=_message)]
        said = [("\n".join(part.text for part in group), group[0].path) for group in groups]
        return [(text, path) for text, path in said if text.strip()]

    def _judges(self, subject: Subject, part: Part) -> bool:
        if part.form == "name":
            return False
        return subject.stage == POST_RESPONSE or _role(part.role) in self.roles


def _message(part: Part) -> tuple[Path, str]:
    """What the parts of one text have in common; outside of messages, their key of the body."""
    return part.unit or part.path[:1], part.role


def _role(given: str) -> str:
    """The role as a policy names it. Whatever a client calls itself, it is no system."""
    role = given.strip().lower()
    return "tool" if role == "function" else role if role in ROLES else "user"


def compile_block(fields: Mapping[str, Any], _targets: Sequence[ProviderTarget]) -> Classifier:
    """Compile a `classifier` block whose fields are complete."""
    return Classifier(
        model=fields["model"],
        sha256=fields["sha256"] or "",
        labels=tuple(fields["labels"] or ()),
        threshold=float(fields["threshold"]),
        roles=frozenset(fields["roles"]),
        action=fields["action"],
        on_no_answer=fields["on_no_answer"],
        timeout_seconds=float(fields["timeout_seconds"]),
    )
