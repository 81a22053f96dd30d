"""The runner of a policy's own tests: `testing.suites`, and more of them given as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kt.policy.decision import Decision, Request, Snapshot, compile_policy, decide, decide_response
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
    target is the id of a provider target is routed there.

    Source: policy-language, section 3.
    """
    own = (policy.get("testing") or {}).get("suites") or ()
    suites = (*own, *extra)
    targets = {suite.get("target") for suite in suites}
    snapshots = {target: _snapshot(policy, target) for target in targets}
    return tuple(
        result for suite in suites for result in _run(snapshots[suite.get("target")], suite)
    )


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
            yield replace(result, decision=_decided(snapshot, case["input"]))


def _snapshot(policy: Mapping[str, Any], target: str | None) -> Snapshot | None:
    """The part of the policy that a suite's target tests; None when there is no such target."""
    if target is None:
        return compile_policy(policy)
    if target in KINDS:
        snapshot = compile_policy(policy)
        steps = tuple(step for step in snapshot.steps if step.kind == target)
        return replace(snapshot, steps=steps)
    providers = policy.get("providers") or {}
    chosen = [entry for entry in providers.get("targets") or () if entry["id"] == target]
    if not chosen:
        return None
    return compile_policy({**policy, "providers": {**providers, "targets": chosen}})


def _decided(snapshot: Snapshot, given: Mapping[str, Any]) -> Decision:
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
