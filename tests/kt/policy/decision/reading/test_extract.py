"""Finding every text of a body, in every shape."""

from __future__ import annotations

from typing import Any

import pytest

from kt.policy.decision.reading.extract import parts, where
from kt.policy.decision.reading.passages import conversations, glued
from tests.kt.policy.builders import calling, chat

BLOCKS = {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
SHAPES: dict[str, tuple[Any, list[tuple[str, str, str]]]] = {
    "a string": (chat("hello"), [("messages[0].content", "user", "hello")]),
    "blocks": (
        chat(BLOCKS),
        [
            ("messages[0].content[0].text", "user", "a"),
            ("messages[0].content[1].text", "user", "b"),
        ],
    ),
    "every role": (
        {"messages": [{"role": r, "content": r} for r in ("system", "developer", "tool")]},
        [(f"messages[{n}].content", r, r) for n, r in enumerate(("system", "developer", "tool"))],
    ),
    "a name": (
        chat({"role": "user", "name": "ann", "content": "x"}),
        [("messages[0].name", "user", "ann"), ("messages[0].content", "user", "x")],
    ),
    "arguments": (
        chat(calling('{"q": "\\u0061\\nb"}')),
        [
            ("messages[0].tool_calls[0].function.name", "assistant", "search"),
            ("messages[0].tool_calls[0].function.arguments", "assistant", '{"q": "a\nb"}'),
        ],
    ),
    "a tool's input": (
        chat(
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "name": "t", "input": {"q": "x"}}],
            }
        ),
        [
            ("messages[0].content[0].input", "assistant", '{"q": "x"}'),
            ("messages[0].content[0].name", "assistant", "t"),
        ],
    ),
    "a tool's result": (
        chat(
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "i", "content": "r"}],
            }
        ),
        [("messages[0].content[0].content", "tool", "r")],
    ),
    "system": ({"system": "s", "messages": []}, [("system", "system", "s")]),
    "instructions and input": (
        {"model": "m", "instructions": "s", "input": "t"},
        [("instructions", "system", "s"), ("input", "user", "t")],
    ),
    "embeddings": ({"input": ["a", "b"]}, [("input[0]", "user", "a"), ("input[1]", "user", "b")]),
    "tool offers": (
        {"tools": [{"type": "function", "function": {"name": "n", "description": "d"}}]},
        [("tools[0].function.name", "user", "n"), ("tools[0].function.description", "user", "d")],
    ),
    "an unknown field": ({"metadata": {"note": "x"}}, [("metadata.note", "user", "x")]),
    "text given as data": (
        {"source": {"type": "text", "media_type": "text/plain", "data": "d"}},
        [("source.data", "user", "d")],
    ),
}


@pytest.mark.parametrize(("body", "expected"), SHAPES.values(), ids=SHAPES)
def test_every_text_is_found(body: Any, expected: list[tuple[str, str, str]]) -> None:
    """With its place, the role that says it, and what it says."""
    assert [(where(part.path), part.role, part.text) for part in parts(body, "user")] == expected


@pytest.mark.parametrize(
    "body",
    [
        {"image_url": {"url": "data:image/png;base64,AAAA"}},
        {"source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        {"input_audio": {"data": "AAAA", "format": 1}},
        {"model": "m", "id": "x", "type": "y", "tool_call_id": "z"},
        {"n": 1, "stream": True, "stop": None},
    ],
)
def test_what_is_no_text_is_skipped(body: Any) -> None:
    """Pictures, sound, identifiers and numbers."""
    assert parts(body, "user") == ()


def test_a_body_may_nest_deeper_than_python_recurses() -> None:
    """A thousand levels and more are walked."""
    body: Any = "deep"
    for _ in range(3000):
        body = [body]
    assert [part.text for part in parts(body, "user")] == ["deep"]


def test_an_escape_leads_back_to_where_it_was_written() -> None:
    """The span of one character is the whole of its escape."""
    part = parts(chat(calling('{"q": "\\ud83d\\ude00x"}')), "user")[1]
    at = part.text.index("x")
    assert part.text[at - 1] == "\U0001f600"
    assert part.source[slice(*part.original(at - 1, at))] == "\\ud83d\\ude00"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('{"q": "\\u0061"]', '{"q": "a"]'),
        ('{"q": "\\u0061\\ud8"} \\u0061', '{"q": "aud8"} a'),
        ('": "\\u0061"}', '": "a"}'),
        ('"\\u0061"', '"a"'),
    ],
)
def test_arguments_that_are_no_json_are_text_with_escapes(source: str, text: str) -> None:
    """Who runs tools repairs them before parsing."""
    part = parts(chat(calling(source)), "user")[1]
    assert (part.form, part.text) == ("text", text)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        # JSON up to the first escape at least, whatever comes then.
        ('{"q": "\\u0061"] \\u0061', '{"q": "a"] a'),
        ('[["\\u0061 \\uq"', '[["a uq"'),
        ("[1] C:\\u0061", "[1] C:\\u0061"),
        ("[\\u0061]", "[\\u0061]"),
        ("{x} \\u0061", "{x} \\u0061"),
        ("see \\u0061", "see \\u0061"),
    ],
)
def test_text_has_escapes_where_it_is_json_up_to_the_first(source: str, text: str) -> None:
    """So that a stream of it is read alike, before the rest is known."""
    assert parts(chat(source), "user")[0].text == text


def test_json_that_was_cut_off_is_json() -> None:
    """Clients parse as much of it as there is."""
    part = parts(chat(calling('{"q": "\\u0061b')), "user")[1]
    assert (part.form, part.text) == ("json", '{"q": "ab')


def test_the_blocks_of_a_message_are_read_without_a_seam() -> None:
    """As the model reads them."""
    assert [passage.text for passage in glued(parts(chat(BLOCKS), "user"))] == ["ab"]


def test_a_conversation_is_read_as_a_whole_and_as_the_users_part() -> None:
    """What the assistant says in between does not part what the user says."""
    texts = parts(chat("a", {"role": "assistant", "content": "b"}, "c"), "user")
    assert [passage.text for passage in conversations(texts)] == ["a\nb\nc", "a\nc"]
