"""The runner of a policy's own tests: `testing.suites`, and more of them given as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from kt.policy.decision import (
    Answer,
    Decision,
    Question,
    Request,
    Snapshot,
    compile_policy,
)
from kt.policy.decision.chain import Deciding, deciding_subject
from kt.policy.decision.outcome import ProviderTarget
from kt.policy.decision.subject import Subject
from kt.policy.decision.values import SEVERITY
from kt.policy.language import KINDS

Ask: TypeAlias = Callable[[Question], Answer]
"""The models that are there: it answers a question, and raises `NoModelError` for any other."""


class NoModelError(Exception):
    """A question to a model that is not there; `model` is its name."""

    def __init__(self, model: str) -> None:
        super().__init__(f"the model {model!r} is not there")
        self.model = model


def no_models(question: Question) -> Answer:
    """The `Ask` of whoever has no model.

    Raises:
        NoModelError: always.
    """
    raise NoModelError(question.model)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The result of one case.

    `decision` is the stricter of two: that on the request and that on the answer. It is None
    when the case could not be run, for the reason in `problem`. `expected_reason` is None when
    any reason will do. `missing_model` is the model that the case needs and that is not there,
    and `is_required` says that it should be.
    """

    suite: str
    name: str
    expected_verdict: str
    expected_reason: str | None
    decision: Decision | None
    problem: str = ""
    missing_model: str = ""
    is_required: bool = False

    @property
    def was_left_out(self) -> bool:
        """True when the case needs a model that need not be there: not run, and not passed."""
        return bool(self.missing_model) and not self.is_required

    @property
    def failed(self) -> bool:
        """True when the case was run and did not pass, or could not be run and should be."""
        return not self.passed and not self.was_left_out

    @property
    def passed(self) -> bool:
        """True when the verdict, and the reason if one is expected, are the expected ones."""
        return (
            self.decision is not None
            and self.decision.verdict == self.expected_verdict
            and self.expected_reason in (None, self.decision.reason_code)
        )


def run_suites(
    policy: Mapping[str, Any],
    extra: Sequence[Mapping[str, Any]] = (),
    ask: Ask = no_models,
    *,
    watch: Callable[[Snapshot], Snapshot] | None = None,
) -> tuple[CaseResult, ...]:
    """Run the suites of a policy that lint accepts, then `extra` ones. Pure but for `ask`.

    A suite whose `target` is a policy kind runs that kind alone; one whose
    target is the id of a provider target is routed there. The policy is
    compiled once for all of them. `watch` gives the one that is run in its place, such as one
    that notes what the cases reach.

    Source: policy-language, section 3.
    """
    testing = policy.get("testing") or {}
    own = testing.get("suites") or ()
    suites = (*own, *extra)
    if not suites:
        return ()
    snapshot = compile_policy(policy)
    if watch is not None:
        snapshot = watch(snapshot)
    served = {target.id: target for target in snapshot.targets}
    results = (
        result
        for suite in suites
        for result in _run(aimed(snapshot, served, suite.get("target")), suite, ask)
    )
    if not testing.get("require_model_cases"):
        return tuple(results)
    return tuple(replace(one, is_required=bool(one.missing_model)) for one in results)


def aimed(
    snapshot: Snapshot, served: Mapping[str, ProviderTarget], target: str | None
) -> Snapshot | None:
    """The policy as far as a suite's target tests it, None when there is no such target."""
    if target is None:
        return snapshot
    if target in KINDS:
        return snapshot.of_kind(target)
    return snapshot.served_by(served[target]) if target in served else None


def _run(snapshot: Snapshot | None, suite: Mapping[str, Any], ask: Ask) -> Iterator[CaseResult]:
    target = suite.get("target")
    for case in suite["cases"]:
        expected = case["expected"]
        result = CaseResult(
            suite["name"], case["name"], expected["verdict"], expected.get("reason_code"), None
        )
        if snapshot is None:
            problem = f"target {target!r} is neither a policy kind nor a provider target"
            yield replace(result, problem=problem)
            continue
        try:
            yield replace(result, decision=decided(snapshot, case["input"], ask))
        except NoModelError as error:
            fix = f"kt policy test --model {error.model}=FILE runs it"
            problem = f"it needs the model {error.model!r}, which is not there; {fix}"
            yield replace(result, problem=problem, missing_model=error.model)


def decided(snapshot: Snapshot, given: Mapping[str, Any], ask: Ask = no_models) -> Decision:
    """Judge the input of a case; the stricter decision of those on the request and the answer.

    Raises:
        NoModelError: the decision hangs on a model that is not there.
    """
    return CaseInput(given).decided(snapshot, ask)


class CaseInput:
    """The input of a case, parsed once for whatever policies judge it."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        request, answer = request_of(given), given.get("upstream_response")
        self._asked = Subject(request, "pre-request", request.body)
        self._answered = None
        if answer is not None:
            self._answered = Subject(request, "post-response", completion(answer))

    def decided(self, snapshot: Snapshot, ask: Ask = no_models) -> Decision:
        """See `decided`."""
        asked = run(deciding_subject(snapshot, self._asked), ask)
        if self._answered is None or asked.verdict in ("block", "escalate"):
            return asked
        answered = run(deciding_subject(snapshot, self._answered), ask)
        return max((asked, answered), key=lambda decision: SEVERITY[decision.verdict])


def request_of(given: Mapping[str, Any]) -> Request:
    """The request that a case's input stands for."""
    model = given.get("model") or ""
    body = {"model": model, "messages": given["messages"]}
    return Request(body, model=model, headers=given.get("headers") or {})


def run(deciding: Deciding, ask: Ask) -> Decision:
    """A decision whose questions `ask` answers.

    Raises:
        NoModelError: it hangs on a model that is not there.
    """
    try:
        question = next(deciding)
        while True:
            question = deciding.send(ask(question))
    except StopIteration as end:
        decision: Decision = end.value
        return decision


def completion(answer: Any) -> Any:
    """An answer given as text, as a chat completion with that text."""
    if not isinstance(answer, str):
        return answer
    message = {"role": "assistant", "content": answer}
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
