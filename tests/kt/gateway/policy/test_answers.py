"""Answers of targets: JSON as they write it, and copies of a text that was cut."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import pytest

from kt.gateway.errors import encode
from kt.gateway.policy.answers import UnreadableError, decoded, without_copies


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a": [1, null, "\xc3\xa9"]}', {"a": [1, None, "\u00e9"]}),
        (b'{"a": "hi \\ud83d bye"}', {"a": "hi \ud83d bye"}),
        (b'{"a": -Infinity}', {"a": -math.inf}),
        (b'{"a": 123456789012345678901234567890}', {"a": 123456789012345678901234567890}),
        (b" [] \n", []),
    ],
)
def test_json_is_read_as_clients_read_it(data: bytes, value: Any) -> None:
    """What the strict parser refuses, too."""
    assert decoded(data) == value


@pytest.mark.parametrize("data", [b"", b"ping", b"{", b'{"a": "\xff"}', b"[" * 100_000, b"{}{}"])
def test_what_is_no_json_is_unreadable(data: bytes) -> None:
    """Nor is what nests too deep."""
    with pytest.raises(UnreadableError):
        decoded(data)


@pytest.mark.parametrize("text", [b"1", b'"\\u003a"', b'"\\ud83d"'], ids=["plain", "colon", "half"])
def test_what_is_read_can_be_written_anew(text: bytes) -> None:
    """Also where the stack is deeper: an answer is as deep as that, or it is unreadable."""
    read = []
    for depth in range(1, 1100):
        with suppress(UnreadableError):
            read.append(decoded(b'{"a":' * depth + text + b"}" * depth))

    assert 500 < len(read) < 1000
    assert _written_below(read[-1], frames=50).count(b"{") == len(read) + 1


def _written_below(body: Any, frames: int) -> bytes:
    return _written_below(body, frames - 1) if frames else encode({"body": body})


TOKENS = {"content": [{"token": "ann@", "bytes": [97], "top_logprobs": []}]}


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (
            {"choices": [{"message": {"content": "x"}, "logprobs": TOKENS, "token_ids": [1]}]},
            {"choices": [{"message": {"content": "x"}}]},
        ),
        (
            {"output": [{"content": [{"text": "x", "logprobs": [TOKENS]}]}]},
            {"output": [{"content": [{"text": "x"}]}]},
        ),
        (
            {"choices": [{"message": {"audio": {"data": "UklGR", "transcript": "x"}}}]},
            {"choices": [{"message": {"audio": {"transcript": "x"}}}]},
        ),
        (
            {"content": [{"type": "tool_use", "input": {"logprobs": True, "data": "y"}}]},
            {"content": [{"type": "tool_use", "input": {"logprobs": True, "data": "y"}}]},
        ),
        ({"data": "y", "prompt_logprobs": [TOKENS]}, {"data": "y"}),
    ],
)
def test_copies_of_a_text_are_left_out(body: Any, left: Any) -> None:
    """By token and as sound; a tool's input has keys of its own."""
    assert without_copies(body) == left
