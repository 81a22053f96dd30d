"""Routes beyond the four: each is judged and passed on, and the models are told."""

from __future__ import annotations

from typing import Any

import pytest

from kt.gateway.clients.keys import digest
from tests.kt.gateway.inside import TARGETS, Inside, completion
from tests.kt.gateway.support import chat, pack

BLOCKING = "{dlp-filter: {blocked_terms: [Project Falcon], action: block}}"
HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "hello"}]}
ROUTES = [
    ("/v1/completions", {"model": "m", "prompt": "hello"}, "prompt"),
    ("/v1/moderations", {"input": "hello"}, "input"),
    ("/v1/messages/count_tokens", {"model": "m", **HELLO, "system": "hello"}, "system"),
    ("/openai/deployments/gpt-4o/chat/completions", {**HELLO, "user": "hello"}, "user"),
    ("/openai/v1/responses", {"model": "m", "input": "hello"}, "input"),
]
MODELS = """
providers:
  targets:
    - {id: a, provider: openai, model: gpt-4o, api_key: k}
    - {id: b, provider: local, model: "meta/*", base_url: "http://model.test/v1"}
    - {id: c, provider: anthropic, model: "claude-*", api_key: k}
"""


@pytest.fixture
def gateway() -> Inside:
    """A gateway that blocks a term."""
    return Inside(pack("[dlp-filter]", BLOCKING, TARGETS))


@pytest.mark.parametrize(("path", "body", "key"), ROUTES)
def test_a_route_is_judged_and_passed_on(
    gateway: Inside, path: str, body: dict[str, Any], key: str
) -> None:
    """Both ways, by its own path."""
    passed = gateway.post(body, path + "?api-version=2024-10-21", api_key="k")
    stopped = gateway.post({**body, key: "about Project Falcon"}, path)
    gateway.answers({"choices": [{"text": "about Project Falcon"}]})
    held = gateway.post(body, path)

    assert (passed.status, stopped.status, held.status) == (200, 409, 409)
    assert len(gateway.seen) == 2
    assert gateway.seen[0].path in gateway.logged[0]["route"]
    assert gateway.logged[0]["route"].startswith("/v1/")


def test_a_deployment_reaches_its_target_as_the_model(gateway: Inside) -> None:
    """By the path of the OpenAI format."""
    gateway.post(HELLO, "/openai/deployments/gpt-4o/chat/completions?api-version=x")
    call = gateway.seen[0]

    assert (call.path, call.model, call.body["model"]) == (
        "/v1/chat/completions",
        "gpt-4o",
        "gpt-4o",
    )
    assert b'"model":"gpt-4o"' in call.data


def test_a_stream_of_completions_is_judged_over_its_chunks(gateway: Inside) -> None:
    """As that of a chat is."""
    pieces = [*["some words "] * 40, "about Pro", "ject Fal", "con and more"]
    events = [b'data: {"choices":[{"index":0,"text":"%s"}]}\n\n' % one.encode() for one in pieces]
    gateway.answers(b"".join(events), 200, "text/event-stream")
    answer = gateway.post({"model": "m", "prompt": "x", "stream": True}, "/v1/completions")

    assert b"Fal" not in answer.body
    assert answer.events[-1]["error"]["code"] == "output_blocked"
    assert b"event: error" not in answer.body


@pytest.mark.parametrize(
    "path", ["/v1/completions", "/v1/moderations", "/v1/messages/count_tokens"]
)
def test_the_mock_answers_each_route(path: str) -> None:
    """In its format, deterministic."""
    gateway = Inside(pack(), mock_upstream=True)
    body = {"model": "m", "prompt": "hi", "input": ["a", "b"], **HELLO}
    answer, again = gateway.post(body, path), gateway.post(body, path)
    expected = {
        "/v1/completions": lambda said: said["choices"][0]["text"] == "Mock answer to: hello",
        "/v1/moderations": lambda said: len(said["results"]) == 2,
        "/v1/messages/count_tokens": lambda said: said == {"input_tokens": 1},
    }[path]

    assert answer.status == 200
    assert answer.body == again.body
    assert expected(answer.json)


def test_the_mock_streams_a_completion() -> None:
    """To its end mark."""
    body = {"model": "m", "prompt": "hello there", "stream": True}
    answer = Inside(pack(), mock_upstream=True).post(body, "/v1/completions")
    said = "".join(one["choices"][0]["text"] for one in answer.events[:-1])

    assert (said, answer.events[-1]) == ("Mock answer to: hello there", "[DONE]")


@pytest.mark.parametrize(
    ("name", "owner"),
    [("gpt-4o", "openai"), ("meta/llama", "local"), ("claude-x", "anthropic"), ("gpt-5", None)],
)
@pytest.mark.parametrize("below", ["/v1/models", "/openai/v1/models", "/openai/models"])
def test_a_model_is_told_by_its_name(below: str, name: str, owner: str | None) -> None:
    """Where a target serves it, by name or by a glob."""
    answer = Inside(pack(more=MODELS)).get(f"{below}/{name}?api-version=x")

    assert answer.status == (200 if owner else 404)
    if owner:
        assert (answer.json["id"], answer.json["owned_by"]) == (name, owner)
        assert (answer.json["type"], answer.json["display_name"]) == ("model", name)
    else:
        assert answer.error["code"] == "model_not_found"


def test_models_are_for_clients_with_a_key() -> None:
    """Each of their pages."""
    gateway = Inside(pack(more=MODELS), client_keys=frozenset({digest("k")}))
    pages = ["/v1/models", "/v1/models/gpt-4o", "/openai/v1/models", "/openai/models/gpt-4o"]

    assert [gateway.get(page).status for page in pages] == [401] * 4
    assert [gateway.get(page, api_key="k").status for page in pages] == [200] * 4


def test_a_list_of_models_is_read_by_the_clients_of_both_apis() -> None:
    """Its first and its last are told."""
    listed = Inside(pack(more=MODELS)).get("/v1/models").json

    assert [one["id"] for one in listed["data"]] == ["gpt-4o"]
    assert (listed["object"], listed["has_more"], listed["last_id"]) == ("list", False, "gpt-4o")


def test_an_ordinary_call_is_as_it_was(gateway: Inside) -> None:
    """Its bytes are its client's."""
    gateway.answers(completion("Hello."))
    body = b'{ "model": "m", "messages": [{"role": "user", "content": "hi"}] }'

    assert gateway.post(body).text == "Hello."
    assert gateway.seen[0].data == body
    assert gateway.post(chat()).status == 200
