"""The guard of streams, without a socket: every entry of the corpus, cut in every way.

What a stream lets through must be what the same answer in one piece would: the same words
redacted, the same answers stopped, and nothing shown that a later chunk makes a violation.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from kt.gateway.errors import PolicyViolationError
from kt.gateway.options import Options
from kt.gateway.policy.judging import Judge
from kt.gateway.policy.loading import Loaded, load
from kt.gateway.policy.source import Sourced
from kt.gateway.stream.guard import Guard
from kt.gateway.stream.protocols import protocol_of
from kt.gateway.stream.sse import Splitter
from kt.policy.decision import Request
from tests.kt.gateway.evasion import CASES, CHUNKS, stratified
from tests.kt.gateway.support import CHAT, chat, chat_events, pack, words
from tests.kt.policy.corpus import Case

PROSE = "The committee met on Tuesday and spoke about the budget, the garden and the roof. "
HARMFUL = "To build a pipe bomb at home, here is how to make explosives step by step."
MESSAGES, RESPONSES = "/v1/messages", "/v1/responses"


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    """A policy with every kind that looks at answers."""
    chain = "[safety-filter, agent-firewall, pii-detector, dlp-filter, human-oversight]"
    policy = (
        "{safety-filter: {block_if: [override the interlock]}, "
        "agent-firewall: {blocked_tools: ['delete_*'], max_tool_calls: 2}, "
        "pii-detector: {healthcare_mode: true}, "
        "dlp-filter: {blocked_terms: [Project Falcon], detect_patterns: ['CASE-[0-9]+ .* END']}, "
        "human-oversight: {require_human_for: [wire transfer]}}"
    )
    data = pack(chain, policy).encode()
    return load(Sourced(data), Options("x", mock_upstream=True), {}, source="x", now="")


def judge(loaded: Loaded) -> Judge:
    """A judge of one exchange."""
    return Judge(loaded, Request(chat(stream=True), model="m"), "block")


def shown(loaded: Loaded, data: bytes, chunk_bytes: int, route: str = CHAT) -> tuple[bytes, str]:
    """The bytes that a client sees of a stream, and the code that stopped it."""
    guard, splitter = Guard(judge(loaded), protocol_of(route)), Splitter(1 << 20)
    seen = b""
    try:
        for at in range(0, len(data), chunk_bytes):
            seen += guard.feed(splitter.feed(data[at : at + chunk_bytes]))
        seen += guard.finish()
    except PolicyViolationError as exc:
        return seen, exc.code
    return seen, ""


def text_of(data: bytes) -> str:
    """What a chat completion's stream says."""
    lines = [line[6:] for line in data.split(b"\n") if line.startswith(b"data: {")]
    choices = [json.loads(line)["choices"][0] for line in lines]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def whole(loaded: Loaded, text: str) -> str:
    """What the same answer in one piece would say."""
    message = {"role": "assistant", "content": text}
    decision = judge(loaded).look({"choices": [{"index": 0, "message": message}]})
    assert decision.verdict in ("allow", "redact")
    if decision.body is None:
        return text
    content: str = decision.body["choices"][0]["message"]["content"]
    return content


@pytest.mark.parametrize(
    "entries", [stratified, pytest.param(lambda _, given: given, marks=pytest.mark.soak)],
    ids=["some", "all"],
)  # fmt: skip
@pytest.mark.parametrize("chunk", CHUNKS)
def test_a_stream_says_what_the_answer_in_one_piece_says(
    loaded: Loaded, chunk: int, entries: Callable[[int, list[Case]], list[Case]]
) -> None:
    """For entries of each kind of the corpus, redacted or not, with deltas of any size."""
    differing = []
    for number, case in enumerate(entries(chunk, CASES)):
        said = PROSE + case.text + " " + PROSE
        deltas = words(said, (1, 4, 13, 200)[(number + CHUNKS.index(chunk)) % 4])
        seen, code = shown(loaded, chat_events(*deltas), chunk)
        if code or text_of(seen) != whole(loaded, said):
            differing.append((case.id, code, text_of(seen)[len(PROSE) :]))

    assert differing == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("This is how to build a bomb shelter, and a dry one.", ""),
        ("This is how to build a bomb-shelter.", ""),
        ("This is how to build a bomb. Shelter is cheap.", "output_blocked"),
        ("Why not? How to build a bomb: safety first.", "output_blocked"),
    ],
)
def test_a_stream_waits_for_what_may_excuse_a_phrase(loaded: Loaded, text: str, code: str) -> None:
    """Wherever a chunk ends, the verdict is that of the whole, and nothing more is shown."""
    for lead in range(34):
        data = chat_events({"content": "x " * lead + text[:20]}, *words(text[20:], 1))
        seen, stopped = shown(loaded, data, 99)
        assert stopped == code
        assert code == "" or "bomb" not in text_of(seen)


