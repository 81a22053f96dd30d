"""The values that go into a decision and come out of it. All are frozen."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

Verdict: TypeAlias = Literal["allow", "redact", "escalate", "block"]
Stage: TypeAlias = Literal["pre-request", "post-response"]

SEVERITY: Mapping[Verdict, int] = MappingProxyType(
    {"allow": 0, "redact": 1, "escalate": 2, "block": 3}
)

ALLOWED = "policy.allowed"
UNJUDGED = "unjudged"
PACK_DISABLED = "pack.disabled"

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the gateway received it.

    `body` is parsed JSON and is never changed. `headers` may be named in any
    case. `path` is the URL's path (`/v1/chat/completions`).
    """

    body: Any
    path: str = "/v1/chat/completions"
    model: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_HEADERS)
    _by_name: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Of two names that differ in case alone the first counts.
        named = {key.lower(): text for key, text in reversed([*self.headers.items()])}
        object.__setattr__(self, "_by_name", named)

    def header(self, name: str) -> str | None:
        """The value of a header, its name in any case; None when it was not sent."""
        return self._by_name.get(name.lower())


@dataclass(frozen=True, slots=True)
class Detection:
    """A place where a rule hit, without the text that it hit.

    `rule` names the rule within the policy (`block_if[0]`, `email`), `label` the
    kind of data, `where` the place in the body (`messages[0].content`).
    """

    policy: str
    rule: str
    label: str
    where: str


class Question(NamedTuple):
    """A question to one model: how each of these texts scores.

    `texts` are what the chain has left of them so far, none twice. `sha256` is that of the
    model's file, "" where the policy names none. `labels` are those that count; () leaves the
    choice to the model.
    """

    model: str
    sha256: str
    labels: tuple[str, ...]
    texts: tuple[str, ...]
    timeout_seconds: float


Answer: TypeAlias = "tuple[float, ...] | None"
"""A score from 0 to 1 for each text of a question, or None: nobody answered."""


class ModelScore(NamedTuple):
    """The highest score of a text by a model, None where it gave no answer; never the text."""

    model: str
    score: float | None
    threshold: float


class Record(NamedTuple):
    """The record of one decision for the decision log; the writer adds the time.

    A named tuple, as a decision is: making one takes a fifth of the time.

    It holds no text of the request or the answer. `found` counts what was
    redacted, by label, where the policy asks for it.
    """

    stage: Stage
    verdict: Verdict
    policy: str
    reason_code: str
    path: str
    model: str
    user: str | None
    role: str | None
    assignee: str | None
    detections: tuple[Detection, ...]
    found: tuple[tuple[str, int], ...]
    immutable: bool
    retention_days: int


# Numbered marks, what stands in a request for a value that its answer gets back: `[EMAIL_1]`.
_MARK = re.compile(r"\[[A-Z_]+_[0-9]{1,9}\]")

Span: TypeAlias = tuple[int, int, str]


def marks_in(text: str) -> set[str]:
    """All that looks like a mark in a text."""
    return set(_MARK.findall(text))


class Marks:
    """The marks of one call, each with its value.

    The values are a client's personal data: `repr` shows none of them, and nothing may keep them
    for longer than the call.
    """

    __slots__ = ("_longest", "_sorted", "_values")

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)
        self._sorted = sorted(values)
        self._longest = max(map(len, values), default=0)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Marks) and self._values == other._values

    def __hash__(self) -> int:
        return hash(tuple(self._sorted))

    def __repr__(self) -> str:
        return f"Marks({', '.join(self._sorted)})"

    def items(self) -> Iterable[tuple[str, str]]:
        """Each mark with its value."""
        return self._values.items()

    def find(self, text: str, start: int = 0) -> list[Span]:
        """The places of marks from `start` on, in order, each with its value."""
        if not self._values:
            return []
        found = _MARK.finditer(text, start)
        known = (match for match in found if match.group() in self._values)
        return [(*match.span(), self._values[match.group()]) for match in known]

    def pending(self, text: str) -> int:
        """The place from which the end of a text may still become a mark; else its length."""
        at = text.rfind("[", max(0, len(text) - self._longest + 1))
        if at < 0:
            return len(text)
        end = text[at:]
        place = bisect_left(self._sorted, end)
        begun = place < len(self._sorted) and self._sorted[place].startswith(end)
        return at if begun and end not in self._values else len(text)


NO_MARKS = Marks({})


class Decision(NamedTuple):
    """The decision about a request or an answer.

    `policy` is the kind that decided, "" when nothing objected. `body` is the
    redacted body, new, for the verdict `redact`, else None. `targets` are the ids
    of the providers that may serve, in order. `record` is None unless
    `audit-logger` asks for one. `unjudged` names what no policy could read:
    `audio`, `file`, `image`, `tokens`, `video`. `marks` are those in `body` that stand for
    values which the answer gets back. `scores` are those of models that were asked.
    """

    verdict: Verdict
    policy: str
    reason_code: str
    message: str
    detections: tuple[Detection, ...]
    body: Any
    targets: tuple[str, ...]
    assignee: str | None
    unjudged: tuple[str, ...] = ()
    marks: Marks = NO_MARKS
    scores: tuple[ModelScore, ...] = ()
    record: Record | None = None

    def recorded(self, record: Record) -> Decision:
        """The decision with its record, which is its last field."""
        return Decision(*self[:-1], record)


@dataclass(frozen=True, slots=True)
class TextDecision:
    """The decision about a text that may go on.

    `cuts` are the spans that redaction takes out, in order and apart, each with its marker.
    `settled` is the number of characters that can no longer become a violation; what is found
    behind them may still change with the text that follows.
    """

    decision: Decision
    cuts: tuple[tuple[int, int, str], ...]
    settled: int
