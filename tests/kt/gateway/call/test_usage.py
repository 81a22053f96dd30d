"""The tokens of a call: as reported in each API's words, else by size."""

from __future__ import annotations

from typing import Any

import pytest

from kt.gateway.call.usage import Usage, estimate

REPORTED: list[tuple[Any, tuple[int, int, bool]]] = [
    ({"usage": {"prompt_tokens": 7, "completion_tokens": 11}}, (7, 11, True)),
    ({"usage": {"input_tokens": 7, "output_tokens": 11}}, (7, 11, True)),
    ({"type": "response.completed", "response": {"usage": {"input_tokens": 7}}}, (7, 0, True)),
    ({"type": "message_start", "message": {"usage": {"input_tokens": 7}}}, (7, 0, True)),
    ({"usage": {"output_tokens": 11}}, (3, 11, True)),
    ({"usage": {"prompt_tokens": 0, "completion_tokens": 11}}, (3, 11, True)),
    ({"usage": {"prompt_tokens": -5, "completion_tokens": -1}}, (3, 0, True)),
    ({"usage": {"prompt_tokens": "7", "completion_tokens": None}}, (3, 0, True)),
    ({"usage": {"prompt_tokens": 7.5}}, (3, 0, True)),
    ({"usage": {}}, (3, 0, True)),
    ({"usage": None}, (3, 0, False)),
    ({"usage": [7]}, (3, 0, False)),
    ({"response": {"usage": None}, "message": {"usage": {"output_tokens": 2}}}, (3, 2, True)),
    ({"choices": []}, (3, 0, False)),
    ([{"usage": {"prompt_tokens": 7}}], (3, 0, False)),
    (None, (3, 0, False)),
    ("text", (3, 0, False)),
]


@pytest.mark.parametrize(("body", "expected"), REPORTED)
def test_what_a_target_reports_is_taken(body: Any, expected: tuple[int, int, bool]) -> None:
    """And nothing that is no count; the prompt was estimated at 3."""
    usage = Usage(prompt=3)
    usage.note(body)

    assert (usage.prompt, usage.completion, usage.reported) == expected
    assert usage.total == expected[0] + expected[1]


def test_the_events_of_a_stream_add_up_to_one_answer() -> None:
    """Anthropic counts the answer more than once, and the last count is the largest."""
    usage = Usage(prompt=3)
    usage.note({"message": {"usage": {"input_tokens": 25, "output_tokens": 1}}})
    for count in (4, 15, 9):
        usage.note({"usage": {"output_tokens": count}})

    assert (usage.prompt, usage.completion) == (25, 15)


@pytest.mark.parametrize(("size", "tokens"), [(0, 1), (3, 1), (4, 1), (8, 2), (4000, 1000)])
def test_a_size_is_an_estimate_of_tokens(size: int, tokens: int) -> None:
    """Never none; and nothing beside what was reported."""
    told, untold = Usage(), Usage()
    told.note({"usage": {"prompt_tokens": 7, "completion_tokens": 11}})
    told.note_size(size)
    untold.note_size(size)

    assert estimate(size) == untold.completion == tokens
    assert told.completion == 11