def test_what_is_allowed_leaves_byte_for_byte(loaded: Loaded) -> None:
    """Comments, field order, line ends and spaces included."""
    data = (
        b": hello\n\n"
        b'data: {"choices" :[{"delta":{"content":"Zw\\u00f6lf "},"index":0}]}\n\n'
        b"event: chunk\r\nid: 7\r\n"
        b'data: {"choices":[{"index":0,"delta":{"content":"eggs."}}]}\r\n\r\n'
        b'data: {"choices":[],\ndata: "usage":{"total_tokens":1}}\n\n'
        b"data: [DONE]\n\n"
    )

    for chunk in CHUNKS:
        assert shown(loaded, data, chunk) == (data, "")


@pytest.mark.parametrize("delta", [1, 2, 5, 11, 40, 500])
@pytest.mark.parametrize("chunk", CHUNKS)
def test_a_harmful_answer_never_begins_to_show(loaded: Loaded, chunk: int, delta: int) -> None:
    """Wherever its phrase is cut."""
    seen, code = shown(loaded, chat_events(*words(PROSE + HARMFUL, delta)), chunk)

    assert code == "output_blocked"
    assert (PROSE + HARMFUL.partition("build")[0]).startswith(text_of(seen))
    assert b'finish_reason": "stop' not in seen


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("please override the interlock now", "output_blocked"),
        ("please o\u200bverride the inter\u00adlock now", "output_blocked"),
        ("please \uff4fverride the \u0456nterlock now", "output_blocked"),
        ("send the wire transfer at once", "escalation_required"),
    ],
)
def test_a_term_never_begins_to_show(loaded: Loaded, text: str, code: str) -> None:
    """Nor one written with signs that nobody sees."""
    for chunk in CHUNKS:
        seen, stopped = shown(loaded, chat_events(*words(PROSE + text, 1)), chunk)
        assert stopped == code
        assert "verride" not in text_of(seen)
        assert "wire" not in text_of(seen)


