"""Values put back into streams: whatever the pieces, what the answer in one piece has."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kt.gateway.errors import PolicyViolationError, UpstreamError
from kt.gateway.policy.judging import Judge
from kt.gateway.stream.guard import Guard
from kt.gateway.stream.protocols import protocol_of
from kt.gateway.stream.sse import Splitter
from kt.policy.decision import Request
from kt.policy.decision.cutting.restoring import Room, restored
from kt.policy.decision.values import Marks
from tests.kt.gateway.stream.streams import (
    MARK,
    MESSAGES,
    RESPONSES,
    Policy,
    arguments,
    bodies,
    call,
    chunk,
    content,
    cut,
    loaded,
    sse,
)
from tests.kt.gateway.stream.test_calls import OBJECTS
from tests.kt.gateway.support import CHAT, chat

ODD = 'Ann "Bo" \\ \n'
ADDRESSES = {"[EMAIL_1]": "ann@example.org", "[EMAIL_12]": "bob@example.org"}
MARKS = Marks({**ADDRESSES, "[CUSTOM_1]": ODD, "[IP_ADDRESS_1]": "203.0.113.7"})
BOTH: Policy = (
    "[dlp-filter, pii-detector]",
    f"{{dlp-filter: {{action: block, blocked_terms: [{MARK}]}}, pii-detector: {{restore: true}}}}",
)
ASKED_ONLY: Policy = ("[pii-detector: {stage: pre-request}]", "{pii-detector: {restore: true}}")


def judge(policy: Policy = BOTH) -> Judge:
    """A judge that knows marks."""
    made = Judge(loaded(policy), Request(chat(stream=True), model="m"), "block")
    made.marks = MARKS
    return made


def shown(
    data: bytes, route: str = CHAT, policy: Policy = BOTH, *, is_broken: bool = False
) -> tuple[bytes, str]:
    """The bytes that a client sees of a stream, event by event, and what stopped it."""
    guard = Guard(judge(policy), protocol_of(route))
    seen = b""
    try:
        for event in Splitter(1 << 20).feed(data):
            seen += guard.feed([event]) + guard.flush()
            assert b"[EMAIL_1" not in seen
        seen += guard.finish(is_broken=is_broken)
    except PolicyViolationError as exc:
        return seen, str(exc.details["reason_code"])
    return seen, ""


def whole(body: Any, policy: Policy = BOTH) -> Any:
    """The same answer in one piece."""
    decision = judge(policy).look(body)
    return restored(body if decision.body is None else decision.body, MARKS, Room())


def says(text: str) -> str:
    """A text of an answer in one piece."""
    message = {"role": "assistant", "content": text}
    said: str = whole({"choices": [{"index": 0, "message": message}]})["choices"][0]["message"][
        "content"
    ]
    return said


TEXTS = [
    "Dear [EMAIL_1], I wrote to [EMAIL_12] as well.",
    "[EMAIL_1]",
    "[EMAIL_1][EMAIL_12]",
    "a [[EMAIL_1]] b [EMAIL_3] [EMAIL_ [ [E",
    "mine is eve@example.net, yours [EMAIL_1]",
    "[CUSTOM_1] and 203.0.113.7",
    '{"to": "[CUSTOM_1]", "cc": ["[EMAIL_1]"]}',
    '{"to": "\\u0022[CUSTOM_1]", "x": "{\\"y\\": \\"[CUSTOM_1]\\"}"}',
    "x [EMAIL_1",
]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 200])
@pytest.mark.parametrize("text", TEXTS)
def test_a_stream_has_what_the_answer_in_one_piece_has(text: str, size: int) -> None:
    """Wherever it is cut; no part of a mark is shown before it."""
    guard = Guard(judge(), protocol_of(CHAT))
    data = sse(
        *(chunk({"content": piece}) for piece in cut(text, size)), chunk({}, "stop"), "[DONE]"
    )
    seen = guard.feed(Splitter(1 << 20).feed(data)) + guard.finish()

    assert content(seen) == says(text)


_SIGNS = ["[EMAIL_1]", "[EMAIL_12]", "[CUSTOM_1]", "[EMAIL_", "[", "]", '"', "{", ":", " ", "a"]
_PIECES = st.lists(st.sampled_from([*_SIGNS, "eve@example.net"]))


@settings(max_examples=40)
@given(pieces=_PIECES, size=st.integers(1, 6))
def test_any_text_is_as_in_one_piece(pieces: list[str], size: int) -> None:
    """JSON, its beginnings, quotation marks and half marks."""
    text = "".join(pieces)
    data = sse(*(chunk({"content": piece}) for piece in cut(text, size)), chunk({}, "stop"))
    guard = Guard(judge(), protocol_of(CHAT))
    seen = guard.feed(Splitter(1 << 20).feed(data)) + guard.finish()

    assert content(seen) == says(text)


ARGUMENTS: list[Any] = [
    {"to": "[CUSTOM_1]", "n": ["[EMAIL_1]", 1]},
    {"body": json.dumps({"to": "[CUSTOM_1]", "[EMAIL_12]": 1})},
]


@pytest.mark.parametrize("size", [1, 3, 200])
@pytest.mark.parametrize("given_input", ARGUMENTS)
def test_arguments_stay_json(given_input: Any, size: int) -> None:
    """The value is escaped for each string that it stands in."""
    text = json.dumps(given_input)
    pieces = [call(piece, index=0) for piece in cut(text, size)]
    seen, stopped = shown(sse(call("", "save", index=0, id="a"), *pieces, chunk({}, "tool_calls")))
    message = {"tool_calls": [{"function": {"name": "save", "arguments": text}}]}
    expected = whole({"choices": [{"message": message}]})["choices"][0]["message"]

    assert stopped == ""
    assert "".join(arguments(seen)) == expected["tool_calls"][0]["function"]["arguments"]
    assert "[" not in json.dumps(json.loads("".join(arguments(seen)))).replace('["', "")


@pytest.mark.parametrize(("route", "event"), OBJECTS.values(), ids=OBJECTS)
def test_an_input_that_is_no_text_stays_none(route: str, event: Callable[[Any], Any]) -> None:
    """A value is put into its strings, and into JSON that they hold, whichever event it is."""
    given = {"to": "[EMAIL_1]", "o": ["[CUSTOM_1]", json.dumps({"x": "[CUSTOM_1]"})]}
    expected = {"to": "ann@example.org", "o": [ODD, json.dumps({"x": ODD})]}
    seen, code = shown(sse(event(given)), route)

    assert code == ""
    assert bodies(seen) == [event(expected)]
    assert whole(event(given)) == event(expected)


def test_what_may_become_a_mark_waits_and_all_else_does_not() -> None:
    """The first sign of a mark holds the text, another sign lets it go."""
    guard = Guard(judge(ASKED_ONLY), protocol_of(CHAT))
    seen = []
    for piece in ("one ", "two [EM", "AIL_1", "] three [x"):
        fed = guard.feed(Splitter(1 << 20).feed(sse(chunk({"content": piece}))))
        seen.append(fed + guard.flush())

    assert [content(data) for data in seen] == ["one ", "", "", "two ann@example.org three [x"]


def test_two_choices_have_texts_of_their_own() -> None:
    """A mark that begins in one does not end in the other."""
    deltas = [(0, "to [EMA"), (1, "or [EMA"), (0, "IL_1]"), (1, "IL_12]")]
    events = [{"choices": [{"index": at, "delta": {"content": text}}]} for at, text in deltas]
    seen, _ = shown(sse(*events, "[DONE]"))
    said = {0: "", 1: ""}
    for body in bodies(seen):
        for choice in body["choices"]:
            said[choice["index"]] += choice["delta"]["content"]

    assert said == {0: "to ann@example.org", 1: "or bob@example.org"}


def _block(index: int, kind: str, **delta: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **delta}}


def test_messages_get_text_and_input_and_no_thinking() -> None:
    """A thought goes back to its target, which signed it."""
    text = [_block(1, "text_delta", text=piece) for piece in cut("to [EMAIL_1]!", 4)]
    given_input = json.dumps({"to": "[CUSTOM_1]"})
    pieces = [_block(2, "input_json_delta", partial_json=piece) for piece in cut(given_input, 4)]
    use = {"type": "tool_use", "id": "t", "name": "save", "input": {}}
    seen, stopped = shown(
        sse(
            _block(0, "thinking_delta", thinking="to [IP_ADDRESS_1]"),
            {"type": "content_block_stop", "index": 0},
            *text,
            {"type": "content_block_start", "index": 2, "content_block": use},
            *pieces,
            {"type": "content_block_stop", "index": 2},
            {"type": "message_stop"},
            named=True,
        ),
        MESSAGES,
    )
    deltas = [body["delta"] for body in bodies(seen) if "delta" in body]

    assert stopped == ""
    assert [one["thinking"] for one in deltas if "thinking" in one] == ["to [IP_ADDRESS_1]"]
    assert "".join(one.get("text", "") for one in deltas) == "to ann@example.org!"
    assert json.loads("".join(one.get("partial_json", "") for one in deltas)) == {"to": ODD}


def test_responses_say_the_same_in_their_last_events() -> None:
    """What was said in pieces is said again in one, for those who wait for it."""
    place = {"item_id": "i", "output_index": 0, "content_index": 0}
    text = "to [CUSTOM_1] and [EMAIL_12]"
    deltas = [
        {"type": "response.output_text.delta", **place, "delta": piece} for piece in cut(text, 3)
    ]
    part = {"type": "output_text", "text": text}
    item = {"type": "message", "id": "i", "role": "assistant", "content": [part]}
    ended = {"type": "response.completed", "response": {"id": "r", "output": [item]}}
    done = {"type": "response.output_text.done", **place, "text": text}
    seen, stopped = shown(sse(*deltas, done, ended, named=True), RESPONSES)
    expected = f"to {ODD} and bob@example.org"
    said = bodies(seen)

    assert stopped == ""
    assert "".join(body["delta"] for body in said if "delta" in body) == expected
    assert said[-2]["text"] == expected
    assert said[-1]["response"]["output"][0]["content"][0]["text"] == expected


def test_text_completions_get_their_values() -> None:
    """The oldest of the protocols."""
    events = [{"choices": [{"index": 0, "text": piece}]} for piece in cut("to [EMAIL_1].", 3)]
    seen, _ = shown(sse(*events, "[DONE]"), "/v1/completions")

    assert "".join(body["choices"][0]["text"] for body in bodies(seen)) == "to ann@example.org."


def test_a_copy_by_token_goes_with_the_mark() -> None:
    """It would say another text."""
    pieces = ["to ", "[EMA", "IL_12", "] now"]
    events = [
        chunk({"content": piece}) | {"choices": [{"index": 0, "delta": {"content": piece},
        "logprobs": {"content": [{"token": piece}]}}]} for piece in pieces
    ]  # fmt: skip
    seen, _ = shown(sse(*events, chunk({}, "stop")))

    assert content(seen) == "to bob@example.org now"
    assert b"EMA" not in seen


def test_copies_of_a_text_stay_beside_another_string_with_a_mark() -> None:
    """They are of the text, which says the same as they do."""
    choice = {"index": 0, "delta": {"content": "x"}, "logprobs": {"content": [{"token": "x"}]}}
    seen, _ = shown(sse({"choices": [choice], "note": "[EMAIL_12]"}, chunk({}, "stop")))

    assert bodies(seen)[0] == {"choices": [choice], "note": "bob@example.org"}


@pytest.mark.parametrize("policy", [BOTH, ASKED_ONLY])
def test_strings_that_no_table_names_get_their_values(policy: Policy) -> None:
    """Citations beside a text, and the second time as the first."""
    event = chunk({"content": "x"}, citations=["[EMAIL_12]"])
    seen, _ = shown(sse(event, event, chunk({}, "stop")), policy=policy)

    assert [body.get("citations") for body in bodies(seen)] == [["bob@example.org"]] * 2 + [None]


def test_what_the_model_says_by_itself_is_redacted_and_not_put_back() -> None:
    """The answer is judged as it came; what is put back came from the client."""
    seen, _ = shown(sse(*(chunk({"content": c}) for c in cut("eve@example.net or [EMAIL_12]", 4))))

    assert content(seen) == "[REDACTED:EMAIL] or bob@example.org"


def test_a_stream_that_is_stopped_shows_no_part_of_a_mark() -> None:
    """Neither of the one before what stopped it, nor of one that has begun."""
    text = f"to [EMAIL_12] about {MARK}, and [EMAIL_1"
    seen, stopped = shown(sse(*(chunk({"content": piece}) for piece in cut(text, 4))))

    assert stopped == "dlp_filter.detected"
    assert content(seen) in ("", "to bob@example.org about ", "to bob@example.org")


@pytest.mark.parametrize("text", ["to [EMAIL_12] and [EMAIL_1", '{"to": "[EMAIL_12]", "cc": "[EM'])
def test_a_target_that_fails_leaves_no_half_mark(text: str) -> None:
    """What it said before is the client's."""
    seen, _ = shown(sse(*(chunk({"content": piece}) for piece in cut(text, 4))), is_broken=True)

    assert content(seen) == text[: text.rindex("[")].replace("[EMAIL_12]", "bob@example.org")


