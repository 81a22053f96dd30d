"""The models that a glob lets through, as its target lists them."""

from __future__ import annotations

from typing import Any

import pytest

from kt.gateway.errors import UpstreamError
from kt.gateway.upstream import catalogue
from tests.kt.gateway.inside import Inside, Said
from tests.kt.gateway.support import pack

MODELS = """
providers:
  targets:
    - {id: a, provider: openai, model: gpt-4o, api_key: k}
    - {id: b, provider: local, model: "meta/*", base_url: "http://model.test/v1"}
    - {id: c, provider: anthropic, api_key: k}
    - {id: d, provider: openai, secret_key_ref: {env: ABSENT_API_KEY}}
"""
LISTED = {"data": [{"id": "meta/a"}, {"id": "other"}, {"id": "meta/b", "object": "model"}]}


def names(gateway: Inside, path: str = "/v1/models") -> list[str]:
    return [one["id"] for one in gateway.get(path).json["data"]]


def test_a_list_holds_what_is_named_and_what_globs_let_through() -> None:
    """In the order of the targets; one without its key is not asked."""
    gateway = Inside(pack(more=MODELS))
    gateway.answers(LISTED)

    assert names(gateway) == ["gpt-4o", "meta/a", "meta/b", "other"]
    assert [(call.method, call.path, call.data) for call in gateway.seen] == [
        ("GET", "/v1/models", b"")
    ] * 2


def test_a_target_is_asked_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often its list is."""
    gateway = Inside(pack(more=MODELS))
    gateway.answers(LISTED)
    clock = [100.0]
    monkeypatch.setattr(catalogue.time, "monotonic", lambda: clock[0])
    first = [names(gateway), names(gateway, "/openai/v1/models")]
    gateway.answers({"data": [{"id": "meta/c"}]})
    clock[0] += catalogue.SECONDS - 1
    before = names(gateway)
    clock[0] += 1

    assert first == [before, before]
    assert names(gateway) == ["gpt-4o", "meta/c"]
    assert len(gateway.seen) == 4


NO_LISTS: list[Said] = [
    Said({}, 404),
    Said({}, 500),
    Said(b"<html>", 200, "text/html"),
    Said(b"[" * 100_000),
    Said([]),
    Said({"data": "meta/a"}),
    Said({"data": None}),
    Said({"data": [5, None, {"id": 5}, {"id": ""}, {"id": "meta/" + "x" * 200}]}),
]


@pytest.mark.parametrize("said", NO_LISTS, ids=lambda said: str(said.body)[:30])
def test_a_target_that_gives_no_list_has_none(said: Said) -> None:
    """And the rest is told all the same."""
    gateway = Inside(pack(more=MODELS))
    gateway.says = lambda _: said

    assert names(gateway) == ["gpt-4o"]
    assert names(gateway) == ["gpt-4o"]
    assert len(gateway.seen) == 2


def test_a_target_that_cannot_be_reached_has_no_list() -> None:
    """Nor is its failure the client's."""

    def fail(_: Any) -> Said:
        raise UpstreamError("gone", trigger="server_error")

    gateway = Inside(pack(more=MODELS))
    gateway.says = fail

    assert names(gateway) == ["gpt-4o"]


def test_the_mock_is_not_asked() -> None:
    """It has no list."""
    gateway = Inside(pack(more=MODELS), mock_upstream=True)

    assert names(gateway) == ["gpt-4o"]
    assert gateway.seen == []
