"""Limits: who counts for whom, what a refusal counts, and what a window forgets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kt.gateway.clients.callers import Allowance, Caller
from kt.gateway.clients.charges import Origin
from kt.gateway.clients.limits import Limits
from kt.gateway.clients.windows import Window
from kt.gateway.errors import LimitError

ADDRESSES = [
    (0, "", "9.9.9.9"),
    (0, "1.1.1.1", "9.9.9.9"),
    (1, "1.1.1.1", "1.1.1.1"),
    (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
    (2, "6.6.6.6, 2.2.2.2, 1.1.1.1", "2.2.2.2"),
    (3, "2.2.2.2, 1.1.1.1", "2.2.2.2"),
    (10, "1.1.1.1", "1.1.1.1"),
    (1, "", "9.9.9.9"),
    (1, " , 1.1.1.1 ,", "1.1.1.1"),
]


@pytest.mark.parametrize(("depth", "forwarded", "expected"), ADDRESSES)
def test_a_clients_address_is_what_the_trusted_proxies_saw(
    depth: int, forwarded: str, expected: str
) -> None:
    """Counted from the right: what is left of it the client wrote."""
    document = {"ip_rate_limit": {"trust_proxy_depth": depth}}
    headers = {"x-forwarded-for": forwarded}

    assert Origin("p", document, headers, "9.9.9.9").address == expected
    assert Origin("p", {}, headers, "9.9.9.9").address == "9.9.9.9"


def limit(**more: Any) -> dict[str, Any]:
    return {"max_requests": 1, "window_seconds": 3600, **more}


SECONDS = [
    ("global_rate_limit", limit(), ({}, "a"), ({"x-user-id": "u"}, "b"), False),
    ("ip_rate_limit", limit(), ({}, "a"), ({}, "a"), False),
    ("ip_rate_limit", limit(), ({}, "a"), ({}, "b"), True),
    ("user_rate_limit", limit(), ({"x-user-id": "u"}, "a"), ({"x-user-id": "u"}, "b"), False),
    ("user_rate_limit", limit(), ({"x-user-id": "u"}, "a"), ({"x-user-id": "v"}, "a"), True),
    ("user_rate_limit", limit(), ({}, "a"), ({}, "a"), False),
    ("user_rate_limit", limit(), ({}, "a"), ({}, "b"), True),
    ("user_rate_limit", limit(), ({"x-user-id": "a"}, "a"), ({}, "a"), True),
    (
        "user_rate_limit",
        limit(header_names=["X-Team", "X-User-ID"]),
        ({"x-team": "t", "x-user-id": "u"}, "a"),
        ({"x-team": "t", "x-user-id": "v"}, "b"),
        False,
    ),
]


@pytest.mark.parametrize(("name", "given", "first", "second", "admitted"), SECONDS)
def test_a_second_call_is_admitted_where_it_is_another_callers(
    name: str, given: dict[str, Any], first: Any, second: Any, admitted: bool
) -> None:
    """With a limit of one."""
    limits = Limits()
    asyncio.run(limits.admit(Origin("p", {name: given}, *first)))
    again = Origin("p", {name: given}, *second)
    if admitted:
        asyncio.run(limits.admit(again))
        return
    with pytest.raises(LimitError) as refused:
        asyncio.run(limits.admit(again))
    assert refused.value.details["limit"] == name


def test_a_refused_call_counts_nowhere() -> None:
    """Or one noisy user would use up what all share."""
    limits = Limits()
    document = {"global_rate_limit": limit(max_requests=3), "user_rate_limit": limit()}

    def user(name: str) -> Origin:
        return Origin("p", document, {"x-user-id": name}, "a")

    asyncio.run(limits.admit(user("u")))
    for _ in range(5):
        with pytest.raises(LimitError):
            asyncio.run(limits.admit(user("u")))
    asyncio.run(limits.admit(user("v")))
    asyncio.run(limits.admit(user("w")))

    with pytest.raises(LimitError) as refused:
        asyncio.run(limits.admit(user("x")))
    assert refused.value.details["limit"] == "global_rate_limit"


TOKENS = [
    ("global", "u", "v", False),
    ("user", "u", "u", False),
    ("user", "u", "v", True),
]


@pytest.mark.parametrize(("scope", "first", "second", "admitted"), TOKENS)
def test_tokens_are_shared_as_their_scope_says(
    scope: str, first: str, second: str, admitted: bool
) -> None:
    """Reserved before, and settled after."""
    limits = Limits()
    document = {"token_rate_limit": limit(max_tokens=100, scope=scope)}
    one, other = (Origin("p", document, {"x-user-id": name}, "a") for name in (first, second))
    asyncio.run(limits.reserve_tokens(one, 60))
    if admitted:
        asyncio.run(limits.reserve_tokens(other, 60))
        return
    with pytest.raises(LimitError):
        asyncio.run(limits.reserve_tokens(other, 60))
    asyncio.run(limits.settle_tokens(one, -50))
    asyncio.run(limits.reserve_tokens(other, 60))


def test_a_name_of_a_key_goes_before_what_a_client_calls_itself() -> None:
    """In each limit of users; a client without a name is who it says."""
    requests = {"user_rate_limit": limit()}
    tokens = {"token_rate_limit": limit(max_tokens=100, scope="user")}
    limits = Limits()

    def calls(name: str, header: str) -> bool:
        headers, caller = {"x-user-id": header}, Caller(name)
        try:
            asyncio.run(limits.admit(Origin("p", requests, headers, "a", caller)))
            asyncio.run(limits.reserve_tokens(Origin("p", tokens, headers, "a", caller), 60))
        except LimitError:
            return False
        return True

    made = [("team", "u"), ("team", "v"), ("other", "u"), ("", "u"), ("", "v"), ("", "u")]
    assert [calls(*one) for one in made] == [True, False, True, True, True, False]
    # Who calls itself as a key is named is not that key.
    assert calls("", "client team") is True


def test_a_key_has_limits_of_its_own_under_any_policy() -> None:
    """Calls and tokens; other keys are not touched, and a refusal says which limit it is."""
    limits = Limits()
    team = Caller("team", None, Allowance(2, 60), Allowance(100, 86_400))
    origins = [Origin("p", {}, {}, "a", team), Origin("q", {}, {"x-user-id": "u"}, "b", team)]
    for one in origins:
        asyncio.run(limits.admit(one))
    asyncio.run(limits.reserve_tokens(origins[0], 100))
    refused = []
    for ask in (limits.admit, lambda one: limits.reserve_tokens(one, 1)):
        with pytest.raises(LimitError) as error:
            asyncio.run(ask(origins[1]))
        refused.append(error.value.details["limit"])

    assert refused == ["client_rate_limit", "client_token_budget"]
    asyncio.run(limits.admit(Origin("p", {}, {}, "a", Caller("other", None, Allowance(1, 60)))))


def test_a_policy_without_limits_counts_nothing() -> None:
    """However often it is asked."""
    limits = Limits()
    origin = Origin("p", {}, {}, "a", Caller("team"))
    for _ in range(10):
        asyncio.run(limits.admit(origin))
        asyncio.run(limits.reserve_tokens(origin, 10**9))
        asyncio.run(limits.settle_tokens(origin, 10**9))

    assert vars(limits) == {"_windows": {}, "_shared": None}


WINDOWS = [
    ([], 0.0, 1, 0),
    ([(0.0, 1)], 0.0, 1, 19),
    ([(0.0, 1)], 9.0, 1, 11),
    ([(0.0, 1)], 15.0, 1, 5),
    ([(0.0, 1)], 20.0, 1, 0),
    ([(0.0, 2)], 10.0, 2, 5),
    ([(0.0, 2)], 15.0, 2, 0),
    ([(0.0, 1), (9.0, -1)], 9.0, 1, 0),
    ([(0.0, 1)], 0.0, 2, 0),
    ([(5.0, 1)], 1000.0, 1, 0),
]


@pytest.mark.parametrize(("added", "now", "limit", "least"), WINDOWS)
def test_a_window_slides(
    added: list[tuple[float, int]], now: float, limit: int, least: int
) -> None:
    """Ten seconds long; whoever waits as long as it says gets in, and a moment earlier does not."""
    window = Window(10)
    for at, amount in added:
        window.add("k", at, amount)
    wait = window.wait("k", now, limit=limit)

    assert (wait > 0) is (least > 0)
    assert window.wait("other", now, limit=limit) == 0
    if wait:
        assert window.wait("k", now + wait, limit=limit) == 0
        assert window.wait("k", now + wait - 1.0, limit=limit) > 0 or wait == 1
