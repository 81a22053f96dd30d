"""Clients with named keys: whom a gateway serves, with which models, and what it tells of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from kt.gateway.reload import Reloader
from tests.kt.gateway.inside import URL, Inside
from tests.kt.gateway.support import CHAT, RELOAD, Answer, Starter, chat, pack, until

MESSAGES = "/v1/messages"


def keys(**limits: str) -> str:
    """A file of keys; the key of NAME is `NAME-key`."""
    return "keys:\n" + "".join(
        f"- {{name: {name}, sha256: '{digest(name)}', {more}}}\n" for name, more in limits.items()
    )


def digest(name: str) -> str:
    return sha256(f"{name}-key".encode()).hexdigest()


Make = Callable[..., Inside]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make a gateway with the keys of some clients: `make(policy, NAME="their settings")`."""

    def made(policy: str = "", **limits: str) -> Inside:
        path = tmp_path / "keys.yaml"
        path.write_text(keys(**limits))
        return Inside(policy, client_keys_path=str(path))

    return made


def call(gateway: Inside, name: str, body: Any = None, path: str = CHAT, **headers: str) -> Answer:
    """A call with the key of a name."""
    return gateway.post(body, path, authorization=f"Bearer {name}-key", **headers)


def test_a_key_that_nobody_has_is_401_in_the_envelope_of_its_api(make: Make) -> None:
    """Without a key as well."""
    gateway = make(team="")
    answers = [
        gateway.post(),
        call(gateway, "other"),
        gateway.post(chat(), MESSAGES, x_api_key="other-key"),
    ]

    assert [one.status for one in answers] == [401] * 3
    assert [one.json.get("type") for one in answers] == [None, None, "error"]
    assert answers[2].error["type"] == "authentication_error"
    assert call(gateway, "team").status == 200


@pytest.mark.parametrize(
    ("path", "status", "kind", "code"),
    [
        (CHAT, 404, "not_found_error", "model_not_found"),
        ("/openai/deployments/gpt-4o/chat/completions", 404, "not_found_error", "model_not_found"),
        (MESSAGES, 403, "permission_error", "model_not_allowed"),
        (f"{MESSAGES}/count_tokens", 403, "permission_error", "model_not_allowed"),
    ],
)
def test_a_model_that_a_key_may_not_use_is_refused_as_its_api_refuses_it(
    make: Make, path: str, status: int, kind: str, code: str
) -> None:
    """And reaches no target."""
    gateway = make(team="models: [gpt-4o-mini, claude-*]")
    answer = call(gateway, "team", {**chat(), "model": "gpt-4o"}, path)

    assert (answer.status, answer.error["type"], answer.error["code"]) == (status, kind, code)
    assert gateway.seen == []
    assert call(gateway, "team").status == 200


@pytest.mark.parametrize("key", ["models", "fallbacks"])
@pytest.mark.parametrize("more", [["gpt-4o"], ["gpt-4o-mini", "gpt-4o"], [5], [{"gpt-4o": []}]])
def test_models_to_fall_back_to_are_models_too(make: Make, key: str, more: Any) -> None:
    """Some targets read them beside the first."""
    gateway = make(team="models: [gpt-4o-mini]", free="")

    assert call(gateway, "team", chat(**{key: more})).status == 404
    assert call(gateway, "team", chat(**{key: ["gpt-4o-mini"]})).status == 200
    assert call(gateway, "free", chat(**{key: more})).status == 200


def test_a_key_is_shown_the_models_that_it_may_use(make: Make) -> None:
    """In the list, and each by its name."""
    lines = [
        f"    - {{id: {name}, provider: local, base_url: '{URL}', model: {name}}}"
        for name in ("gpt-4o", "gpt-4o-mini")
    ]
    policy = pack(more="\n".join(["providers:", "  targets:", *lines]))
    gateway = make(policy, team="models: [gpt-4o-mini]", free="")

    def get(name: str, path: str) -> Answer:
        return gateway.get(path, authorization=f"Bearer {name}-key")

    listed = [get(name, "/v1/models").json["data"] for name in ("team", "free")]
    assert [[one["id"] for one in data] for data in listed] == [
        ["gpt-4o-mini"],
        ["gpt-4o", "gpt-4o-mini"],
    ]
    assert get("team", "/v1/models/gpt-4o").status == 404
    assert get("team", "/v1/models/gpt-4o-mini").status == 200
    assert get("free", "/v1/models/gpt-4o").status == 200


