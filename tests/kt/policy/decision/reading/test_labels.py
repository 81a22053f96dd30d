"""Labels and names: what looks like one and is read all the same, and what cannot be read."""

from __future__ import annotations

from typing import Any

import pytest

from kt.policy.decision import compile_policy
from kt.policy.decision.reading.extract import parts, read, where
from kt.policy.decision.reading.passages import single
from tests.kt.policy.builders import ask, chat, compiled, policy, reply

LABELS = [
    "model", "role", "type", "id", "object", "tool_call_id", "call_id", "tool_use_id", "item_id",
    "response_id", "previous_response_id", "finish_reason", "stop_reason", "encoding_format",
    "system_fingerprint", "service_tier", "media_type", "mime_type", "signature",
    "encrypted_content", "b64_json",
]  # fmt: skip
DLP = compiled("dlp-filter", {"blocked_terms": ["Project Falcon", "Osprey"], "action": "block"})
PII = compiled("pii-detector")
SCHEMAS: dict[str, Any] = {
    "tools": lambda schema: {
        "tools": [{"type": "function", "function": {"name": "t", "parameters": schema}}]
    },
    "input_schema": lambda schema: {"tools": [{"name": "t", "input_schema": schema}]},
    "response_format": lambda schema: {
        "response_format": {"type": "json_schema", "json_schema": {"schema": schema}}
    },
    "a response's format": lambda schema: {"text": {"format": {"schema": schema}}},
}


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("place", SCHEMAS.values(), ids=SCHEMAS)
def test_a_property_that_is_named_like_a_label_is_read(label: str, place: Any) -> None:
    """Its description, its choices, its default."""
    values = [
        {"description": "about Project Falcon"},
        {"enum": ["Project Falcon"]},
        {"anyOf": [{"const": "Project Falcon"}]},
        ["Project Falcon"],
        {"default": {label: "Project Falcon"}},
    ]
    verdicts = [
        ask(DLP, chat("hi", **place({"type": "object", "properties": {label: value}}))).verdict
        for value in values
    ]

    assert verdicts == ["block"] * len(values)


@pytest.mark.parametrize("label", LABELS)
def test_prose_under_a_label_is_read_and_a_label_is_not(label: str) -> None:
    """A role, a model's name, an id that somebody wrote a sentence into."""
    plain = ("user", "gpt-4o", "call_4111111111111111", "image/png", "EqQBCgIYAhIM+/=", "a|b:c#d")

    assert [ask(PII, chat("hi", x={label: one})).verdict for one in plain] == ["allow"] * 6
    assert ask(DLP, chat("hi", x={label: "about Project Falcon"})).verdict == "block"
    assert ask(PII, chat("hi", x={label: "ann@example.org"})).verdict == "redact"
    assert reply(DLP, {"choices": [{label: "about Project Falcon"}]}).verdict == "block"


NAMES = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"]


@pytest.mark.parametrize("key", NAMES)
def test_the_names_of_a_schema_are_read(key: str) -> None:
    """Even those that an identifier could be."""
    for name in ("Project Falcon", "Osprey"):
        schema = {"type": "object", key: {"ok": {}, name: {"type": "string"}}}
        assert ask(DLP, chat("hi", **SCHEMAS["tools"](schema))).verdict == "block"


def test_a_name_that_no_protocol_would_have_is_read_anywhere() -> None:
    """And one that any might have is not."""
    assert ask(DLP, chat("hi", metadata={"about Project Falcon": 1})).verdict == "block"
    assert ask(DLP, chat("hi", metadata={"Osprey": 1})).verdict == "allow"
    assert parts(chat("hi", logit_bias={"9906": 5}), "user")[1:] == ()


def test_no_phrase_reaches_from_one_name_into_the_next() -> None:
    """They are judged as a list."""
    named = {"Project": {"type": "string"}, "Falcon": {"type": "string"}}
    found = single(read({"properties": named}, "user")[0])

    assert ask(DLP, chat("hi", **SCHEMAS["tools"]({"properties": named}))).verdict == "allow"
    assert [passage.text for passage in found] == ["Project\nqq\nFalcon"]


