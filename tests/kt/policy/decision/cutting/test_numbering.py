"""Numbered marks: which number, for which value, and what is never taken for one."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kt.policy.decision import Decision, compile_policy
from kt.policy.decision.cutting.restoring import Room, apart, restored
from kt.policy.decision.values import Marks
from tests.kt.policy.builders import answer, ask, calling, chat, compiled, content, policy, reply

PUT_BACK = compiled("pii-detector", {"restore": True})
ANN, BOB = "ann@example.org", "bob@example.org"


def values(decision: Decision) -> dict[str, str]:
    """What stands behind each mark."""
    return dict(decision.marks.items())


NUMBERS = [
    (f"to {ANN} now", "to [EMAIL_1] now", {"[EMAIL_1]": ANN}),
    (f"{ANN} {BOB} {ANN}", "[EMAIL_1] [EMAIL_2] [EMAIL_1]", {"[EMAIL_1]": ANN, "[EMAIL_2]": BOB}),
    (
        f"{ANN} 203.0.113.7 {BOB}",
        "[EMAIL_1] [IP_ADDRESS_1] [EMAIL_2]",
        {"[EMAIL_1]": ANN, "[IP_ADDRESS_1]": "203.0.113.7", "[EMAIL_2]": BOB},
    ),
    # Each is put back as it was written.
    (
        "Ann@example.org ann@example.org",
        "[EMAIL_1] [EMAIL_2]",
        {"[EMAIL_1]": "Ann@example.org", "[EMAIL_2]": ANN},
    ),
    # The caller's own marks are text.
    (f"[EMAIL_1] [EMAIL_3] {ANN} {BOB}", "[EMAIL_1] [EMAIL_3] [EMAIL_2] [EMAIL_4]",
     {"[EMAIL_2]": ANN, "[EMAIL_4]": BOB}),
    (f"[PHONE_1] {ANN}", "[PHONE_1] [EMAIL_1]", {"[EMAIL_1]": ANN}),
    (f"[EMAIL_{'1' * 5000}] {ANN}", f"[EMAIL_{'1' * 5000}] [EMAIL_1]", {"[EMAIL_1]": ANN}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected", "behind"), NUMBERS)
def test_values_are_numbered_by_label(text: str, expected: str, behind: dict[str, str]) -> None:
    """In their order, equal ones alike, and past the numbers that the text has already."""
    decision = ask(PUT_BACK, text)

    assert (content(decision), values(decision)) == (expected, behind)


def test_a_call_has_one_count() -> None:
    """Over messages, tools and arguments."""
    body = chat(f"to {ANN}", calling(json.dumps({"to": BOB, "cc": ANN})), f"and {BOB}")
    decision = ask(PUT_BACK, body)
    arguments = decision.body["messages"][1]["tool_calls"][0]["function"]["arguments"]

    assert content(decision, 0) == "to [EMAIL_1]"
    assert json.loads(arguments) == {"to": "[EMAIL_2]", "cc": "[EMAIL_1]"}
    assert content(decision, 2) == "and [EMAIL_2]"


def test_a_conversation_that_grows_keeps_its_numbers() -> None:
    """So that a target that remembers prompts remembers this one."""
    first = ask(PUT_BACK, chat(f"to {ANN}"))
    second = ask(PUT_BACK, chat(f"to {ANN}", {"role": "assistant", "content": ANN}, f"or {BOB}"))

    assert content(second, 0) == content(first, 0)
    assert [content(second, at) for at in (1, 2)] == ["[EMAIL_1]", "or [EMAIL_2]"]


SPLIT = [{"type": "text", "text": "[EMA"}, {"type": "text", "text": "IL_1]"}]
ELSEWHERE: list[Any] = [
    chat({"role": "tool", "content": "[EMAIL_1]"}, ANN),
    chat(ANN, tools=[{"type": "function", "function": {"name": "t", "description": "[EMAIL_1]"}}]),
    chat(ANN, calling('{"to": "\\u005bEMAIL_1]"}')),
    chat({"role": "user", "content": SPLIT}, ANN),
    chat(ANN, tools=[{"function": {"parameters": {"properties": {"[EMAIL_1]": {}}}}}]),
]  # fmt: skip


@pytest.mark.parametrize("body", ELSEWHERE)
def test_a_mark_that_came_anywhere_in_the_request_is_not_given(body: dict[str, Any]) -> None:
    """Who wrote it, a tool or a page that was fetched, gets nobody's address for it."""
    assert values(ask(PUT_BACK, body)) == {"[EMAIL_2]": ANN}


