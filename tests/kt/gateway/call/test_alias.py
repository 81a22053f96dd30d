"""A model under another name at its target."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.kt.gateway.inside import URL, Inside, Said
from tests.kt.gateway.support import CHAT, chat, pack


def serving(*models: str, more: str = "", chain: str = "[audit-logger]", policy: str = "{}") -> str:
    """A policy whose targets, `t0` and so on, have these models."""
    lines = [
        f"    - {{id: t{at}, provider: local, base_url: '{URL}', model: {model}}}"
        for at, model in enumerate(models)
    ]
    return pack(chain, policy, "\n".join(["providers:", "  targets:", *lines, more]))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, {"messages": [{"role": "user", "content": "hi \U0001f98a"}], "temperature": 0.1}),
        ("/v1/responses", {"input": "hi", "stream": False}),
        ("/v1/embeddings", {"input": ["a", "b"]}),
        ("/openai/deployments/fast-1/chat/completions", {"messages": [{"role": "user"}]}),
    ],
)
def test_a_target_is_asked_for_the_name_that_it_knows(path: str, body: dict[str, Any]) -> None:
    """All else is as the client sent it; the log has the client's name."""
    gateway = Inside(serving("{from: 'fast*', to: gpt-4o-mini}"))
    answer = gateway.post({"model": "fast-1", **body}, path)

    assert answer.status == 200
    assert json.loads(gateway.seen[0].data) == {**body, "model": "gpt-4o-mini"}
    assert [one["model"] for one in gateway.logged] == ["fast-1"]


def test_the_name_at_the_target_is_no_name_for_clients() -> None:
    """Unless the glob has it; then its bytes are its client's."""
    gateway = Inside(serving("{from: 'fast*', to: gpt-4o-mini}"))
    same = Inside(serving("{from: 'gpt-*', to: gpt-4o-mini}"))
    body = b'{ "model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}] }'

    assert gateway.post(body).error["code"] == "model_not_found"
    assert same.post(body).status == 200
    assert same.seen[0].data == body


def test_a_moderation_without_a_model_gets_the_one_of_its_target() -> None:
    """It is asked for by the API's default."""
    gateway = Inside(serving("{from: '*', to: own-moderation}"))

    assert gateway.post({"input": "hi"}, "/v1/moderations").status == 200
    assert json.loads(gateway.seen[0].data) == {"input": "hi", "model": "own-moderation"}


def test_a_call_falls_back_to_another_model() -> None:
    """The first target hears the client's name, the second its own."""
    fallback = "  fallback: {triggers: [server_error]}"
    gateway = Inside(serving("gpt-4o", "{from: gpt-4o, to: mistral-large}", more=fallback))
    gateway.says = lambda call: Said(status=500 if call.model == "gpt-4o" else 200)

    assert gateway.post(chat(model="gpt-4o")).status == 200
    assert [json.loads(one.data)["model"] for one in gateway.seen] == ["gpt-4o", "mistral-large"]
    assert gateway.logged[0]["target"] == "t1"


def test_a_redacted_call_goes_under_the_targets_name_too() -> None:
    """Both are written anew."""
    gateway = Inside(
        serving(
            "{from: '*', to: gpt-4o-mini}",
            chain="[pii-detector]",
            policy="{pii-detector: {action: redact}}",
        )
    )
    gateway.post(chat("write to ann@example.org"))
    sent = json.loads(gateway.seen[0].data)

    assert sent["model"] == "gpt-4o-mini"
    assert "ann@example.org" not in sent["messages"][0]["content"]


def test_lists_of_models_have_the_names_for_clients() -> None:
    """A target is not asked for its list: it knows other names. The configuration shows both."""
    gateway = Inside(serving("{from: fast, to: gpt-4o-mini}", "{from: 'x*', to: gpt-4o}"))
    listed = [one["id"] for one in gateway.get("/v1/models").json["data"]]
    targets = gateway.get("/keeptrusts/config").json["targets"]

    assert (listed, gateway.seen) == (["fast"], [])
    assert [gateway.get(f"/v1/models/{name}").status for name in ("fast", "x1", "gpt-4o")] == [
        200,
        200,
        404,
    ]
    assert [(one["model"], one["asked_for"]) for one in targets] == [
        ("fast", "gpt-4o-mini"),
        ("x*", "gpt-4o"),
    ]
