"""The list of client keys that a control plane issues."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from kt.gateway.clients.callers import Allowance
from kt.gateway.clients.keylist import parse_list
from kt.gateway.errors import SettingError


def digest(key: str) -> str:
    """As a control plane stores a key."""
    return sha256(key.encode()).hexdigest()


def listed(*entries: dict[str, Any], demanded: bool = True, **more: Any) -> bytes:
    """The bytes of a list."""
    return json.dumps({"demanded": demanded, "keys": entries, **more}).encode()


ENTRY: dict[str, Any] = {
    "name": "team",
    "sha256": [digest("new"), digest("old")],
    "models": ["gpt-4o-mini", "claude-*"],
    "rate_limit": {"max_requests": 600, "window_seconds": 60},
    "token_budget": {"max_tokens": 5, "window_seconds": 7},
}


def test_each_key_of_a_name_opens() -> None:
    """With the same models and limits; another does not."""
    callers = parse_list(listed(ENTRY, {"name": "free", "sha256": [digest("x")]}))
    new, old, free = (callers.find(key) for key in ("new", "old", "x"))

    assert new is not None
    assert new == old
    assert (new.name, new.requests, new.tokens) == ("team", Allowance(600, 60), Allowance(5, 7))
    assert [new.may_use(model) for model in ("gpt-4o-mini", "claude-3", "gpt-4o")] == [
        True, True, False,
    ]  # fmt: skip
    assert free is not None
    assert (free.models, free.requests, free.tokens) == (None, None, None)
    assert callers.find("another") is None


@pytest.mark.parametrize(("demanded", "expected"), [(True, True), (False, False)])
def test_an_empty_list_says_whether_keys_are_demanded(demanded: bool, expected: bool) -> None:
    """So that the last revocation opens nothing, and a person may."""
    callers = parse_list(listed(demanded=demanded))

    assert (len(callers), callers.are_demanded) == (0, expected)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        listed(more=1),
        json.dumps({"keys": []}).encode(),
        listed({**ENTRY, "expires_at": "2026-01-31"}),
        listed({**ENTRY, "name": "Team"}),
        listed({**ENTRY, "sha256": []}),
        listed({**ENTRY, "sha256": ["ktc_a-key-by-mistake"]}),
        listed({**ENTRY, "models": []}),
        listed({**ENTRY, "rate_limit": {"max_requests": 0, "window_seconds": 1}}),
        listed({**ENTRY, "rate_limit": {"max_requests": 1, "window_seconds": 1, "burst": 2}}),
        listed({**ENTRY, "token_budget": {"max_tokens": 1}}),
    ],
)
def test_a_list_of_a_newer_form_is_refused(data: bytes) -> None:
    """What is not known may take something away; the message says what helps and no key."""
    with pytest.raises(SettingError, match="update kt") as caught:
        parse_list(data)

    assert "ktc_" not in str(caught.value)
