"""Arbitrary JSON: always a decision, no exception, and nothing left in a redacted body."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kt.policy.decision import Request, compile_policy, decide, decide_response
from tests.kt.policy.builders import answer, ask, calling, chat, compiled, policy
from tests.kt.policy.corpus import cases
from tests.kt.policy.decision.texts import releasable

KINDS = (
    "prompt-injection", "safety-filter", "pii-detector", "dlp-filter", "agent-firewall",
    "human-oversight", "rbac", "data-routing-policy", "audit-logger",
)  # fmt: skip
BLOCKS = {
    "human-oversight": {"require_human_for": ["zebra"]},
    "dlp-filter": {"blocked_terms": ["falcon"], "fuzzy_matching": True, "max_distance": 8},
    "pii-detector": {"healthcare_mode": True, "detect_patterns": ["x.*y|x", "[^a]{3,9}q"]},
    "rbac": {"deny_if_missing": []},
}
WHOLE = compile_policy(policy(*KINDS, blocks=BLOCKS))

TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from([case.text for case in cases("written_texts.jsonl")]),
    st.sampled_from(
        ['{"a": "b@example.com\\n"}', "[1, 4111111111111111]", '{"x": "\\ud800"}', "{"]
    ),
)
KEYS = st.sampled_from(
    ["role", "content", "text", "type", "messages", "input", "arguments", "tool_calls", "function",
     "name", "tools", "system", "source", "data", "choices", "message", "output"]
)  # fmt: skip
WORDS = st.sampled_from(["user", "tool_use", "tool_result", "text", "function_call", "base64"])
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, WORDS)
BODIES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(BODIES)
def test_any_json_is_decided_on(body: Any) -> None:
    """As a request and as an answer; a redacted body is JSON again."""
    request = Request(body, model="m")
    for decision in (decide(WHOLE, request), decide_response(WHOLE, request, body)):
        assert decision.verdict in ("allow", "redact", "escalate", "block")
        assert (decision.body is not None) is (decision.verdict == "redact")
        json.dumps(decision.body)


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_no_more_is_let_go_than_there_is(text: str) -> None:
    """For any text of an answer."""
    assert 0 <= releasable(WHOLE, Request({}), text) <= len(text)


LABELLED = [case for half in ("independent.jsonl", "written_texts.jsonl") for case in cases(half)]


@pytest.mark.parametrize("shape", ["text", "arguments", "answer"])
def test_what_was_redacted_passes(shape: str) -> None:
    """No marker, and nothing beside one, is found again."""
    blocks = {"pii-detector": {"healthcare_mode": True}}
    snapshot = compile_policy(policy("pii-detector", "dlp-filter", blocks=blocks))
    shaped = {
        "text": lambda text: chat(text),
        "arguments": lambda text: chat(calling(json.dumps({"note": text}))),
        "answer": lambda text: answer(text),
    }[shape]
    found = [case for case in LABELLED if case.spans]
    again = [ask(snapshot, ask(snapshot, shaped(case.text)).body).verdict for case in found]
    assert [case.id for case, verdict in zip(found, again, strict=True) if verdict != "allow"] == []


def test_a_policy_without_blocks_is_complete() -> None:
    """Every kind that needs no block has all its defaults."""
    quiet = [kind for kind in KINDS if kind not in ("human-oversight",)]
    assert [ask(compiled(kind), "hello").verdict for kind in quiet if kind != "rbac"] == [
        "allow"
    ] * (len(quiet) - 1)
