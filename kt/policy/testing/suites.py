"""The runner of a policy's own tests: `testing.suites`, and more of them given as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kt.policy.decision import Decision, Request, Snapshot, compile_policy, decide, decide_response
from kt.policy.decision.outcome import ProviderTarget
from kt.policy.decision.values import SEVERITY
from kt.policy.language import KINDS


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The result of one case.

    `decision` is the stricter of two: that on the request and that on the answer. It is None
    when the case could not be run, for the reason in `problem`. `expected_reason` is None when
    any reason will do.
    """

    suite: str
    name: str
    expected_verdict: str
    expected_reason: str | None
    decision: Decision | None
    problem: str = ""

    @property
    def passed(self) -> bool:
        """True when the verdict, and the reason if one is expected, are the expected ones."""
        return (
            self.decision is not None
            and self.decision.verdict == self.expected_verdict
            and self.expected_reason in (None, self.decision.reason_code)
        )


def run_suites(
    policy: Mapping[str, Any], extra: Sequence[Mapping[str, Any]] = ()
) -> tuple[CaseResult, ...]:
    """Run the suites of a policy that lint accepts, then `extra` ones. Pure.

    A suite whose `target` is a policy kind runs that kind alone; one whose
    target is the id of a provider target is routed there. The policy is
    compiled once for all of them.

    Source: policy-language, section 3.
    """
    own = (policy.get("testing") or {}).get("suites") or ()
    suites = (*own, *extra)
    if not suites:
        return ()
    snapshot = compile_policy(policy)
    served = {target.id: target for target in snapshot.targets}
    return tuple(
        result
        for suite in suites
        for result in _run(_aimed(snapshot, served, suite.get("target")), suite)
    )


def _aimed(
    snapshot: Snapshot, served: Mapping[str, ProviderTarget], target: str | None
) -> Snapshot | None:
    """The policy as far as a suite's target tests it, None when there is no such target."""
    if target is None:
        return snapshot
    if target in KINDS:
        return snapshot.of_kind(target)
    return snapshot.served_by(served[target]) if target in served else None


def _run(snapshot: Snapshot | None, suite: Mapping[str, Any]) -> Iterator[CaseResult]:
    target = suite.get("target")
    for case in suite["cases"]:
        expected = case["expected"]
        result = CaseResult(
            suite["name"], case["name"], expected["verdict"], expected.get("reason_code"), None
        )
        if snapshot is None:
            problem = f"target {target!r} is neither a policy kind nor a provider target"
            yield replace(result, problem=problem)
        else:
            yield replace(result, decision=decided(snapshot, case["input"]))


def decided(snapshot: Snapshot, given: Mapping[str, Any]) -> Decision:
    """Judge the input of a case; the stricter decision of those on the request and the answer."""
    model = given.get("model") or ""
    body = {"model": model, "messages": given["messages"]}
    request = Request(body, model=model, headers=given.get("headers") or {})
    asked = decide(snapshot, request)
    answer = given.get("upstream_response")
    if answer is None or asked.verdict in ("block", "escalate"):
        return asked
    answered = decide_response(snapshot, request, _completion(answer))
    return max((asked, answered), key=lambda decision: SEVERITY[decision.verdict])


def _completion(answer: Any) -> Any:
    """An answer given as text, as a chat completion with that text."""
    if not isinstance(answer, str):
        return answer
    message = {"role": "assistant", "content": answer}
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
