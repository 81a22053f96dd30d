"""JSON of requests and answers: what is read, what is refused, and that no key is overlooked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kt.gateway.call.jsonbody import MAX_DEPTH, parse
from kt.gateway.errors import InvalidRequestError
from kt.gateway.policy.answers import UnreadableError, decoded

REFUSED = [
    (b"", "invalid_json"),
    (b"{", "invalid_json"),
    (b"{} {}", "invalid_json"),
    (b"\xef\xbb\xbf{}", "invalid_json"),
    (b'{"a": "\xff"}', "invalid_json"),
    (b'{"a": NaN}', "invalid_json"),
    (b'{"a": -Infinity}', "invalid_json"),
    (b'{"a": 1e4000}', "invalid_json"),
    (b'{"a": 1e99999999999999999999}', "invalid_json"),
    (b'{"a": ' + b"9" * 5000 + b"}", "invalid_json"),
    (b'{"a": "\n"}', "invalid_json"),
    ('{"a": 1}'.encode("utf-16"), "invalid_json"),
    (b"[]", "invalid_request"),
    (b'"text"', "invalid_request"),
    (b"null", "invalid_request"),
    (b'{"a": 1, "a": 1}', "duplicate_key"),
    (b'{"a": {"b": 1, "\\u0062": 2}}', "duplicate_key"),
    (b'{"a": [{"b": 1, "b": 2}]}', "duplicate_key"),
    (b'{"model": 1, "Model": 2}', "duplicate_key"),
    (b'{"a": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", "too_deep"),
    (b'{"a": ' + b"[" * 100_000, "too_deep"),
]


@pytest.mark.parametrize(("data", "code"), REFUSED, ids=lambda value: str(value)[:40])
def test_a_request_that_is_read_in_two_ways_is_refused(data: bytes, code: str) -> None:
    """Or in none."""
    with pytest.raises(InvalidRequestError) as refused:
        parse(data)

    assert refused.value.code == code


READ = [
    (b'{"a": "\\ud83d"}', {"a": "\ud83d"}),
    (b'{"a": 1e400}', {"a": 10**400}),
    (b'{"a": -2.5e309}', {"a": -25 * 10**308}),
    (b'{"a": 1.0, "b": 1}', {"a": 1.0, "b": 1}),
    (b'{"a": 12345678901234567890123}', {"a": 12345678901234567890123}),
    (b' {"a":{"Model":1,"model":2}} ', {"a": {"Model": 1, "model": 2}}),
    (
        b'{"a": ' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}",
        {"a": json.loads("[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1))},
    ),
]


@pytest.mark.parametrize(("data", "value"), READ, ids=lambda value: str(value)[:40])
def test_a_request_is_read(data: bytes, value: Any) -> None:
    """An answer that says the same, too."""
    assert parse(data) == value
    assert decoded(data) == value


def test_the_kind_of_a_number_stays() -> None:
    """A whole one is no fraction."""
    assert type(parse(b'{"a": 1.0}')["a"]) is float
    assert type(parse(b'{"a": 1}')["a"]) is int


KEYS = st.sampled_from(["a", "b", 'q"', ":", '":', "\\", 'x\\":', " "])
VALUES = st.recursive(
    st.one_of(KEYS, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(VALUES, st.sampled_from([None, 1]), st.sampled_from([(",", ":"), (" , ", " : ")]))
def test_an_answer_without_a_key_twice_is_read_as_it_is(
    value: Any, indent: int | None, separators: tuple[str, str]
) -> None:
    """However it is spaced, and whatever its strings look like."""
    data = json.dumps(value, indent=indent, separators=separators).encode()

    assert decoded(data) == json.loads(data)


@settings(max_examples=60, deadline=None)
@given(VALUES, KEYS, VALUES, st.sampled_from([":", " :", "\n\t:\r"]))
def test_a_key_twice_is_found_wherever_it_stands(
    beside: Any, key: str, value: Any, colon: str
) -> None:
    """In an object within whatever else."""
    name = json.dumps(key)
    twice = f'{{{name}{colon}1,"other":{json.dumps(value)},{name}:2}}'
    data = f'[{json.dumps(beside)},{{"in":{twice}}}]'.encode()

    with pytest.raises(UnreadableError, match="given twice"):
        decoded(data)
