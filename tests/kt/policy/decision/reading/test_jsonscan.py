"""JSON that comes in pieces or was cut off: how far it has come, and whether it is JSON at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kt.policy.decision.reading.jsonscan import JsonScan, cut_off
from kt.policy.decision.reading.jsontext import container, in_strings

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


def scanned(text: str, size: int) -> JsonScan:
    """The state after a text in pieces."""
    scan = JsonScan()
    for at in range(0, len(text), size):
        scan.feed(text[at : at + size])
    return scan


@settings(max_examples=50, deadline=None)
@given(
    value=st.lists(VALUES, max_size=3) | st.dictionaries(st.text(max_size=4), VALUES),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 1]),
    size=st.integers(1, 9),
)
def test_json_is_complete_at_its_end_and_not_before(
    value: Any, ascii_only: bool, indent: int | None, size: int
) -> None:
    """Wherever it is cut, and in pieces as in one."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    scan = scanned(text, size)

    assert scan.complete
    assert scan.quotes == [at for at, sign in enumerate(text) if sign == '"' and _is_mark(text, at)]
    for end in range(1, len(text)):
        part = scanned(text[:end], size)
        assert (part.complete, part.broken) == (False, False)
        assert part.inside == in_strings(text, [end])[0]


def _is_mark(text: str, at: int) -> bool:
    """Whether a quotation mark begins or ends a string."""
    inside, after = in_strings(text, [at, at + 1])
    return inside != after


@pytest.mark.parametrize(
    "text",
    [
        "[see] C:\\new", "{a: 1}", "[1 2]", '{"a" 1}', '{"a":, ', "[,", "]", "{]", '["a"}', "{}x",
        "[tru1,", "[01,", '{"a":1,}', '["\\u00g', "plain", '"text"', "12", "[1],2", '{1:', '{"a"}',
    ],
)  # fmt: skip
def test_what_is_no_json_is_found_out(text: str) -> None:
    """It is then read as it stands."""
    assert not cut_off(text)
    assert not container(text)


@pytest.mark.parametrize(
    "text",
    ["{", '{"a', '{"a\\', '{"a\\u00', '{"a": tr', "[1, -", '[1, "b"', "{} {", "{}{}", " [1.e"],
)
def test_what_may_go_on_as_json_is_taken_for_it(text: str) -> None:
    """Several values in a row too."""
    assert cut_off(text)
    assert container(text)


@pytest.mark.parametrize(
    ("text", "count"), [("[\\", 0), ('["\\', 1), ('["\\u', 2), ('["\\u00e', 5)]
)
def test_an_escape_that_was_cut_is_seen(text: str, count: int) -> None:
    """Its beginning says nothing yet."""
    assert scanned(text, 1).unfinished == count