def test_a_redaction_is_kept_where_a_target_fails() -> None:
    """Also when it reaches over what may have become a mark."""
    policy = ("[pii-detector]", "{pii-detector: {restore: true, detect_patterns: ['key=[^ ]+']}}")
    seen, _ = shown(sse(chunk({"content": "a key=x9[EMA"})), policy=policy, is_broken=True)

    assert content(seen) == "a [REDACTED:CUSTOM]"


def test_a_stream_that_would_grow_without_end_is_ended() -> None:
    """A long value that it names many times, in its texts or beside them."""
    asked = judge(ASKED_ONLY)
    asked.marks = Marks({"[CUSTOM_1]": "x" * (1 << 20)})
    for event in (chunk({"content": "[CUSTOM_1]" * 6}), chunk({}, note=["[CUSTOM_1]"] * 20)):
        guard = Guard(asked, protocol_of(CHAT))
        with pytest.raises(UpstreamError, match="too large"):
            guard.feed([sse(event)] * 3)


def test_bytes_without_a_mark_are_as_they_came() -> None:
    """Only events that held one are other ones."""
    data = sse(*(chunk({"content": piece}) for piece in ("one  ", "two ", "three")), "[DONE]")

    assert shown(data)[0] == data


def test_a_stream_that_nobody_judges_may_hold_what_cannot_be_read() -> None:
    """Values are put back where there is something to read."""
    data = sse(chunk({"content": "[EMAIL_12]"})) + b"data: half a {\n\n"
    seen, stopped = shown(data, policy=ASKED_ONLY)

    assert stopped == ""
    assert seen.endswith(b"data: half a {\n\n")
    assert content(seen.split(b"data: half")[0]) == "bob@example.org"
