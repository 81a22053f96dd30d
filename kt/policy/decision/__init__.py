"""The pure decision core: compile a policy once, then judge requests and answers with it.

    snapshot = compile_policy(document)
    decision = decide(snapshot, Request(body, path="/v1/chat/completions", model="gpt-4o-mini"))
    decision = decide_response(snapshot, request, answer)
    released = answer_so_far[: decide_text(snapshot, request, answer_so_far).settled]

A policy may ask models: `deciding` yields its questions and is sent their answers.
No clock, network, disk or environment; the same input gets the same decision.
"""

from kt.policy.decision.chain import (
    call_limit,
    decide,
    decide_response,
    decide_text,
    deciding,
    deciding_response,
)
from kt.policy.decision.matching.unfinished import HOLD_LIMIT
from kt.policy.decision.snapshot import Snapshot, compile_policy
from kt.policy.decision.values import (
    Answer,
    Decision,
    Detection,
    ModelScore,
    Question,
    Record,
    Request,
    TextDecision,
)

__all__ = [
    "HOLD_LIMIT",
    "Answer",
    "Decision",
    "Detection",
    "ModelScore",
    "Question",
    "Record",
    "Request",
    "Snapshot",
    "TextDecision",
    "call_limit",
    "compile_policy",
    "decide",
    "decide_response",
    "decide_text",
    "deciding",
    "deciding_response",
]