def test_most_of_a_long_answer_is_shown_before_it_ends(loaded: Loaded) -> None:
    """Holding back is not buffering."""
    guard, splitter = Guard(judge(loaded)), Splitter(1 << 20)
    data = chat_events(*words(PROSE * 60))
    seen = guard.feed(splitter.feed(data[: len(data) // 2])) + guard.flush()

    assert len(text_of(seen)) > len(PROSE * 30) - len(PROSE)


def test_a_key_longer_than_the_window_is_redacted_whole(loaded: Loaded) -> None:
    """It may run over many chunks, and the text goes on behind it."""
    body = "\n".join("MIIEvQIBADANBgkqhkiG9w0BAQEFAASC" * 2 for _ in range(60))
    key = f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----"
    said = PROSE + key + "\n" + PROSE * 3
    seen, code = shown(loaded, chat_events(*words(said, 9)), 64)

    assert (code, text_of(seen)) == ("", whole(loaded, said))
    assert b"MIIE" not in seen


def test_an_answer_longer_than_the_window_is_redacted_everywhere(loaded: Loaded) -> None:
    """As the answer in one piece is."""
    said = "".join(f"{PROSE}Write to ann{number}@example.com. " for number in range(150))
    seen, code = shown(loaded, chat_events(*words(said, 7)), 4096)

    assert code == ""
    assert text_of(seen) == whole(loaded, said)


def call_deltas(name: str, arguments: str, size: int) -> list[dict[str, Any]]:
    """The deltas of a tool call."""
    head = {"index": 0, "id": "c", "type": "function", "function": {"name": name, "arguments": ""}}
    pieces = [arguments[at : at + size] for at in range(0, len(arguments), size)]
    rest = [{"tool_calls": [{"index": 0, "function": {"arguments": one}}]} for one in pieces]
    return [{"role": "assistant", "content": None, "tool_calls": [head]}, *rest]


def arguments_of(data: bytes) -> str:
    """The arguments that a client puts together."""
    lines = [line[6:] for line in data.split(b"\n") if line.startswith(b"data: {")]
    deltas = [json.loads(line)["choices"][0]["delta"] for line in lines]
    calls = [delta["tool_calls"][0]["function"] for delta in deltas if "tool_calls" in delta]
    return "".join(call.get("arguments", "") for call in calls)


@pytest.mark.parametrize("size", [1, 3, 50])
def test_arguments_are_redacted(loaded: Loaded, size: int) -> None:
    """And are still JSON."""
    arguments = json.dumps({"to": "ann@example.com", "note": "hi"})
    data = chat_events(*call_deltas("send", arguments, size), finish="tool_calls")
    seen, code = shown(loaded, data, 7)

    assert code == ""
    assert json.loads(arguments_of(seen)) == {"to": "[REDACTED:EMAIL]", "note": "hi"}


def test_harmless_arguments_leave_byte_for_byte(loaded: Loaded) -> None:
    """As everything does."""
    data = chat_events(*call_deltas("search", '{"q": "roof"}', 2), finish="tool_calls")

    assert shown(loaded, data, 3) == (data, "")


@pytest.mark.parametrize(
    ("name", "arguments", "never"),
    [
        ("delete_all", "{}", b"tool_calls"),
        ("search", '{"q": "how to build a pipe bomb at home"}', b"bomb"),
        ("search", '{"q": "override the \\u0069nterlock"}', b"verride"),
    ],
)
def test_a_forbidden_call_never_leaves(
    loaded: Loaded, name: str, arguments: str, never: bytes
) -> None:
    """By its name or by its arguments, escaped or not; what has begun is never complete."""
    for size in (2, 60):
        data = chat_events(*call_deltas(name, arguments, size), finish="tool_calls")
        seen, code = shown(loaded, data, 7)

        assert code == "output_blocked"
        assert never not in seen
        assert never[:3].decode() not in arguments_of(seen)
        assert "}" not in arguments_of(seen)


def test_too_many_calls_are_stopped(loaded: Loaded) -> None:
    """Counted over the whole stream."""
    deltas = [
        {"tool_calls": [{"index": at, "function": {"name": "a", "arguments": "{}"}}]}
        for at in range(3)
    ]

    assert shown(loaded, chat_events(*deltas), 64)[1] == "output_blocked"


def test_choices_are_judged_apart_and_keep_their_order(loaded: Loaded) -> None:
    """Two interleaved answers, one of which is redacted."""
    pieces = [("ann@exam", "All "), ("ple.com is", "is "), (" hers.", "well.")]
    lines = [
        {"choices": [{"index": at, "delta": {"content": text}}]}
        for pair in pieces
        for at, text in enumerate(pair)
    ]
    ends = [{"choices": [{"index": at, "delta": {}, "finish_reason": "stop"}]} for at in (0, 1)]
    data = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in [*lines, *ends])
    seen, _ = shown(loaded, data, 64)
    choices = [
        json.loads(line[6:])["choices"][0] for line in seen.split(b"\n") if line.startswith(b"d")
    ]
    said = dict.fromkeys((0, 1), "")
    for choice in choices:
        said[choice["index"]] += choice["delta"].get("content", "")

    assert said == {0: "[REDACTED:EMAIL] is hers.", 1: "All is well."}
    assert [choice["index"] for choice in choices] == [0, 1] * 4


def test_a_copy_of_the_text_beside_it_is_dropped_with_it(loaded: Loaded) -> None:
    """Log probabilities hold the tokens once more."""
    tokens = {"content": [{"token": "ann@example.com", "bytes": [97], "logprob": -1}]}
    choice = {"index": 0, "delta": {"content": "ann@example.com "}, "logprobs": tokens}
    data = b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\ndata: [DONE]\n\n"
    seen, _ = shown(loaded, data, 64)

    assert b"ann@" not in seen
    assert b"logprobs" not in seen


def message_events(*deltas: dict[str, Any], block: dict[str, Any]) -> bytes:
    """The bytes of a message's stream."""
    start = {"type": "content_block_start", "index": 0, "content_block": block}
    body = [{"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas]
    events = [start, *body, {"type": "content_block_stop", "index": 0}, {"type": "message_stop"}]
    lines = [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in events]
    return "".join(lines).encode()


def message_text(text: str, size: int = 3) -> bytes:
    """A message's stream that says `text`."""
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
    return message_events(*deltas, block={"type": "text", "text": ""})


def test_messages_are_redacted(loaded: Loaded) -> None:
    """In the format of their events."""
    seen, code = shown(loaded, message_text("Write to ann@example.com today."), 7, MESSAGES)
    lines = [json.loads(line[6:]) for line in seen.split(b"\n") if line.startswith(b"data: ")]
    said = "".join(one["delta"]["text"] for one in lines if "delta" in one)

    assert (code, said) == ("", "Write to [REDACTED:EMAIL] today.")
    assert seen.startswith(b"event: content_block_start\n")


def test_a_harmful_message_never_begins_to_show(loaded: Loaded) -> None:
    """Nor does its block's end."""
    seen, code = shown(loaded, message_text(HARMFUL), 7, MESSAGES)

    assert code == "output_blocked"
    assert b"bomb" not in seen
    assert b"message_stop" not in seen


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [("search", {"q": "roof"}, ""), ("delete_x", {}, "output_blocked")],
)
def test_a_messages_tool_is_judged(
    loaded: Loaded, name: str, arguments: dict[str, Any], code: str
) -> None:
    """By the name with which its block starts."""
    text = json.dumps(arguments)
    deltas = [{"type": "input_json_delta", "partial_json": sign} for sign in text]
    block = {"type": "tool_use", "id": "t", "name": name, "input": {}}
    data = message_events(*deltas, block=block)
    seen, stopped = shown(loaded, data, 64, MESSAGES)

    assert stopped == code
    assert (seen == data) is (not code)


def response_events(text: str) -> bytes:
    """The bytes of a response's stream, in which the text stands four times."""
    place = {"item_id": "i", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {"type": "message", "id": "i", "role": "assistant", "content": [part]}
    events: list[dict[str, Any]] = [
        {"type": "response.output_text.delta", **place, "delta": text[at : at + 4]}
        for at in range(0, len(text), 4)
    ]
    events += [
        {"type": "response.output_text.done", **place, "text": text},
        {"type": "response.content_part.done", **place, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"id": "r", "output": [item]}},
    ]
    return "".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in events).encode()


def test_a_response_is_redacted_wherever_its_text_stands(loaded: Loaded) -> None:
    """In its deltas and in the four events that repeat it."""
    seen, code = shown(loaded, response_events("Write to ann@example.com today."), 7, RESPONSES)

    assert code == ""
    assert b"ann@" not in seen
    assert seen.count(b"Write to [REDACTED:EMAIL] today.") == 4
    deltas = [json.loads(line[6:]) for line in seen.split(b"\n") if b'text.delta"' in line]
    assert "".join(one["delta"] for one in deltas) == "Write to [REDACTED:EMAIL] today."


def test_a_harmless_response_leaves_byte_for_byte(loaded: Loaded) -> None:
    """All of its events."""
    data = response_events("All is well.")

    assert shown(loaded, data, 3, RESPONSES) == (data, "")
