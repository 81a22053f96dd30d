"""The chain: order, stages, conditions, the strictest verdict, and the record."""

from __future__ import annotations

import copy
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from kt.policy.decision import Request, compile_policy, decide
from tests.kt.policy.builders import PACK, ask, chat, compiled, policy, reply

HARM = "Generate instructions for illegal activity"
MAIL = "a@example.com"
REFUND = {"human-oversight": {"require_human_for": ["refund"]}}


def test_a_pack_that_is_off_lets_all_pass() -> None:
    """And says why."""
    data = policy("safety-filter") | {"pack": {**PACK, "enabled": False}}
    assert ask(compile_policy(data), HARM).reason_code == "pack.disabled"


@pytest.mark.parametrize("chain", [["safety-filter", "rbac"], ["rbac", "safety-filter"]])
def test_the_first_block_ends_the_chain(chain: list[str]) -> None:
    """The other policy is not asked."""
    decision = ask(compile_policy(policy(*chain)), HARM)
    assert {found.policy for found in decision.detections} == {chain[0]} == {decision.policy}


def test_neighbours_in_parallel_are_all_asked() -> None:
    """The first still decides; the record has what each found."""
    chain = [{"rbac": {"parallel": True}}, {"safety-filter": {"parallel": True}}, "pii-detector"]
    decision = ask(compile_policy(policy(*chain)), f"{HARM} {MAIL}")
    asked = {found.policy for found in decision.detections}
    assert (decision.policy, asked) == ("rbac", {"rbac", "safety-filter"})


STRICTER = [
    (MAIL, "redact", "pii-detector"),
    (f"refund {MAIL}", "escalate", "human-oversight"),
    (f"refund {MAIL} {HARM}", "block", "safety-filter"),
    ("hello", "allow", ""),
]


@pytest.mark.parametrize(("text", "verdict", "kind"), STRICTER)
def test_the_strictest_verdict_holds(text: str, verdict: str, kind: str) -> None:
    """A later block outweighs what came before it."""
    chain = policy("pii-detector", "human-oversight", "safety-filter", blocks=REFUND)
    decision = ask(compile_policy(chain), text)
    assert (decision.verdict, decision.policy) == (verdict, kind)


def test_only_a_redacted_request_has_a_body() -> None:
    """What is held back is sent nowhere."""
    chain = policy("pii-detector", "human-oversight", blocks=REFUND)
    assert ask(compile_policy(chain), f"refund {MAIL}").body is None


WHENS: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({"path": "/v1/chat"}, {}, True),
    ({"path": "/v1/embeddings"}, {}, False),
    ({"header": {"X-Env": "prod"}}, {"headers": {"x-env": "prod"}}, True),
    ({"header": {"X-Env": "prod"}}, {"headers": {"X-Env": "PROD"}}, False),
    ({"header": {"X-Env": "prod"}}, {}, False),
    ({"model": ["gpt-*"]}, {}, True),
    ({"model": ["claude-*", "o?"]}, {}, False),
    ({"path": "/v1", "model": ["claude-*"]}, {}, False),
    ({}, {}, True),
]


@pytest.mark.parametrize(("when", "about", "runs"), WHENS)
def test_an_entry_runs_when_all_its_conditions_hold(
    when: dict[str, Any], about: dict[str, Any], runs: bool
) -> None:
    """By path, header and model."""
    snapshot = compiled({"safety-filter": {"when": when}})
    assert (ask(snapshot, HARM, **about).verdict == "block") is runs


@pytest.mark.parametrize(
    ("stage", "asked", "answered"),
    [
        (None, "block", "block"),
        ("pre-request", "block", "allow"),
        ("post-response", "allow", "block"),
    ],
)
def test_a_stage_limits_where_an_entry_runs(stage: str | None, asked: str, answered: str) -> None:
    """Without one it runs wherever its kind can."""
    snapshot = compiled({"safety-filter": {"stage": stage}})
    assert (ask(snapshot, HARM).verdict, reply(snapshot, HARM).verdict) == (asked, answered)


def test_targets_are_those_that_every_policy_leaves() -> None:
    """In the document's order; all of them when none restricts."""
    providers = {"targets": [{"id": "b", "provider": "mock"}, {"id": "a", "provider": "mock"}]}
    assert ask(compiled("safety-filter", providers=providers), "x").targets == ("b", "a")


LOGGED: list[tuple[dict[str, Any], str, bool]] = [
    ({}, "hello", True),
    ({"log_all_access": False}, "hello", False),
    ({"log_all_access": False}, HARM, True),
]


@pytest.mark.parametrize(("block", "text", "recorded"), LOGGED)
def test_a_record_is_made_of_what_the_policy_asks_for(
    block: dict[str, Any], text: str, recorded: bool
) -> None:
    """Wherever in the chain the logger stands, a block before it is recorded."""
    chain = policy("safety-filter", "audit-logger", blocks={"audit-logger": block})
    assert (ask(compile_policy(chain), text).record is not None) is recorded


def test_a_record_says_who_what_and_why_and_no_text() -> None:
    """All that an auditor asks for, and nothing that was said."""
    blocks = {
        "audit-logger": {"retention_days": 30},
        "pii-detector": {"redaction": {"include_metadata": True}},
    }
    snapshot = compile_policy(policy("pii-detector", "audit-logger", blocks=blocks))
    about = {"headers": {"X-User-ID": "u1", "X-Role": "analyst"}}
    record = ask(snapshot, f"{MAIL} b@example.com 123-45-6789", **about).record
    assert record is not None
    assert (record.user, record.role, record.model, record.path, record.stage) == (
        "u1", "analyst", "gpt-4o-mini", "/v1/chat/completions", "pre-request",
    )  # fmt: skip
    assert (record.verdict, record.policy, record.reason_code) == (
        "redact", "pii-detector", "pii_detector.detected",
    )  # fmt: skip
    assert (record.found, record.retention_days, record.immutable) == (
        (("email", 2), ("ssn", 1)), 30, True,
    )  # fmt: skip
    assert "example.com" not in repr(record)


def test_without_metadata_a_record_counts_nothing() -> None:
    """As the language's default has it."""
    record = ask(compile_policy(policy("pii-detector", "audit-logger")), MAIL).record
    assert record is not None
    assert record.found == ()


def test_deciding_changes_nothing_and_repeats_itself() -> None:
    """The same request gets the same decision, and stays as it was."""
    snapshot = compile_policy(policy("pii-detector", "prompt-injection", "audit-logger"))
    body = chat(MAIL, "x", tools=[{"type": "function", "function": {"name": "t"}}])
    before = copy.deepcopy(body)
    first, second = (decide(snapshot, Request(body, model="m")) for _ in range(2))
    assert (first, body) == (second, before)


def test_a_snapshot_cannot_be_changed() -> None:
    """Neither it nor what it decides."""
    snapshot = compiled("safety-filter")
    with pytest.raises(FrozenInstanceError):
        snapshot.enabled = False  # type: ignore[misc]
    with pytest.raises(AttributeError):
        ask(snapshot, "x").verdict = "block"  # type: ignore[misc]


@pytest.mark.parametrize(
    "body", [None, [], "text", 7, {"messages": "odd"}, {"messages": [None, 1, [{}]]}]
)
def test_any_json_is_judged(body: Any) -> None:
    """A body of no known shape raises nothing."""
    kinds = [
        "safety-filter",
        "prompt-injection",
        "pii-detector",
        {"dlp-filter": {}},
        "agent-firewall",
    ]
    assert decide(compile_policy(policy(*kinds)), Request(body)).verdict == "allow"
