"""Leaves: what they tell, what they commit to, and that no content stops them."""

import json
import os
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as some

from kt.evidence import canonical, leaves

AT = "2026-01-31T12:00:00.000000Z"
_PLANTED = "Ann O'Nymous <ann@example.org>"

_texts = some.text(some.characters(), max_size=20)
_values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | _texts,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(_texts, inner, max_size=3),
    max_leaves=8,
)


def _made(kind: str, given: dict[str, Any]) -> leaves.Opened:
    return leaves.made(kind, AT, given, chance=os.urandom(leaves.chance_bytes(given)))


@settings(max_examples=60)
@given(
    kind=some.sampled_from(sorted(leaves.KINDS)),
    data=some.data(),
)
def test_no_content_stops_a_leaf(kind: str, data: Any) -> None:
    """Whatever is given, it is made, is read back alike, and opens to what it commits to."""
    names = some.sampled_from([*leaves.KINDS[kind], "author", "after.labels"]) | _texts
    given = data.draw(some.dictionaries(names, _values, max_size=5))

    made = _made(kind, given)

    encoded = made.leaf.encoded()
    assert leaves.read(encoded) == made.leaf
    assert rfc8785.dumps(json.loads(encoded)) == encoded
    stored = json.loads(json.dumps(made.values))
    for name, (salt, value) in stored.items():
        assert leaves.is_opened(made.leaf, name, salt, value)
        assert not leaves.is_opened(made.leaf, name, salt, [value])
        assert not leaves.is_opened(made.leaf, name, "0" * 64, value)


def test_no_depth_stops_a_leaf() -> None:
    """What is nested deeper than anybody can read is left out."""
    deep: Any = []
    for _ in range(100_000):
        deep = [deep] if _ % 2 else {"a": deep}

    made = _made("audit", {"after.labels": deep})

    assert leaves.read(made.leaf.encoded()) == made.leaf
    assert "nested too deep" in json.dumps(made.values["after.labels"][1])
    while deep:  # Else the interpreter takes it apart by recursion.
        deep = deep[0] if isinstance(deep, list) else deep["a"]


@pytest.mark.parametrize("kind", sorted(leaves.KINDS))
def test_no_leaf_shows_a_name(kind: str) -> None:
    """A name, mail or address is in no leaf, wherever it comes: also as a fact of another form."""
    names = [*leaves.KINDS[kind], "author", "message", "reason", "after.labels", _PLANTED]
    given = dict.fromkeys(names, _PLANTED) | {"claims": {"sub": [_PLANTED]}}

    leaf = _made(kind, given).leaf

    assert leaf.facts == {}
    assert len(leaf.hidden) == len(given)
    for part in ("Ann", "Nymous", "example", "ann@"):
        assert part.encode() not in leaf.encoded()
        assert part.encode().hex().encode() not in leaf.encoded()


def test_equal_values_look_different() -> None:
    """So that nobody who guesses a value sees that he guessed it."""
    one, other = _made("audit", {"a": "yes", "b": "yes"}), _made("audit", {"a": "yes"})

    assert len({*one.leaf.hidden.values(), *other.leaf.hidden.values()}) == 3
    assert one.leaf.nonce != other.leaf.nonce


def test_facts_stand_in_the_clear() -> None:
    """Ids, numbers, times, hashes and kinds."""
    facts = {
        "configuration": "support-bot",
        "version": 3,
        "content_hash": "a" * 64,
        "source": "git",
    }

    leaf = _made("version", {**facts, "author": "x", "note": "", "tree": None}).leaf

    assert leaf.facts == facts
    assert list(leaf.hidden) == ["author"]
    assert leaf.subject == "configuration/support-bot"


_NONE = {"at": AT, "facts": {}, "hidden": {}, "kind": "version", "nonce": "0" * 32}


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{}", b"[]", b"[" * 100_000, json.dumps(_NONE).encode(),
        *(
            canonical.encode(_NONE | other)
            for other in (
                {"kind": "x"}, {"kind": []}, {"more": 1}, {"at": "yesterday"}, {"nonce": "0"},
                {"facts": {"who": "x"}}, {"facts": {"version": "1"}}, {"facts": {"version": -1}},
                {"facts": {"commit": "A" * 40}}, {"facts": []}, {"hidden": {"a": "x"}},
                {"hidden": {"": "0" * 64}}, {"hidden": {"a": ["0" * 64]}},
            )
        ),
    ],
)  # fmt: skip
def test_no_other_bytes_are_a_leaf(data: bytes) -> None:
    """A leaf has one form."""
    with pytest.raises(leaves.LeafError):
        leaves.read(data)


@pytest.mark.parametrize("value", [1.0, 2**53, -(2**53), {"ä": 1}, {1: 1}, "\ud800", b"x", [{1.5}]])
def test_what_has_no_form_is_refused(value: Any) -> None:
    """Nothing is rounded in silence."""
    with pytest.raises(canonical.NotCanonicalError):
        canonical.encode(value)


@pytest.mark.parametrize(
    "data", [b"1 ", b'{"b":1,"a":2}', b'{"a":1,"a":1}', b'"\\u0041"', b"1.0", b"\xff"]
)
def test_another_form_is_refused(data: bytes) -> None:
    """What is signed has one form."""
    with pytest.raises(canonical.NotCanonicalError):
        canonical.decode(data)
