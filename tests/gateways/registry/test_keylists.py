"""Lists of client keys: which keys a gateway gets, in which bytes."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from gateways.registry.keylists import KeyLists, ScopedKey


def key(
    name: str,
    *,
    gateways: frozenset[str] | None = None,
    selector: Mapping[str, str] | None = None,
    revoked: bool = False,
) -> ScopedKey:
    """A key with a name alone."""
    return ScopedKey(None if revoked else {"name": name}, gateways, selector)


ONE = key("one", gateways=frozenset({"edge-1", "edge-2"}))
EUROPE = key("europe", selector={"region": "eu"})
CANARY = key("canary", selector={"region": "eu", "ring": "canary"})
ALL = key("all")
GONE = key("gone", gateways=frozenset({"edge-3"}), revoked=True)


def names(content: bytes) -> list[str]:
    """The names in a list."""
    found: dict[str, Any] = orjson.loads(content)
    return [entry["name"] for entry in found["keys"]]


@pytest.mark.parametrize(
    ("gateway_id", "labels", "expected", "is_managed"),
    [
        ("edge-1", {}, ["one", "all"], True),
        ("edge-2", {"region": "eu"}, ["one", "europe", "all"], True),
        ("edge-4", {"region": "eu", "ring": "canary"}, ["europe", "canary", "all"], True),
        ("edge-4", {"region": "us", "ring": "canary"}, ["all"], True),
    ],
)
def test_a_gateway_gets_the_keys_that_are_for_it(
    gateway_id: str, labels: dict[str, str], expected: list[str], is_managed: bool
) -> None:
    """By its id, by all labels of a selector, or without either."""
    found = KeyLists([ONE, EUROPE, CANARY, ALL, GONE]).of(gateway_id, labels)

    assert (names(found.content), found.is_managed) == (expected, is_managed)


@pytest.mark.parametrize(
    ("gateway_id", "is_managed"), [("edge-3", True), ("edge-1", True), ("edge-9", False)]
)
def test_a_revoked_key_is_not_handed_out_and_still_counts(
    gateway_id: str, is_managed: bool
) -> None:
    """A gateway that registers after the last revocation is as closed as its siblings."""
    found = KeyLists([key("one", gateways=frozenset({"edge-1"})), GONE]).of(gateway_id, {})

    assert found.is_managed is is_managed
    assert "gone" not in names(found.content)


def test_gateways_with_the_same_keys_share_a_list() -> None:
    """One of a thousand keys is made once for two hundred gateways, not for each."""
    lists = KeyLists([key(f"key-{n}") for n in range(1000)] + [ONE])

    shared = {id(lists.of(f"edge-{n}", {"region": "eu"})) for n in range(10, 210)}

    assert len(shared) == 1
    assert lists.of("edge-1", {"region": "eu"}).content != lists.of("edge-9", {}).content