def test_what_a_model_said_in_a_signed_block_is_no_mark_of_the_callers() -> None:
    """It comes back as it was, and speaks of the same values."""
    thought = {"type": "thinking", "thinking": "mail [EMAIL_1]", "signature": "c2ln"}
    body = chat(f"to {ANN}", {"role": "assistant", "content": [thought]})

    assert values(ask(PUT_BACK, body)) == {"[EMAIL_1]": ANN}


def test_a_mark_that_went_with_its_block_has_no_value() -> None:
    """A model that was not sent it can only have invented it."""
    thought = {"type": "thinking", "thinking": f"mail {ANN}", "signature": "c2ln"}
    body = chat({"role": "assistant", "content": [thought]}, "and now?")
    decision = ask(PUT_BACK, body)

    assert (decision.verdict, values(decision)) == ("redact", {})


def test_a_value_in_two_blocks_of_a_message_is_one() -> None:
    """The mark stands in the first, and all of the value behind it."""
    blocks = [{"type": "text", "text": "to ann@exa"}, {"type": "text", "text": "mple.org now"}]
    decision = ask(PUT_BACK, chat({"role": "user", "content": blocks}))

    assert [one["text"] for one in content(decision)] == ["to [EMAIL_1]", " now"]
    assert values(decision) == {"[EMAIL_1]": ANN}


def test_a_value_that_goes_on_in_the_next_block_is_put_back_whole() -> None:
    """By itself its first half is a value as well."""
    blocks = [{"type": "text", "text": "id ID-12"}, {"type": "text", "text": "34 now"}]
    restoring = compiled("pii-detector", {"restore": True, "detect_patterns": ["ID-[0-9]+"]})
    decision = ask(restoring, chat({"role": "user", "content": blocks}))

    assert [one["text"] for one in content(decision)] == ["id [CUSTOM_1]", " now"]
    assert values(decision) == {"[CUSTOM_1]": "ID-1234"}


def test_a_value_that_stands_in_the_next_block_by_itself_is_put_back_once() -> None:
    """Read together they are a longer one."""
    blocks = [{"type": "text", "text": f"to {ANN}"}, {"type": "text", "text": f"{BOB} now"}]
    decision = ask(PUT_BACK, chat({"role": "user", "content": blocks}))

    assert [one["text"] for one in content(decision)] == ["to [EMAIL_1]", "[EMAIL_2] now"]
    assert values(decision) == {"[EMAIL_1]": ANN, "[EMAIL_2]": BOB}


def test_what_overlaps_is_put_back_whole() -> None:
    """Two patterns that find parts of one another are one value."""
    both = {"restore": True, "detect_patterns": ["ab+", "b+c"]}
    decision = ask(compiled("pii-detector", both), "x abbbc y")

    assert content(decision) == "x [CUSTOM_1] y"
    assert values(decision) == {"[CUSTOM_1]": "abbbc"}


def test_what_another_kind_cut_out_has_no_value() -> None:
    """`dlp-filter` found more of it, and it first."""
    blocks = {"dlp-filter": {"blocked_terms": [f"key of {ANN}"]}, "pii-detector": {"restore": True}}
    decision = ask(
        compile_policy(policy("dlp-filter", "pii-detector", blocks=blocks)), f"key of {ANN}"
    )

    assert content(decision) == "[REDACTED:TERM]"
    assert values(decision) == {}


def test_a_marker_of_the_author_is_no_number() -> None:
    """Where it stands in an answer it is no value's."""
    block = {"restore": True, "redaction": {"custom_markers": {"email": "[EMAIL_1]"}}}

    assert values(ask(compiled("pii-detector", block), ANN)) == {"[EMAIL_2]": ANN}


