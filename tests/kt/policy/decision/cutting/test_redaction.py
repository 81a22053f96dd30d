# ruff: noqa: RUF001 - disguises are what is tested.
"""Redaction: the right characters, the right marker, and nothing else."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kt.policy.decision import compile_policy
from kt.policy.decision.cutting.markers import marker
from tests.kt.policy.builders import answer, ask, calling, chat, compiled, content, policy, reply

PII = compiled("pii-detector")
BOTH = compile_policy(policy("pii-detector", {"dlp-filter": {}}, blocks={"dlp-filter": {}}))

CUTS = [
    ("mail jane@example.com now", "mail [REDACTED:EMAIL] now"),
    ("a@example.com b@example.com", "[REDACTED:EMAIL] [REDACTED:EMAIL]"),
    ("４１１１ １１１１ １１１１ １１１１!", "[REDACTED:CREDIT_CARD]!"),
    ("ssn 123\u200b-45-67\u00ad89.", "ssn [REDACTED:SSN]."),
    ("日本 jane@example.com です", "日本 [REDACTED:EMAIL] です"),
    ("ﬁn jane@example.com ½", "ﬁn [REDACTED:EMAIL] ½"),
    ("e\u0301 203.0.113.7", "e\u0301 [REDACTED:IP_ADDRESS]"),
    ("iban GB82 WEST 1234 5698 7654 32 OK", "iban [REDACTED:IBAN] OK"),
]


@pytest.mark.parametrize(("text", "expected"), CUTS)
def test_exactly_what_was_found_is_cut(text: str, expected: str) -> None:
    """However the text is disguised, all around it stays as it was written."""
    assert content(ask(PII, text)) == expected


def test_the_original_is_untouched_and_what_was_not_cut_is_shared() -> None:
    """A new body, with the old parts where nothing changed."""
    body = chat("hello", "mail a@example.com", tools=[{"function": {"name": "t"}}])
    before = copy.deepcopy(body)
    decision = ask(PII, body)
    assert body == before
    assert decision.body["messages"][0] is body["messages"][0]
    assert decision.body["tools"] is body["tools"]


def test_an_allowed_request_has_no_body_of_its_own() -> None:
    """The bytes that came are the bytes that go."""
    assert ask(PII, "hello").body is None


JSON_CUTS = [
    ('{"to": "a@example.com", "n": 1}', {"to": "[REDACTED:EMAIL]", "n": 1}),
    ('{"to": "\\u0061@example.com \\"x\\""}', {"to": '[REDACTED:EMAIL] "x"'}),
    ('{"card": 4111111111111111}', {"card": "[REDACTED:CREDIT_CARD]"}),
    ('[["203.0.113.7"], {"x": "\\n"}]', [["[REDACTED:IP_ADDRESS]"], {"x": "\n"}]),
]


@pytest.mark.parametrize(("arguments", "expected"), JSON_CUTS)
def test_a_tool_calls_arguments_stay_json(arguments: str, expected: Any) -> None:
    """A marker in a number's place is a string; all else is as it was."""
    decision = ask(PII, chat(calling(arguments)))
    call = decision.body["messages"][0]["tool_calls"][0]["function"]
    assert json.loads(call["arguments"]) == expected


def test_arguments_given_as_a_value_stay_one() -> None:
    """Anthropic's `input` is JSON itself."""
    block = {"type": "tool_use", "id": "i", "name": "t", "input": {"to": "a@example.com", "n": [1]}}
    decision = ask(PII, chat({"role": "assistant", "content": [block]}))
    cut = decision.body["messages"][0]["content"][0]["input"]
    assert cut == {"to": "[REDACTED:EMAIL]", "n": [1]}


def test_a_cut_through_the_structure_replaces_the_document() -> None:
    """What would be no JSON any more is not sent in pieces."""
    snapshot = compiled("dlp-filter", {"detect_patterns": ['"a": "x", "b']})
    decision = ask(snapshot, chat(calling('{"a": "x", "b": "y"}')))
    call = decision.body["messages"][0]["tool_calls"][0]["function"]
    assert json.loads(call["arguments"]) == {"redacted": "[REDACTED:CUSTOM]"}


def test_a_match_over_two_blocks_is_cut_from_both() -> None:
    """The marker stands where it begins."""
    blocks = [{"type": "text", "text": "ssn 123-45-"}, {"type": "text", "text": "6789 ok"}]
    decision = ask(PII, chat({"role": "user", "content": blocks}))
    assert [one["text"] for one in content(decision)] == ["ssn [REDACTED:SSN]", " ok"]


def test_two_policies_cut_one_text_once() -> None:
    """Spans that overlap become one, with the marker of the one that begins first."""
    decision = ask(BOTH, "postgres://app:s3cr3tPa55@db.example.com/x mail a@example.com")
    expected = "postgres://app:[REDACTED:URL_PASSWORD]@db.example.com/x mail [REDACTED:EMAIL]"
    assert content(decision) == expected


def test_an_answer_is_redacted_too() -> None:
    """In every choice."""
    body = answer("call +44 20 7946 0018")
    body["choices"].append(
        {"index": 1, "message": {"role": "assistant", "content": "a@example.com"}}
    )
    said = [one["message"]["content"] for one in reply(PII, body).body["choices"]]
    assert said == ["call [REDACTED:PHONE]", "[REDACTED:EMAIL]"]


def test_a_body_that_is_a_text_is_redacted() -> None:
    """Even a bare JSON string."""
    assert reply(PII, {"output_text": "a@example.com"}).body == {"output_text": "[REDACTED:EMAIL]"}


