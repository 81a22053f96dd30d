"""Targets as a policy names them: addresses, credentials, models, and the head of a call."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kt.gateway.policy.targets import MOCK, UpstreamTarget, compile_targets
from kt.gateway.upstream.outgoing import outlet
from kt.gateway.upstream.reply import Call

ENVIRONMENT = {"GOOD_API_KEY": " sk-1 ", "EMPTY_API_KEY": "", "ODD_API_KEY": "a\nb", "OTHER": "x"}


def compiled(**entry: Any) -> UpstreamTarget:
    """The target of one entry."""
    entries = {"targets": [{"id": "t", "provider": "openai", **entry}]}
    (target,) = compile_targets(entries, ENVIRONMENT, secret_globs=["*_API_KEY"], mock=False)
    return target


def referring(name: str) -> dict[str, Any]:
    return {"secret_key_ref": {"env": name}}


LOCAL = "http://h.test/v1"
AZURE = "https://r.example.com"
DEPLOYMENT = f"{AZURE}/openai/deployments/gpt-4o?api-version=2024-10-21"
LINES: list[tuple[dict[str, Any], str, str]] = [
    ({}, "https://api.openai.com/v1", "/v1/chat/completions"),
    ({"base_url": LOCAL + "/"}, LOCAL, "/v1/chat/completions"),
    ({"base_url": "http://h.test"}, "http://h.test", "/chat/completions"),
    ({"provider": "azure", "base_url": AZURE}, f"{AZURE}/openai/v1", "/openai/v1/chat/completions"),
    (
        {"provider": "azure", "base_url": f"{AZURE}/?api-version=preview"},
        f"{AZURE}/openai/v1?api-version=preview",
        "/openai/v1/chat/completions?api-version=preview",
    ),
    (
        {"provider": "azure", "base_url": DEPLOYMENT},
        DEPLOYMENT,
        "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
    ),
    (
        {"provider": "google"},
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "/v1beta/openai/chat/completions",
    ),
]


@pytest.mark.parametrize(("entry", "base_url", "line"), LINES)
def test_a_route_is_called_below_the_address(
    entry: dict[str, Any], base_url: str, line: str
) -> None:
    """With the query that stands behind each."""
    target = compiled(**entry)

    async def prepared() -> str:
        return outlet(target, "/v1/chat/completions").line

    assert target.base_url == base_url
    assert asyncio.run(prepared()) == f"POST {line} HTTP/1.1\r\n"


CREDENTIALS: list[tuple[dict[str, Any], tuple[tuple[str, str], ...]]] = [
    ({}, ()),
    ({"api_key": "k"}, (("Authorization", "Bearer k"),)),
    (referring("GOOD_API_KEY"), (("Authorization", "Bearer sk-1"),)),
    ({"provider": "anthropic", "api_key": "k"}, (("x-api-key", "k"),)),
    ({"provider": "azure", "base_url": AZURE, "api_key": "k"}, (("api-key", "k"),)),
    ({"api_key": "k", "api_key_header": "X-Key"}, (("X-Key", "k"),)),
    (
        {"api_key": "k", "api_key_header": "X-Key", "api_key_prefix": "Token "},
        (("X-Key", "Token k"),),
    ),
    ({"api_key": "k", "api_key_prefix": ""}, (("Authorization", "k"),)),
]


@pytest.mark.parametrize(("entry", "headers"), CREDENTIALS)
def test_a_credential_goes_in_the_header_of_its_provider(
    entry: dict[str, Any], headers: tuple[tuple[str, str], ...]
) -> None:
    """Or in the one that the policy names."""
    assert (compiled(**entry).headers, compiled(**entry).problem) == (headers, "")


PROBLEMS = [
    ("ABSENT_API_KEY", "is not set"),
    ("EMPTY_API_KEY", "is not set"),
    ("ODD_API_KEY", "printable ASCII"),
    ("OTHER", "not allowed"),
    ("KEEPTRUSTS_ADMIN_API_KEY", "not allowed"),
    ("keeptrusts_x_API_KEY", "not allowed"),
]


@pytest.mark.parametrize(("name", "problem"), PROBLEMS)
def test_a_key_that_cannot_be_had_is_told(name: str, problem: str) -> None:
    """And none is sent."""
    target = compiled(**referring(name))

    assert problem in target.problem
    assert name in target.problem
    assert target.headers == ()


SERVED: list[tuple[dict[str, Any], str, str, bool]] = [
    ({}, "anything", "openai", True),
    ({"model": "m"}, "m", "openai", True),
    ({"model": "m"}, "m2", "openai", False),
    ({"model": "m*"}, "m2", "openai", True),
    ({"provider": "openai:chat:gpt-4o:latest"}, "gpt-4o:latest", "openai", True),
    ({"provider": "openai:chat:gpt-4o"}, "gpt-5", "openai", False),
    ({"provider": "anthropic"}, "claude", "openai", False),
    ({"provider": "anthropic"}, "claude", "anthropic", True),
    ({"base_url": LOCAL, "format": "anthropic"}, "claude", "anthropic", True),
    ({"model": {"from": "fast*", "to": "m"}}, "fast-1", "openai", True),
    ({"model": {"from": "fast*", "to": "m"}}, "m", "openai", False),
]


@pytest.mark.parametrize(("entry", "model", "wanted", "serves"), SERVED)
def test_a_target_serves_its_models_in_its_format(
    entry: dict[str, Any], model: str, wanted: Any, serves: bool
) -> None:
    """By name or by a glob."""
    assert compiled(**entry).serves(model, wanted) is serves


ALIASES: list[tuple[Any, tuple[str, ...], str]] = [
    ("fast", ("fast",), "fast"),
    ("fast*", (), "fast"),
    ({"from": "fast", "to": "m"}, ("fast",), "m"),
    ({"from": "fast*", "to": "m"}, (), "m"),
    ({"from": "f*", "to": "fast-2"}, ("fast-2",), "fast-2"),
]


@pytest.mark.parametrize("provider", ["openai", "mock"])
@pytest.mark.parametrize(("model", "names", "asked"), ALIASES)
def test_a_target_may_know_a_model_by_another_name(
    provider: str, model: Any, names: tuple[str, ...], asked: str
) -> None:
    """Clients ask for its own names; it is asked for no list of models then."""
    target = compiled(provider=provider, model=model)

    assert (target.model_names, target.asked_for("fast")) == (names, asked)
    assert target.lists_models is (provider == "openai" and model == "fast*")


def test_under_the_mock_all_targets_are_it() -> None:
    """With their names; without any there is one."""
    entries = {"targets": [{"id": "t", "provider": "openai", "model": "m", **referring("OTHER")}]}
    (target,) = compile_targets(entries, {}, secret_globs=[], mock=True)

    assert (target.id, target.is_mock, target.model_names) == ("t", True, ("m",))
    assert target.problem == ""
    assert target.serves("anything", "anthropic")
    assert compile_targets(None, {}, secret_globs=[], mock=True) == (MOCK,)
    assert compile_targets(None, {}, secret_globs=[], mock=False) == ()


SENT = {
    "traceparent": "00-a-b-01",
    "tracestate": "v=1",
    "openai-organization": "org",
    "openai-project": "proj",
    "openai-beta": "x",
    "x-stainless-lang": "python",
    "idempotency-key": "k",
}
KEPT = {
    "authorization": "Bearer client",
    "cookie": "a=b",
    "x-api-key": "client",
    "api-key": "client",
    "x-user-id": "u",
    "x-forwarded-for": "1.1.1.1",
    "baggage": "user=u",
    "accept-encoding": "gzip, br",
    "host": "gateway.test",
    "content-type": "text/plain",
    "openai-organisation": "o",
}


def test_a_clients_headers_reach_a_target_by_name() -> None:
    """None of them is a credential, and none replaces the gateway's own."""
    target = compiled(base_url=LOCAL, api_key="k")
    odd = {"traceparent": "00-a\r\nx-evil: 1"}

    async def head(headers: dict[str, str]) -> list[str]:
        call = Call("/v1/chat/completions", "m", {}, b"{}", headers, False, 1)
        return outlet(target, call.path).head(call).decode().split("\r\n")

    lines, bad = asyncio.run(head({**SENT, **KEPT})), asyncio.run(head(odd))

    assert {f"{name}: {value}" for name, value in SENT.items()} <= set(lines)
    assert not {f"{name}: {value}" for name, value in KEPT.items()} & set(lines)
    assert {"authorization: Bearer k", "host: h.test", "accept-encoding: identity"} <= set(lines)
    assert not any("evil" in line for line in bad)