UNREAD: list[tuple[Any, list[tuple[str, str]]]] = [
    ({"input": [9906, 1917]}, [("tokens", "input")]),
    ({"input": [[9906], [1917, 3]]}, [("tokens", "input[0]")]),
    ({"prompt": ["a", [5]]}, [("tokens", "prompt[1]")]),
    ({"prompt": [1]}, [("tokens", "prompt")]),
    ({"input": ["a", "b"], "logit_bias": {"5": 1}, "stop": [1]}, []),
    ({"data": [{"embedding": [0.1, 2, 3], "index": 0}]}, []),
    ({"c": [{"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}]}, "image"),
    ({"c": [{"type": "input_image", "image_url": "data:image/png;base64,AA"}]}, "image"),
    ({"c": [{"type": "input_image", "file_id": "f"}]}, "image"),
    ({"c": [{"type": "image", "source": {"type": "url", "url": "https://x.test"}}]}, "image"),
    ({"c": [{"source": {"type": "base64", "media_type": "image/png", "data": "A"}}]}, "image"),
    ({"c": [{"type": "input_audio", "input_audio": {"data": "A", "format": "wav"}}]}, "audio"),
    ({"choices": [{"message": {"audio": {"data": "AA", "transcript": "hi"}}}]}, "audio"),
    ({"c": [{"type": "file", "file": {"file_id": "f"}}]}, "file"),
    ({"c": [{"type": "input_file", "file_data": "data:application/pdf;base64,A"}]}, "file"),
    ({"c": [{"type": "document", "source": {"type": "file", "file_id": "f"}}]}, "file"),
    ({"c": [{"type": "document", "source": {"type": "text", "data": "d"}}]}, []),
    ({"c": [{"type": "document", "source": {"type": "content", "content": []}}]}, []),
    ({"c": [{"type": "video_url", "video_url": {"url": "https://x.test"}}]}, "video"),
    ({"output": [{"type": "image_generation_call", "result": "AA"}]}, "image"),
    ({"c": {"url": "data:text/plain;base64,aGVsbG8="}}, []),
    ({"c": {"inline_data": {"mime_type": "audio/wav", "data": "AA"}}}, "audio"),
    ({"type": ["image"], "source": {"type": ["base64"]}}, []),
]


@pytest.mark.parametrize(("body", "expected"), UNREAD, ids=lambda value: str(value)[:60])
def test_what_cannot_be_read_is_told(body: Any, expected: Any) -> None:
    """Each sort once, with its first place."""
    found = read(body, "user")[1]

    if isinstance(expected, str):
        assert [name for name, _ in found] == [expected]
    else:
        assert [(name, where(path)) for name, path in found] == expected


IMAGE = {
    "role": "user",
    "content": [
        {"type": "text", "text": "ann@example.org"},
        {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
    ],
}


def test_what_cannot_be_read_passes_with_a_mark() -> None:
    """Whatever was decided about the rest."""
    decision = ask(PII, chat(IMAGE))

    assert (decision.verdict, decision.unjudged) == ("redact", ("image",))
    assert ask(PII, {"model": "m", "input": [5]}).unjudged == ("tokens",)
    assert ask(PII, chat("hi")).unjudged == ()
    assert ask(compiled("audit-logger"), chat(IMAGE)).unjudged == ()


def test_what_cannot_be_read_is_blocked_where_the_policy_says_so() -> None:
    """In a request and in an answer, with its place."""
    strict = compiled("pii-detector", unjudged="block")
    decision = ask(strict, chat(IMAGE))

    assert (decision.verdict, decision.policy) == ("block", "unjudged")
    assert (decision.reason_code, decision.body) == ("unjudged.image", None)
    assert decision.detections[-1].where == "messages[0].content[1]"
    assert "image" in decision.message
    assert ask(strict, chat("hi")).verdict == "allow"
    audio = {"choices": [{"message": {"audio": {"data": "AA", "transcript": "hi"}}}]}
    assert reply(strict, audio).reason_code == "unjudged.audio"


def test_a_record_says_that_something_was_blocked_unread() -> None:
    """As of every other block."""
    both = compile_policy(policy("pii-detector", "audit-logger", unjudged="block"))
    record = ask(both, {"model": "m", "input": [5]}).record

    assert record is not None
    assert (record.verdict, record.reason_code) == ("block", "unjudged.tokens")