@pytest.mark.parametrize("key", ["previous_response_id", "conversation"])
def test_a_conversation_that_the_target_keeps_gets_numbers_of_its_own(key: str) -> None:
    """The marks that it remembers are of calls whose values are gone."""
    one, other = (ask(PUT_BACK, {"input": text, key: "resp_1"}) for text in (ANN, f"or {ANN}"))
    again = ask(PUT_BACK, {"input": ANN, key: "resp_1"})

    assert len(values(one) | values(other)) == 2
    assert all(len(mark) == len("[EMAIL_123456]") for mark in values(one) | values(other))
    assert again == one


@pytest.mark.parametrize("block", [{}, {"restore": False}])
def test_without_restore_nothing_is_numbered(block: dict[str, Any]) -> None:
    """The marker says what it was, and nothing is kept."""
    decision = ask(compiled("pii-detector", block), f"to {ANN}")

    assert content(decision) == "to [REDACTED:EMAIL]"
    assert values(decision) == {}


def test_an_answer_is_not_numbered() -> None:
    """What the model says by itself did not come from the caller."""
    decision = reply(PUT_BACK, f"to {ANN}")

    assert decision.body["choices"][0]["message"]["content"] == "to [REDACTED:EMAIL]"
    assert values(decision) == {}


def test_no_words_about_a_decision_hold_a_value() -> None:
    """Whatever prints one, in a log or in an error."""
    decision = ask(PUT_BACK, f"to {ANN}")

    assert "[EMAIL_1]" in repr(decision)
    assert ANN not in repr(decision)


def test_a_blocked_request_has_no_values() -> None:
    """Its decision is remembered for a while."""
    chain = compile_policy(
        policy("pii-detector", "safety-filter", blocks={"pii-detector": {"restore": True}})
    )
    decision = ask(chain, f"Generate instructions for illegal activity, {ANN}")

    assert (decision.verdict, values(decision)) == ("block", {})


_SAID = [ANN, BOB, "203.0.113.7", "[EMAIL_1]", "[EMAIL_2]", "[", "EMAIL", "a", '"', "\\"]
_WORDS = st.lists(st.sampled_from(_SAID))


@settings(max_examples=40)
@given(words=_WORDS)
def test_an_echo_gives_back_what_was_sent(words: list[str]) -> None:
    """Whatever the text is: the marks become what they stand for, and nothing else changes."""
    text = " ".join(words)
    decision = ask(PUT_BACK, text)
    said = content(decision) if decision.body else text

    assert restored(answer(said), decision.marks, Room()) == answer(text)


def test_marks_that_may_begin_are_known_by_each_beginning() -> None:
    """At the end of a text; with its last sign a mark is whole, and nothing waits."""
    marks = Marks({"[EMAIL_1]": "x", "[EMAIL_12]": "y", "[IP_1]": "z"})
    for mark in ("[EMAIL_12]", "[IP_1]"):
        for size in range(1, len(mark)):
            assert marks.pending("see " + mark[:size]) == len("see ")
        assert marks.pending("see " + mark) == len("see " + mark)
    for text in ("", "a", "[]", "[EMAIL_2", "[X", "[email_1", "[EMAIL_1] "):
        assert marks.pending(text) == len(text)


@settings(max_examples=40)
@given(text=st.text(alphabet="[]EMAIL_12" + string.ascii_lowercase))
def test_a_text_without_a_mark_is_left_alone(text: str) -> None:
    """What only looks like one has no value."""
    assert Marks({}).find(text) == []
    assert Marks({"[PHONE_1]": "x"}).find(text) == []


@pytest.mark.parametrize(
    ("spans", "cuts", "expected"),
    [
        ([(0, 3)], [], [(0, 3)]),
        ([(0, 3), (5, 8)], [(3, 5)], [(0, 3), (5, 8)]),
        ([(0, 3), (5, 8)], [(2, 5)], [(5, 8)]),
        ([(0, 3), (5, 8)], [(6, 7)], [(0, 3)]),
        ([(2, 3), (5, 8)], [(0, 9)], []),
        ([(2, 3), (5, 8)], [(0, 1), (8, 9)], [(2, 3), (5, 8)]),
    ],
)
def test_what_touches_a_cut_is_left_out(
    spans: list[tuple[int, int]], cuts: list[tuple[int, int]], expected: list[tuple[int, int]]
) -> None:
    """A mark of which an answer's redaction takes a part is none any more."""
    found = apart([(*one, "x") for one in spans], [(*one, "y") for one in cuts])

    assert [one[:2] for one in found] == expected
