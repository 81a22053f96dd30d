"""Streams made by chance keep what is promised of all: each case by a seed that a failure names."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from itertools import cycle

import pytest

from kt.gateway.policy.judging import FAILED
from kt.gateway.stream.guard import UNSTABLE
from kt.gateway.stream.protocols import Role, TableLine
from tests.kt.gateway import odd
from tests.kt.gateway.stream.generated import (
    LINES,
    MARKED,
    SPOKEN,
    Event,
    alone,
    at_place,
    dumped,
    ended,
    events_of,
    guarded,
    joined,
    named,
    plain,
    prose,
    spoken,
    text_with_secrets,
    written,
)
from tests.kt.gateway.stream.streams import BLOCKING, MARK, REDACTING, whole

SEED = os.environ.get("SOAK_SEED", "1")
COUNT = 20_000
_TERMS = f"{{action: redact, blocked_terms: [{MARK}], detect_patterns: ['TCK-[0-9]{{7}}']}}"
POLICY = (
    "[dlp-filter, pii-detector]",
    f"{{dlp-filter: {_TERMS}, pii-detector: {{}}}}",
)
_END = 8

Line = tuple[str, TableLine]
Case = Callable[[random.Random, str, TableLine], object]


def failing(case: Case, lines: list[Line], seed: str, count: int) -> list[tuple[str, object]]:
    """The seeds of the cases that fail, each line of the tables in turn, and what is wrong."""
    found = []
    for at, (route, line) in zip(range(count), cycle(lines), strict=False):
        wrong = case(random.Random(f"{seed} {at}"), route, line)
        if wrong:
            found.append((f"{seed} {at}", wrong))
    return found


def stream(chance: random.Random, route: str, line: TableLine, *, is_marked: bool) -> list[Event]:
    """A stream with a term at the place of a line, or with nothing to find."""
    words = prose(chance).split(" ")
    if is_marked:
        words.insert(chance.randint(0, len(words)), chance.choice(MARKED))
    text = " ".join(words)
    if line.role is Role.NAME:
        events = named(chance, route, line, "delete_file" if is_marked else "save")
    elif line.role is Role.ARGUMENTS:
        arguments = dumped(chance, {"q": text, "n": [1, {"z": None}]})
        events = spoken(chance, route, line, arguments)
    elif line.role in (Role.TEXT, Role.INPUT):
        events = spoken(chance, route, line, text)
    else:
        events = alone(chance, route, line, text if is_marked else "a-word")
    return ended(chance, route, events)


def _changed_or_delivered(chance: random.Random, route: str, line: TableLine) -> object:
    is_marked = chance.random() < 0.5
    data = written(chance, stream(chance, route, line, is_marked=is_marked))
    seen, code = guarded(chance, route, data, BLOCKING)
    if not is_marked:
        return "" if (seen, code) == (data, "") else (code, data, seen)
    said = map(plain, joined(events_of(seen)).values())
    is_shown = any(word in text for text in said for word in ("project", "falcon", "delete_"))
    return (code, data, seen) if is_shown or not code else ""


def _unlike_the_whole(chance: random.Random, route: str, line: TableLine) -> object:
    text = text_with_secrets(chance)
    message = {"content": text}
    if line.role is Role.ARGUMENTS:
        if chance.random() < 0.8:
            text = dumped(chance, {"q": text, "n": [1, {"z": None}]})
        if chance.random() < 0.2:
            at = chance.randrange(len(text))
            text = text[:at] + chance.choice(("", '"', "\\", "{", text[:5])) + text[at + 3 :]
        message = {"arguments": text}
    expected = next(
        iter(whole({"choices": [{"message": message}]}, POLICY)["choices"][0]["message"].values())
    )
    events = ended(chance, route, spoken(chance, route, line, text))
    seen, code = guarded(chance, route, written(chance, events), POLICY)
    said = "".join(one for event in events_of(seen) for one in at_place(event, route, line))
    if code == UNSTABLE and expected.count('"') < text.count('"'):
        # A match goes through the structure of JSON, of which a part was sent.
        return ""
    if line.channel == "*" and not code:
        # Its strings may be none that go on: what is cut by itself is more than what must be.
        gone = {word[-_END:] for word in text.split()} - {
            expected[at : at + _END] for at in range(len(expected))
        }
        return [(word, text, said) for word in gone if len(word) == _END and word in said]
    return "" if (said, code) == (expected, "") else (code, text, expected, said)


def _failed(chance: random.Random, route: str, line: TableLine) -> object:
    events = stream(chance, route, line, is_marked=chance.random() < 0.3)
    data = written(chance, odd.shaken(chance, events))
    if chance.random() < 0.2:
        data = odd.broken(chance, data)
    policy = chance.choice((BLOCKING, REDACTING))
    try:
        _, code = guarded(chance, route, data, policy)
    except Exception as exc:  # noqa: BLE001
        return exc, data
    return (code, data) if code == FAILED else ""


@pytest.mark.parametrize(
    ("case", "lines", "count"),
    [
        pytest.param(_changed_or_delivered, LINES, 2 * len(LINES), id="clean or marked"),
        pytest.param(_unlike_the_whole, SPOKEN, 2 * len(SPOKEN), id="as in one piece"),
        pytest.param(_failed, LINES, 2 * len(LINES), id="odd"),
    ],
)
def test_streams_made_by_chance_keep_what_is_promised(
    case: Case, lines: list[Line], count: int
) -> None:
    """Clean ones byte for byte, no term delivered, redacted as in one piece, and no failure."""
    assert failing(case, lines, "1", count) == []


@pytest.mark.soak
@pytest.mark.parametrize("part", range(10))
@pytest.mark.parametrize(
    ("case", "lines"),
    [(_changed_or_delivered, LINES), (_unlike_the_whole, SPOKEN), (_failed, LINES)],
)
def test_many_streams_made_by_chance_do_so(case: Case, lines: list[Line], part: int) -> None:
    """Other ones with another `SOAK_SEED`."""
    assert failing(case, lines, f"{SEED} {part}", COUNT // 10) == []
