"""The run of the chain: each policy judges, a block ends it, the strictest verdict counts."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Any, TypeAlias, TypeVar

from kt.policy.decision.auditing import AuditLogger
from kt.policy.decision.cutting.numbering import numbered, sent
from kt.policy.decision.cutting.redaction import merged, redacted
from kt.policy.decision.outcome import PASSED, Cut, Outcome, Policy
from kt.policy.decision.reading.extract import where
from kt.policy.decision.snapshot import ChainStep, Snapshot
from kt.policy.decision.subject import Subject, awaited, ending, subject_of_text
from kt.policy.decision.values import (
    ALLOWED,
    NO_MARKS,
    PACK_DISABLED,
    SEVERITY,
    UNJUDGED,
    Answer,
    Decision,
    Detection,
    Marks,
    Question,
    Request,
    TextDecision,
)

_T = TypeVar("_T")
Judged = tuple[ChainStep, Outcome]
Deciding: TypeAlias = Generator[Question, Answer, Decision]
"""A decision on its way. It yields each question to a model, is sent the answer, and returns."""


def decide(snapshot: Snapshot, request: Request) -> Decision:
    """Judge a request before it is sent. Pure; `request` is not changed.

    Of a policy that asks a model, no question has an answer.
    """
    return _decided(snapshot, Subject(request, "pre-request", request.body))


def decide_response(snapshot: Snapshot, request: Request, response: Any) -> Decision:
    """Judge the answer to a request; `response` is its parsed JSON body. Pure.

    Headers, path and model are those of the request; targets are not
    restricted any more. Of a policy that asks a model, no question has an answer.
    """
    return _decided(snapshot, Subject(request, "post-response", response))


def deciding(snapshot: Snapshot, request: Request) -> Deciding:
    """`decide`, for whoever has the questions of a policy answered."""
    return deciding_subject(snapshot, Subject(request, "pre-request", request.body))


def deciding_response(snapshot: Snapshot, request: Request, response: Any) -> Deciding:
    """`decide_response`, for whoever has the questions of a policy answered."""
    return deciding_subject(snapshot, Subject(request, "post-response", response))


def unanswered(asking: Generator[Question, Answer, _T]) -> _T:
    """The end of a decision, or of a part of one, whose questions have no answer."""
    try:
        next(asking)
        while True:
            asking.send(None)
    except StopIteration as end:
        result: _T = end.value
        return result


def decide_text(snapshot: Snapshot, request: Request, text: str, *, floor: int = 0) -> TextDecision:
    """Judge a text of an answer that may go on, for streams.

    What ends before `floor` was judged before, with what stood before it then; it is read for
    the sense that it gives to what follows.
    """
    subject = subject_of_text(request, text, floor)
    # What goes on is not worth a question; the whole answer is, at its end.
    steps = [step for step in _steps(snapshot, subject) if not step.asks]
    judged = _judged(steps, subject)
    decision = _with_record(snapshot, subject, steps, judged)
    cuts = _cuts(judged) if decision.verdict == "redact" else []
    return TextDecision(decision, tuple(merged(cuts)), _settled(steps, text, floor))


def _settled(steps: Sequence[ChainStep], text: str, floor: int) -> int:
    """The number of characters that can no longer become a violation."""
    policies = [step.policy for step in steps if isinstance(step.policy, Policy)]
    policies = [policy for policy in policies if policy.reads_text]
    if not policies:
        return len(text)
    # What stands before the beginning of an escape may go on with what the escape will say.
    return min(
        (
            awaited(reading, policy.pending(reading), text)
            for reading in ending(text, floor)
            for policy in policies
        ),
        default=0,
    )


def call_limit(snapshot: Snapshot, request: Request) -> int | None:
    """The most tool calls that an answer to a request may hold; None without a limit."""
    steps = _steps(snapshot, Subject(request, "post-response", None))
    limits = [step.policy.call_limit for step in steps if isinstance(step.policy, Policy)]
    return min((limit for limit in limits if limit is not None), default=None)


def deciding_subject(snapshot: Snapshot, subject: Subject) -> Deciding:
    """`deciding`, for whoever has several policies judge one subject, which is read once."""
    steps = _steps(snapshot, subject)
    judged = yield from _judging(steps, subject)
    return _with_record(snapshot, subject, steps, judged)


def _decided(snapshot: Snapshot, subject: Subject) -> Decision:
    """A decision whose questions have no answer. Most have none, and need no generator."""
    if snapshot.asks:
        return unanswered(deciding_subject(snapshot, subject))
    steps = _steps(snapshot, subject)
    return _with_record(snapshot, subject, steps, _judged(steps, subject))


def _steps(snapshot: Snapshot, subject: Subject) -> list[ChainStep]:
    if not snapshot.enabled:
        return []
    return [step for step in snapshot.steps if step.applies(subject.request, subject.stage)]


def _with_record(
    snapshot: Snapshot, subject: Subject, steps: Sequence[ChainStep], judged: Sequence[Judged]
) -> Decision:
    reason = ALLOWED if snapshot.enabled else PACK_DISABLED
    decision = _decision(snapshot, subject, judged, reason=reason)
    if judged and subject.unread:
        decision = _marked(snapshot, subject, decision)
    loggers = [step.policy for step in steps if isinstance(step.policy, AuditLogger)]
    if not loggers:
        return decision
    counts = tuple(count for _, outcome in judged for count in outcome.found)
    record = loggers[0].record(subject, decision, counts)
    return decision if record is None else decision.recorded(record)


def _judging(
    steps: Sequence[ChainStep], subject: Subject
) -> Generator[Question, Answer, list[Judged]]:
    """Judge in order; what an entry asks is answered first."""
    judged: list[Judged] = []
    for step, policy in _turns(steps, judged):
        if step.asks:
            outcome = yield from _asking(policy, subject, judged)
        else:
            outcome = policy.judge(subject)
        judged.append((step, outcome))
    return judged


def _judged(steps: Sequence[ChainStep], subject: Subject) -> list[Judged]:
    """`_judging`, of entries of which none asks."""
    judged: list[Judged] = []
    for step, policy in _turns(steps, judged):
        judged.append((step, policy.judge(subject)))
    return judged


def _turns(
    steps: Sequence[ChainStep], judged: Sequence[Judged]
) -> Iterator[tuple[ChainStep, Policy]]:
    """The entries up to a block, each after the outcome of the one before stands in `judged`.

    Entries in parallel with the one that blocks still judge. A record is made of every decision,
    so `audit-logger` does not judge.
    """
    blocked = False
    for step in steps:
        if blocked and not step.parallel:
            return
        policy = step.policy
        if isinstance(policy, AuditLogger):
            continue
        yield step, policy
        blocked = blocked or judged[-1][1].verdict == "block"
        if blocked and not step.parallel:
            return


def _asking(
    policy: Policy, subject: Subject, judged: Sequence[Judged]
) -> Generator[Question, Answer, Outcome]:
    """The outcome of a policy that asks a model about what the entries before have left."""
    body, _ = _redacted(subject, judged)
    left = subject if body is subject.body else Subject(subject.request, subject.stage, body)
    question = policy.question(left)
    return PASSED if question is None else policy.answered(left, (yield question))


def _decision(
    snapshot: Snapshot, subject: Subject, judged: Sequence[Judged], *, reason: str
) -> Decision:
    """Combine the outcomes into a decision; `reason` is the reason code of an allowed one."""
    kind, outcome = _decisive(judged)
    verdict = outcome.verdict
    body, marks = _redacted(subject, judged) if verdict == "redact" else (None, NO_MARKS)
    return Decision(
        verdict=verdict,
        policy="" if verdict == "allow" else kind,
        reason_code=reason if verdict == "allow" else outcome.reason_code,
        message=outcome.message,
        detections=tuple([detection for _, one in judged for detection in one.detections]),
        body=body,
        targets=_targets(snapshot, judged),
        assignee=outcome.assignee,
        marks=marks,
        scores=tuple([score for _, one in judged for score in one.scores]) if snapshot.asks else (),
    )


def _marked(snapshot: Snapshot, subject: Subject, decision: Decision) -> Decision:
    """The decision about a body of which a part could not be judged."""
    names = tuple(sorted(name for name, _ in subject.unread))
    decision = decision._replace(unjudged=names)
    if not snapshot.blocks_unjudged or decision.verdict == "block":
        return decision
    found = (Detection(UNJUDGED, UNJUDGED, name, where(path)) for name, path in subject.unread)
    return decision._replace(
        verdict="block",
        policy=UNJUDGED,
        reason_code=f"{UNJUDGED}.{names[0]}",
        message=f"This policy lets nothing through that it cannot read: {', '.join(names)}.",
        detections=(*decision.detections, *found),
        body=None,
        assignee=None,
        marks=NO_MARKS,
    )


def _decisive(judged: Sequence[Judged]) -> tuple[str, Outcome]:
    """The kind and outcome of the strictest verdict; among equals, of the earliest."""
    if not judged:
        return "", PASSED
    step, outcome = max(judged, key=lambda one: SEVERITY[one[1].verdict])
    return step.kind, outcome


def _redacted(subject: Subject, judged: Sequence[Judged]) -> tuple[Any, Marks]:
    """The redacted body, and the marks in it that stand for values."""
    cuts, marks = numbered(subject, _cuts(judged))
    body = redacted(subject.body, subject.parts, cuts)
    return body, sent(marks, body)


def _cuts(judged: Sequence[Judged]) -> list[Cut]:
    """The cuts of all outcomes in the order of their places."""
    cuts = (cut for _, outcome in judged for cut in outcome.cuts)
    return sorted(cuts, key=lambda cut: (cut.place.part, cut.place.start, -cut.place.end))


def _targets(snapshot: Snapshot, judged: Sequence[Judged]) -> tuple[str, ...]:
    limits = [outcome.targets for _, outcome in judged if outcome.targets is not None]
    ids = tuple([target.id for target in snapshot.targets])
    if not limits:
        return ids
    return tuple(name for name in ids if all(name in limit for limit in limits))