SIGNED = {"type": "thinking", "thinking": "ask ann@example.org", "signature": "EqQB"}
SAID = {"type": "text", "text": "ok"}
KEPT = {"type": "thinking", "thinking": "fine", "signature": "EqQB"}
BLOCKS = [
    ([SIGNED, SAID], [SAID]),
    ([SAID, SIGNED, KEPT, SIGNED], [SAID, KEPT]),
    ([SIGNED], []),
    ([KEPT, SAID], [KEPT, SAID]),
    (
        [{**SIGNED, "signature": ""}, SAID],
        [{**SIGNED, "thinking": "ask [REDACTED:EMAIL]", "signature": ""}, SAID],
    ),
    (
        [{"type": "tool_use", "signature": "EqQB", "input": {"to": "ann@example.org"}}],
        [{"type": "tool_use", "signature": "EqQB", "input": {"to": "[REDACTED:EMAIL]"}}],
    ),
    ([{**SIGNED, "x@example.org": {"y": "z@example.org"}}, SAID], [SAID]),
]


@pytest.mark.parametrize(("blocks", "expected"), BLOCKS)
def test_a_signed_block_is_whole_or_gone(blocks: list[Any], expected: list[Any]) -> None:
    """Its target refuses a text that is not the one which it signed."""
    said = chat("mail a@example.com", {"role": "assistant", "content": blocks}, "go on")
    assert content(ask(PII, said), 1) == expected
    assert reply(PII, {"content": [*blocks, {"text": " a@example.com"}]}).body["content"] == [
        *expected,
        {"text": " [REDACTED:EMAIL]"},
    ]


def test_signed_reasoning_of_a_message_is_gone_too() -> None:
    """As routers of models put it beside the content."""
    one = {"type": "reasoning.text", "text": "ask ann@example.org", "signature": "EqQB"}
    message = {"role": "assistant", "content": "ok", "reasoning_details": [one]}
    assert ask(PII, chat(message)).body["messages"][0]["reasoning_details"] == []


def test_a_signed_block_that_stands_alone_loses_its_signature() -> None:
    """Where no list holds it."""
    body = {"type": "content_block_start", "index": 0, "content_block": SIGNED}
    block = {"type": "thinking", "thinking": "ask [REDACTED:EMAIL]"}
    assert reply(PII, body).body["content_block"] == block


RENAMED = [
    ({"ann@example.org": 1, "b": 2}, {"[REDACTED:EMAIL]": 1, "b": 2}),
    (
        {"a@example.org": {"b@example.org": "c@example.org"}, "[REDACTED:EMAIL]": 0},
        {"[REDACTED:EMAIL]_": {"[REDACTED:EMAIL]": "[REDACTED:EMAIL]"}, "[REDACTED:EMAIL]": 0},
    ),
    (
        {"a@example.org": [SIGNED, {"b@example.org": 1}]},
        {"[REDACTED:EMAIL]": [{"[REDACTED:EMAIL]": 1}]},
    ),
]


@pytest.mark.parametrize(("given", "expected"), RENAMED)
def test_a_name_is_cut_in_its_place(given: Any, expected: Any) -> None:
    """No two become one, and order stays."""
    found = ask(PII, chat("hi", metadata=given)).body["metadata"]
    assert found == expected
    assert list(found) == list(expected)


MARKERS = [
    ({}, "email", "jane@example.com", "[REDACTED:EMAIL]"),
    ({"preserve_length": True}, "ssn", "123-45-6789", "[REDACTED:S"),
    ({"preserve_length": True}, "ssn", "123-45-6789 and so on", "[REDACTED:SSN]*******"),
    ({"marker_format": "asterisks"}, "ssn", "123-45-6789", "********"),
    ({"marker_format": "asterisks", "preserve_length": True}, "ssn", "123-45-6789", "***********"),
    ({"marker_format": "partial"}, "ssn", "123-45-6789", "****6789"),
    ({"marker_format": "partial", "preserve_length": True}, "ssn", "123-45-6789", "***-**-6789"),
    ({"marker_format": "partial"}, "email", "jane@example.com", "j***@example.com"),
    ({"marker_format": "partial"}, "cvv", "123", "****"),
    ({"marker_format": "partial", "preserve_length": True}, "email", "a@b.io", "*@b.io"),
    ({"marker_format": "partial"}, "email", "a@b.io", "***@b.io"),
    ({"marker_format": "partial", "preserve_length": True}, "custom", "--", "**"),
    ({"marker_format": "partial", "preserve_length": True}, "cvv", "123", "***"),
    ({"custom_markers": {"email": "<mail>"}}, "email", "jane@example.com", "<mail>"),
    ({"custom_markers": {"email": "<mail>"}}, "ssn", "123-45-6789", "[REDACTED:SSN]"),
    (
        {"custom_markers": {"email": "<mail>"}, "preserve_length": True},
        "email",
        "jane@example.com",
        "<mail>**********",
    ),
]


@given(
    text=st.text(min_size=1, max_size=30).filter(lambda text: text.strip("*") != ""),
    label=st.sampled_from(["email", "ssn", "custom"]),
    keep=st.booleans(),
)
def test_a_partial_marker_never_is_what_it_replaces(text: str, label: str, keep: bool) -> None:
    """Of any text, an address of one letter and signs alone among them."""
    redaction = {"marker_format": "partial", "custom_markers": {}, "preserve_length": keep}
    assert marker(redaction)(label, text) != text


@pytest.mark.parametrize(("redaction", "label", "text", "expected"), MARKERS)
def test_a_marker_is_what_the_policy_asks_for(
    redaction: dict[str, Any], label: str, text: str, expected: str
) -> None:
    """Each form, with and without the length of what it replaces."""
    defaults = {"marker_format": "label", "custom_markers": {}, "preserve_length": False}
    assert marker({**defaults, **redaction})(label, text) == expected
