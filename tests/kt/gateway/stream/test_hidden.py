"""What a text hides, in streams: cut as in the whole answer, however it comes."""

from __future__ import annotations

import random

import pytest

from tests.kt.gateway.stream.streams import chunk, content, cut, shown, sse, whole
from tests.kt.policy.decision.reading.hidden.disguises import CODES, ESCAPES

POLICY = ("[dlp-filter, pii-detector]", "{dlp-filter: {action: redact}, pii-detector: {}}")
VALUES = ("4111111111111111", "jane.roe@example.com", "AKIAQ3EGZ5KXM7TWJ4LD")
WORDS = ("It", "is", "so,", "he said.", "Of 3 a", "part", "and\n", "--", "of", "100 %", "what")
COLOURS = ("", "\x1b[31m", "\x1b[0m", "**", "_")


def written(chance: random.Random) -> str:
    """Words with values in disguise between them."""
    said = []
    for _ in range(chance.randrange(1, 4)):
        said += chance.choices(WORDS, k=chance.randrange(1, 6))
        value = chance.choice([*CODES.values(), *ESCAPES.values()])(chance.choice(VALUES)).strip()
        around = chance.choice(COLOURS)
        said.append(f"{around}{value}{around}")
    return " ".join([*said, *chance.choices(WORDS, k=2)])


def unlike_the_whole(chance: random.Random) -> object:
    """What differs between a stream and the answer in one piece; None for nothing."""
    text = written(chance)
    message = {"role": "assistant", "content": text}
    expected = whole({"choices": [{"message": message}]}, POLICY)["choices"][0]["message"]
    pieces = cut(text, chance.choice((1, 2, 3, 5, 8, 13, 40, 200)))
    seen, code = shown(
        sse(*(chunk({"content": one}) for one in pieces)), POLICY, at_once=chance.choice((1, 5))
    )
    said = content(seen)
    return None if (said, code) == (expected["content"], "") else (text, len(pieces), said, code)


def test_a_stream_hides_what_the_whole_answer_hides() -> None:
    """Character for character."""
    chance = random.Random("hidden")
    assert [one for one in (unlike_the_whole(chance) for _ in range(40)) if one] == []


@pytest.mark.soak
def test_many_streams_do_so() -> None:
    """Ten thousand."""
    chance = random.Random("many hidden")
    assert [one for one in (unlike_the_whole(chance) for _ in range(10_000)) if one] == []
