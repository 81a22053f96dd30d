"""Routing without a network: which targets, in which order, and what makes the next one serve."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from kt.gateway.errors import NotFoundError, UpstreamError
from kt.gateway.policy.loading import Loaded
from kt.gateway.upstream.routing import Router
from kt.policy.decision import Request, decide
from tests.kt.gateway.inside import Inside, Said
from tests.kt.gateway.support import pack

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
LINES = [
    "{id: a, provider: local, model: m, base_url: 'http://a.test/v1'}",
    "{id: b, provider: local, model: 'm*', base_url: 'http://b.test/v1'}",
    "{id: c, provider: local, base_url: 'http://c.test/v1'}",
    "{id: d, provider: anthropic, model: 'claude-*', api_key: k}",
    "{id: e, provider: openai, model: keyless, secret_key_ref: {env: ABSENT_API_KEY}}",
]
ALL = frozenset({"rate_limit", "server_error", "timeout"})


def loaded(more: str = "", lines: list[str] = LINES) -> Loaded:
    """A policy with these targets."""
    listed = "".join(f"    - {line}\n" for line in lines)
    return Inside(pack(more=f"providers:\n  targets:\n{listed}{more}")).gateway.loaded


def fallback(attempts: int) -> str:
    return f"  fallback: {{triggers: [server_error], max_fallback_attempts: {attempts}}}\n"


def candidates(policy: Loaded, path: str, model: str, router: Router | None = None) -> list[str]:
    decision = decide(policy.snapshot, Request({}, path=path, model=model))
    found = (router or Router()).candidates(policy, decision, path, model)
    return [target.id for target in found]


ORDERS = [
    ("", CHAT, "m", ["a"]),
    (fallback(1), CHAT, "m", ["a", "b"]),
    (fallback(10), CHAT, "m", ["a", "b", "c"]),
    (fallback(0), CHAT, "m", ["a"]),
    (fallback(10), CHAT, "m2", ["b", "c"]),
    (fallback(10), CHAT, "other", ["c"]),
    (fallback(10), MESSAGES, "claude-x", ["d"]),
    (fallback(10), f"{MESSAGES}/count_tokens", "claude-x", ["d"]),
    (fallback(10), CHAT, "claude-x", ["c"]),
    (fallback(10), CHAT, "keyless", ["c"]),
    ("  fallback: {max_fallback_attempts: 5}\n", CHAT, "m", ["a"]),
]


@pytest.mark.parametrize(("more", "path", "model", "expected"), ORDERS)
def test_targets_are_tried_in_their_order(
    more: str, path: str, model: str, expected: list[str]
) -> None:
    """Those that serve the model on the route, and no more than the policy allows."""
    assert candidates(loaded(more), path, model) == expected


def test_turns_go_round_all_that_serve() -> None:
    """And what is tried next follows in the round."""
    policy = loaded("  routing: {strategy: round_robin}\n" + fallback(1))
    router = Router()
    found = [candidates(policy, CHAT, "m", router) for _ in range(4)]

    assert found == [["b", "c"], ["c", "a"], ["a", "b"], ["b", "c"]]


@pytest.mark.parametrize(
    ("lines", "path", "model"),
    [(LINES[:2], CHAT, "x"), (LINES[:2], MESSAGES, "m"), (LINES[3:4], CHAT, "claude-x")],
)
def test_a_model_that_nobody_serves_is_not_found(lines: list[str], path: str, model: str) -> None:
    """On that route."""
    with pytest.raises(NotFoundError) as missed:
        candidates(loaded(lines=lines), path, model)
    assert missed.value.code == "model_not_found"


def test_a_target_without_its_key_is_named_when_it_is_the_only_one() -> None:
    """For good."""
    with pytest.raises(UpstreamError) as missed:
        candidates(loaded(lines=LINES[4:]), CHAT, "keyless")

    assert missed.value.code == "target_unavailable"
    assert (b"x-should-retry", b"false") in missed.value.headers


Outcome = int | str
CALLS: list[tuple[list[Outcome], frozenset[str], Any, int]] = [
    ([200], ALL, 200, 1),
    ([503, 200], ALL, 200, 2),
    ([503, 200], frozenset(), 503, 1),
    ([503, 503], ALL, 503, 2),
    ([429, 200], ALL, 200, 2),
    ([429, 200], frozenset({"server_error"}), 429, 1),
    ([400, 200], ALL, 400, 1),
    (["timeout", 200], ALL, 200, 2),
    (["timeout", 200], frozenset({"server_error"}), "timeout", 1),
    (["server_error", "timeout"], ALL, "timeout", 2),
    ([503, "timeout"], ALL, "timeout", 2),
    (["", 200], ALL, "", 1),
]


@pytest.mark.parametrize(("outcomes", "triggers", "expected", "tried"), CALLS)
def test_the_next_target_is_tried_as_the_triggers_say(
    outcomes: list[Outcome], triggers: frozenset[str], expected: Any, tried: int
) -> None:
    """And the last that was tried answers for all."""
    targets = loaded(lines=LINES[: len(outcomes)]).targets
    seen: list[str] = []

    async def send(target: Any) -> Said:
        seen.append(target.id)
        outcome = outcomes[len(seen) - 1]
        if isinstance(outcome, str):
            raise UpstreamError("failed", trigger=outcome)
        return Said({}, outcome)

    async def call() -> Any:
        try:
            return (await Router().call(targets, triggers, send))[1].status
        except UpstreamError as exc:
            return exc.trigger

    assert asyncio.run(call()) == expected
    assert seen == [target.id for target in targets[:tried]]


def test_a_target_that_fails_is_passed_over_for_a_while() -> None:
    """And with nobody left the call fails without a try; an edited target is another one."""
    (target,) = loaded(lines=LINES[:1]).targets
    router, seen = Router(), []

    async def send(_: Any) -> Said:
        seen.append(1)
        return Said({}, 500)

    async def call(one: Any) -> str:
        try:
            return str((await router.call([one], ALL, send))[1].status)
        except UpstreamError as exc:
            return exc.code

    found = [asyncio.run(call(target)) for _ in range(6)]
    edited = replace(target, base_url="http://other.test/v1")

    assert found == ["500"] * 5 + ["circuit_open"]
    assert router.is_open(target)
    assert asyncio.run(call(edited)) == "500"
    assert len(seen) == 6
