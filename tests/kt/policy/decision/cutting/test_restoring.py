"""Values put back: where, and as what is read there."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kt.policy.decision.cutting.landing import Landing
from kt.policy.decision.cutting.restoring import Room, TooMuchError, restored
from kt.policy.decision.values import Marks
from tests.kt.policy.builders import answer, calling

ODD = 'Ann "Bo" \\ \n O\u2019Neil'
MARKS = Marks({"[EMAIL_1]": "ann@example.org", "[CUSTOM_1]": ODD})


def says(body: Any) -> Any:
    """The answer's text with the values in it."""
    return restored(body, MARKS, Room())["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("to [EMAIL_1].", "to ann@example.org."),
        ("[EMAIL_1][EMAIL_1]", "ann@example.organn@example.org"),
        ("[CUSTOM_1]", ODD),
        # Invented, or not the mark.
        ("[EMAIL_2] [PHONE_1] [email_1] EMAIL_1 [EMAIL_1 ]", None),
        ("[[EMAIL_1]]", "[ann@example.org]"),
        ("[EMAIL_[EMAIL_1]", "[EMAIL_ann@example.org"),
        # JSON, cut off as well, and what only begins like it.
        ('{"to": "[CUSTOM_1]"}', json.dumps({"to": ODD}, ensure_ascii=False)),
        ('{"to": "[CUSTOM_1]', json.dumps({"to": ODD}, ensure_ascii=False)[:-2]),
        ('{to} "[CUSTOM_1]"', f'{{to}} "{ODD}"'),
        ('```json\n{"to": "[EMAIL_1]"}\n```', '```json\n{"to": "ann@example.org"}\n```'),
    ],
)
def test_a_mark_of_this_call_becomes_its_value(text: str, expected: str | None) -> None:
    """And nothing else changes."""
    assert says(answer(text)) == (text if expected is None else expected)


def test_an_answer_without_a_mark_is_the_same_one() -> None:
    """So that its bytes can go as they came."""
    body = answer("to [EMAIL_2]")
    assert restored(body, MARKS, Room()) is body
    assert restored(body, Marks({}), Room()) is body


def test_the_answer_itself_is_not_changed() -> None:
    """It is a new one, which shares what has no mark."""
    body = {**answer("to [EMAIL_1]"), "usage": {"n": 1}}
    before = copy.deepcopy(body)
    made = restored(body, MARKS, Room())

    assert body == before
    assert made["usage"] is body["usage"]


INPUTS: list[Any] = [
    {"to": "[CUSTOM_1]", "n": [1, None, {"z": "a [EMAIL_1] b"}]},
    {"[CUSTOM_1]": "[EMAIL_1]"},
    # A body that a tool posts is JSON in JSON.
    {"body": json.dumps({"to": "[CUSTOM_1]"})},
    {"body": json.dumps({"body": json.dumps(["x", "[CUSTOM_1]"])}), "to": "[CUSTOM_1]"},
    {"text": 'say "[CUSTOM_1]"'},
    {},
]


def _deep(value: Any) -> Any:
    """What a program reads out of arguments, and out of what they hold in JSON."""
    if isinstance(value, dict):
        return {_deep(key): _deep(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_deep(item) for item in value]
    if isinstance(value, str) and value.startswith(("{", "[")):
        try:
            return _deep(json.loads(value))
        except ValueError:
            return value
    return value


def _with_values(value: Any) -> Any:
    if isinstance(value, dict):
        return {_with_values(key): _with_values(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_values(item) for item in value]
    if isinstance(value, str):
        return value.replace("[EMAIL_1]", "ann@example.org").replace("[CUSTOM_1]", ODD)
    return value


@pytest.mark.parametrize("given_input", INPUTS)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_arguments_are_read_as_they_were_meant(given_input: Any, ascii_only: bool) -> None:
    """As text and as JSON, however deep the mark stands in JSON."""
    meant = _with_values(_deep(given_input))
    message = calling(json.dumps(given_input, ensure_ascii=ascii_only))
    called = restored({"choices": [{"message": message}]}, MARKS, Room())["choices"][0]["message"]
    used = restored({"content": [{"type": "tool_use", "input": given_input}]}, MARKS, Room())

    assert _deep(json.loads(called["tool_calls"][0]["function"]["arguments"])) == meant
    assert _deep(used["content"][0]["input"]) == meant


def test_an_escaped_mark_is_a_mark() -> None:
    """Some servers escape what need not be."""
    message = calling('{"to": "\\u005bEMAIL\\u005f1]", "x": "\\n"}')
    called = restored({"choices": [{"message": message}]}, MARKS, Room())["choices"][0]["message"]

    expected = '{"to": "ann@example.org", "x": "\\n"}'
    assert called["tool_calls"][0]["function"]["arguments"] == expected


def test_an_input_that_is_a_string_gets_its_values() -> None:
    """As some models write it."""
    body = {"content": [{"type": "tool_use", "input": "to [CUSTOM_1]"}]}
    assert restored(body, MARKS, Room())["content"][0]["input"] == f"to {ODD}"


UNTOUCHED: list[Any] = [
    {"choices": [{"message": calling("{}", "call_[EMAIL_1]")}]},
    {"content": [{"type": "tool_use", "name": "[EMAIL_1]", "input": {}}]},
    {"content": [{"type": "thinking", "thinking": "to [EMAIL_1]", "signature": "c2ln"}]},
    {"id": "[EMAIL_2]", "data": [{"embedding": [0.1, 0.2]}]},
    ["x", 1, None, True],
    "nothing",
    None,
]


@pytest.mark.parametrize("body", UNTOUCHED)
def test_names_and_signed_blocks_stay(body: Any) -> None:
    """The tool that was judged is the one that runs; a signature is of the text as it came."""
    assert restored(body, MARKS, Room()) is body


def test_every_choice_gets_its_values() -> None:
    """And a refusal, a transcript, whatever else is said."""
    choices = [{"message": {"content": "[EMAIL_1]", "refusal": f"{at} [EMAIL_1]"}} for at in (0, 1)]
    made = restored({"choices": choices, "note": "[EMAIL_1]"}, MARKS, Room())

    assert "[EMAIL_1]" not in json.dumps(made)


def test_what_would_grow_without_end_is_refused() -> None:
    """A long value that an answer names many times."""
    long = Marks({"[CUSTOM_1]": "x" * (1 << 20)})

    assert len(json.dumps(restored(answer("[CUSTOM_1]" * 2), long, Room()))) > 2 << 20
    with pytest.raises(TooMuchError):
        restored([answer("[CUSTOM_1]" * 9), answer("[CUSTOM_1]" * 9)], long, Room())


def test_some_places_can_be_left_out() -> None:
    """Those that go on in later events."""
    body = {"delta": "[EMAIL_1]", "note": "[EMAIL_1]"}
    made = restored(body, MARKS, Room(), besides={("delta",)})

    assert made == {"delta": "[EMAIL_1]", "note": "ann@example.org"}


_JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
        | inner.map(json.dumps)
    ),
    max_leaves=6,
)


@settings(max_examples=40)
@given(value=_JSON, size=st.integers(1, 7), odd=st.text(max_size=6), data=st.data())
def test_a_value_lands_alike_in_pieces(
    value: Any, size: int, odd: str, data: st.DataObject
) -> None:
    """What was read decides, not how it was cut."""
    text = json.dumps([value])
    end = data.draw(st.integers(0, len(text)))
    whole, pieces = Landing(), Landing()
    whole.feed(text[:end])
    for at in range(0, end, size):
        pieces.feed(text[at : min(end, at + size)])

    assert whole.written(odd) == pieces.written(odd)
