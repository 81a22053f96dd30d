"""Formats of credentials: each is found wherever it stands, and not in what only looks like it."""

from __future__ import annotations

import pytest
import re2

from kt.policy.decision import Request
from kt.policy.decision.detectors.formats import FORMATS, Format
from kt.policy.decision.matching.matcher import compile_rules
from kt.policy.decision.matching.patterns import PatternRule
from kt.policy.decision.reading.passages import Passage, Stretch
from kt.policy.decision.reading.reading import Reading
from kt.policy.decision.reading.views import View
from tests.kt.policy.builders import ask, compiled, content
from tests.kt.policy.decision.detectors.format_examples import EXAMPLES, example, shown
from tests.kt.policy.decision.texts import releasable

SNAPSHOT = compiled("dlp-filter")
NAMES = [one.name for one in FORMATS]
REQUEST = Request({"model": "m", "messages": []}, model="m")


def rules(text: str) -> set[str]:
    """The rules that hit in a text."""
    return {found.rule for found in ask(SNAPSHOT, text).detections}


def test_every_format_has_an_example_and_a_source() -> None:
    """At least eighty of them, each under one name."""
    assert sorted(NAMES) == sorted(EXAMPLES)
    assert len(NAMES) == len(set(NAMES)) >= 80
    assert all(one.source and one.entropy > 0 for one in FORMATS)


@pytest.mark.parametrize("name", NAMES)
def test_a_value_is_found_and_cut_out_whole(name: str) -> None:
    """Of five values, in a sentence, in quotes, and between letters of another script."""
    for seed in range(5):
        text, value = example(name, seed)
        for before, after in (("Use ", " now."), ('x="', '";'), ("请看\n", "谢谢")):
            left = content(ask(SNAPSHOT, f"{before}{text}{after}"))
            assert value not in left, text
            assert left.startswith(before)
            assert left.endswith(after)
            assert name in rules(f"{before}{text}{after}")


@pytest.mark.parametrize("name", NAMES)
def test_what_documentation_shows_is_no_value(name: str) -> None:
    """`ghp_xxxxxxxx…` in a manual."""
    assert name not in rules(f"Set it to {shown(name)} there.")


@pytest.mark.parametrize("name", NAMES)
def test_a_part_of_a_longer_word_is_no_value(name: str) -> None:
    """Letters before it or behind it make another word of it."""
    text, value = example(name)
    assert name not in rules(text.replace(value, f"z{value}")) or text != value
    assert name not in rules(text.replace(value, f"{value[: len(value) // 5]} and more"))


@pytest.mark.parametrize("one", FORMATS, ids=NAMES)
def test_every_value_holds_the_keyword_of_its_format(one: Format) -> None:
    """A text without it is not searched, so the keyword must not be stricter than the pattern."""
    for seed in range(50):
        text, _ = example(one.name, seed)
        match = re2.search(one.pattern, text)
        assert match
        assert re2.search(one.keyword, text[max(0, match.start() - 1) :])


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_lets_nothing_of_a_value_go(name: str) -> None:
    """Wherever it stands, before the value is found."""
    text, value = example(name)
    start = len("So: ") + text.index(value)
    for cut in range(start + 1, start + len(value), max(1, len(value) // 12)):
        so_far = f"So: {text}"[:cut]
        if not rules(so_far):
            assert releasable(SNAPSHOT, REQUEST, so_far) <= start


def test_rules_behind_a_gate_find_what_they_find_without_one() -> None:
    """The gate saves work and decides nothing."""
    patterns = {"ab[0-9]{6}": "ab[0-9]", "k[xy]z{5,}": "k[xy]"}
    texts = ["", "ab123456", "ab12345 kxzzzzz", "kyzzzzzz", "ab", "kx ky ab1"]
    plain, gated = (
        compile_rules(
            PatternRule(one, "x", one, (View.RAW,), keyword=keyword if gate else "")
            for one, keyword in patterns.items()
        )
        for gate in (False, True)
    )
    for text in texts:
        reading = _reading(text)
        assert [hit.places for hit in gated.scan(reading)] == [
            hit.places for hit in plain.scan(reading)
        ]
        assert gated.pending(reading) == plain.pending(reading)


def _reading(text: str) -> Reading:
    return Reading(Passage(text, (Stretch(0, 0),)))