def test_a_key_over_its_limit_is_429_and_others_are_not(make: Make) -> None:
    """Whatever it calls itself."""
    gateway = make(team="rate_limit: {max_requests: 2, window_seconds: 3600}", other="")
    statuses = [call(gateway, "team", x_user_id=f"u{at}").status for at in range(3)]
    refused = call(gateway, "team")

    assert statuses == [200, 200, 429]
    assert (refused.error["limit"], "retry-after" in refused.headers) == ("client_rate_limit", True)
    assert call(gateway, "other").status == 200


def test_a_budget_is_of_tokens_as_targets_count_them(make: Make) -> None:
    """What a call was estimated to take is corrected by its answer."""
    gateway = make(team="token_budget: {max_tokens: 1000, window_seconds: 3600}")
    answer = {"choices": [], "usage": {"prompt_tokens": 900, "completion_tokens": 90}}
    gateway.answers(answer)

    assert call(gateway, "team").status == 200
    refused = call(gateway, "team")
    assert (refused.status, refused.error["limit"]) == (429, "client_token_budget")


def test_the_log_and_the_metrics_tell_the_name_and_never_the_key(make: Make) -> None:
    """Of a key without a name nothing; of an unknown key neither."""
    gateway = make(team="")
    call(gateway, "team")
    call(gateway, "unknown")
    page = gateway.get("/metrics").body.decode()

    assert [one["client"] for one in gateway.logged] == ["team", None]
    assert 'keeptrusts_client_requests_total{client="team",status="200"} 1\n' in page
    assert 'keeptrusts_client_tokens_total{client="team"} ' in page
    everything = f"{gateway.logged} {page} {gateway.get('/health').body!r}"
    assert "team-key" not in everything
    assert "unknown" not in everything
    assert digest("team") not in everything


def test_keys_come_and_go_with_the_file(start: Starter, tmp_path: Path) -> None:
    """A bad file leaves those that were; health says so, and the log has no key."""
    path = tmp_path / "keys.yaml"
    path.write_text(keys(alpha=""))
    gateway = start(pack(), "--mock-upstream", "--client-keys", str(path))

    def status(name: str) -> int:
        return gateway.post(chat(), authorization=f"Bearer {name}-key").status

    before = [status("alpha"), status("beta")]
    path.write_text(keys(beta=""))
    until(lambda: [status("alpha"), status("beta")] == [401, 200])
    path.write_text("keys: [gamma-key]")
    refused = gateway.post(b"", RELOAD)
    health = gateway.get("/health").json
    kept = status("beta")
    path.write_text(keys(alpha="", beta=""))
    taken = gateway.post(b"", RELOAD)

    assert before == [200, 401]
    assert (refused.status, refused.error["code"]) == (422, "client_keys_invalid")
    assert health["status"] == "degraded"
    assert "the newest client keys were not taken" in health["reasons"][0]
    assert kept == 200
    assert (taken.status, status("alpha")) == (200, 200)
    assert gateway.get("/health").json["status"] == "healthy"
    _, stdout, stderr = gateway.stop()
    assert [one for one in ("alpha-key", "beta-key", "gamma-key") if one in stdout + stderr] == []
    assert '"client":"alpha"' in stdout


def test_a_key_is_withdrawn_also_while_the_policy_is_bad(make: Make, tmp_path: Path) -> None:
    """Neither waits for the other."""
    gateway = make(alpha="")
    (tmp_path / "keys.yaml").write_text(keys(beta=""))

    async def reload() -> bool:
        # Its policy is in no file, so that it cannot be read.
        return await Reloader(gateway.gateway).reload()

    assert asyncio.run(reload()) is False
    assert "policy was not taken" in gateway.gateway.problem
    assert [call(gateway, name).status for name in ("alpha", "beta")] == [401, 200]
