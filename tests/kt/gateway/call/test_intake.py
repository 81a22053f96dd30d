"""Taking a request in: what says its text in no text is refused, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from kt.gateway.call.intake import Route, find_route, take
from kt.gateway.errors import InvalidRequestError, encode
from tests.kt.gateway.inside import TARGETS, Inside
from tests.kt.gateway.support import pack

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
EMBEDDINGS = "/v1/embeddings"
TEXT = {"type": "text", "text": "hi"}


def said(content: Any, **message: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content, **message}]}


def result(content: Any) -> dict[str, Any]:
    """A message with a tool's result."""
    return said([{"type": "tool_result", "tool_use_id": "i", "content": content}])


TAKEN = [
    (CHAT, said("hi")),
    (CHAT, said(None, tool_calls=[])),
    (CHAT, {"messages": [{"role": "assistant"}]}),
    (CHAT, said([])),
    (CHAT, said([TEXT, "a word", {"type": "image_url", "image_url": {"url": "x", "n": 5}}])),
    (MESSAGES, {**said("hi"), "system": [TEXT]}),
    (MESSAGES, result([TEXT])),
    (MESSAGES, result({"type": "web_search_tool_result_error", "error_code": "x"})),
    (MESSAGES, said([{"type": "tool_use", "input": {"text": 5, "content": 5}}])),
    (RESPONSES, {"input": "hi", "instructions": "be brief"}),
    (RESPONSES, {"prompt": {"id": "pmpt_1"}}),
    (RESPONSES, {"input": [{"type": "function_call_output", "output": "5"}]}),
    (RESPONSES, {"input": [{"type": "computer_call_output", "output": {"image_url": "x"}}]}),
    (RESPONSES, {"input": [{"type": "reasoning", "summary": [], "content": None}]}),
    (EMBEDDINGS, {"input": ["a", "b"]}),
    (EMBEDDINGS, {"input": [5, 6]}),
    (EMBEDDINGS, {"input": [[5], [6]]}),
    (EMBEDDINGS, {"input": ["a", [6]]}),
    ("/v1/completions", {"prompt": ["a", "b"], "suffix": "c"}),
    ("/v1/completions", {"prompt": [5, 6]}),
    ("/v1/moderations", {"input": [{"type": "text", "text": "a"}]}),
    ("/v1/messages/count_tokens", {**said("hi"), "system": "s"}),
]
REFUSED = [
    (CHAT, said(5), "messages[0].content"),
    (CHAT, said(True), "messages[0].content"),
    (CHAT, said(1.5), "messages[0].content"),
    (CHAT, said({"text": "hi"}), "messages[0].content"),
    (CHAT, said([5]), "messages[0].content[0]"),
    (CHAT, said([[TEXT]]), "messages[0].content[0]"),
    (CHAT, said([None]), "messages[0].content[0]"),
    (CHAT, said([{"type": "text", "text": 4111111111111111}]), "messages[0].content[0].text"),
    (CHAT, {"messages": "hi"}, "messages"),
    (CHAT, {"messages": {"role": "user"}}, "messages"),
    (CHAT, {"messages": ["hi"]}, "messages[0]"),
    (MESSAGES, {**said("hi"), "system": 5}, "system"),
    (MESSAGES, result(4111111111111111), "messages[0].content[0].content"),
    (MESSAGES, result([{"text": False}]), "messages[0].content[0].content[0].text"),
    (
        MESSAGES,
        said([{"type": "document", "source": {"type": "text", "data": 5}}]),
        "messages[0].content[0].source.data",
    ),
    (RESPONSES, {"input": 5}, "input"),
    (RESPONSES, {"input": "hi", "instructions": 5}, "instructions"),
    (RESPONSES, {"input": [{"type": "function_call_output", "output": 5}]}, "input[0].output"),
    (EMBEDDINGS, {"input": {"text": "hi"}}, "input"),
    (EMBEDDINGS, {"input": [True]}, "input[0]"),
    (EMBEDDINGS, {"input": [1.5]}, "input[0]"),
    (EMBEDDINGS, {"input": []}, "input"),
    ("/v1/completions", {"prompt": 5}, "prompt"),
    ("/v1/completions", {}, "prompt"),
    ("/v1/moderations", {"input": 5}, "input"),
    ("/v1/messages/count_tokens", said(5), "messages[0].content"),
    (CHAT, {"messages": []}, "messages"),
    (CHAT, {**said("hi"), "model": ""}, "model"),
    (CHAT, {**said("hi"), "model": 5}, "model"),
]


@pytest.mark.parametrize(("path", "body"), TAKEN)
def test_what_can_be_judged_is_taken(path: str, body: dict[str, Any]) -> None:
    """As it is."""
    data = encode({"model": "m", **body})

    assert take(Route(path), data) == ({"model": "m", **body}, data, "m")


@pytest.mark.parametrize(("path", "body", "param"), REFUSED)
def test_what_no_policy_could_read_is_refused(path: str, body: dict[str, Any], param: str) -> None:
    """With its place."""
    with pytest.raises(InvalidRequestError) as refused:
        take(Route(path), encode({"model": "m", **body}))

    assert (refused.value.status, refused.value.details["param"]) == (422, param)


IMAGE = said([TEXT, {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}])
UNJUDGED = [
    (CHAT, {"model": "m", **IMAGE}, "image"),
    (EMBEDDINGS, {"model": "m", "input": [[9906, 1917]]}, "tokens"),
    (
        MESSAGES,
        {
            "model": "m",
            **said([{"type": "document", "source": {"type": "base64", "data": "AA"}}]),
        },
        "file",
    ),
]


@pytest.mark.parametrize(("path", "body", "name"), UNJUDGED)
def test_what_is_not_read_is_marked_or_blocked(path: str, body: dict[str, Any], name: str) -> None:
    """In the answer's head and in the decision log, so that nobody takes it for judged."""
    chain, block = "[dlp-filter]", "{dlp-filter: {blocked_terms: [Falcon]}}"
    lenient = Inside(pack(chain, block, TARGETS))
    strict = Inside(pack(chain, block, TARGETS + "unjudged: block\n"))
    passed, stopped = lenient.post(body, path), strict.post(body, path)

    assert passed.status == 200
    assert passed.headers["x-keeptrusts-verdict"] == f"allow; unjudged={name}"
    assert (lenient.logged[-1]["verdict"], lenient.logged[-1]["unjudged"]) == ("allow", [name])
    assert (stopped.status, stopped.error["policy"]) == (409, "unjudged")
    assert stopped.error["reason_code"] == f"unjudged.{name}"
    assert strict.seen == []


def test_what_an_answer_says_unread_is_marked() -> None:
    """Beside what its request did."""
    gateway = Inside(pack("[dlp-filter]", "{dlp-filter: {blocked_terms: [Falcon]}}", TARGETS))
    gateway.answers({"choices": [{"message": {"audio": {"data": "AA", "transcript": "hi"}}}]})
    answer = gateway.post({"model": "m", **IMAGE})

    assert answer.headers["x-keeptrusts-verdict"] == "allow; unjudged=audio+image"
    assert gateway.logged[-1]["unjudged"] == ["audio", "image"]
    assert gateway.post({"model": "m", **said("hi")}).headers["x-keeptrusts-verdict"] == (
        "allow; unjudged=audio"
    )


FOUND = [
    ("/v1/chat/completions", ("/v1/chat/completions", "")),
    ("/v1/messages/count_tokens", ("/v1/messages/count_tokens", "")),
    ("/openai/deployments/gpt-4o/chat/completions", ("/v1/chat/completions", "gpt-4o")),
    ("/openai/deployments/my.ada-2/embeddings", ("/v1/embeddings", "my.ada-2")),
    ("/openai/deployments/d/completions", ("/v1/completions", "d")),
    ("/openai/v1/responses", ("/v1/responses", "")),
    ("/openai/responses", ("/v1/responses", "")),
    ("/openai/deployments/d/messages", None),
    ("/openai/messages", None),
    ("/openai/deployments//chat/completions", None),
    ("/openai/deployments/completions", None),
    ("/openai/deployments/d/images/generations", None),
    ("/openai/v1/v1/responses", None),
    ("/v1/deployments/d/chat/completions", None),
    ("/v1/chat/completions/", None),
    ("/v1/messages/batches", None),
    ("/health", None),
]


@pytest.mark.parametrize(("path", "expected"), FOUND)
def test_a_route_is_found_in_both_of_its_forms(path: str, expected: tuple[str, str] | None) -> None:
    """OpenAI's and Azure's."""
    assert find_route(path) == expected


def test_a_deployment_is_the_model() -> None:
    """Whatever the body says; where it says the same its bytes stay."""
    route = Route(CHAT, "d")
    bare, same, other = (
        encode({**said("hi"), **more}) for more in ({}, {"model": "d"}, {"model": "m"})
    )

    assert take(route, bare)[::2] == ({**said("hi"), "model": "d"}, "d")
    assert take(route, same).data == same
    assert take(route, other)[::2] == ({**said("hi"), "model": "d"}, "d")


def test_a_moderation_without_a_model_is_one_by_the_default_model() -> None:
    """And stays without one."""
    data = encode({"input": "hi"})

    assert take(Route("/v1/moderations"), data) == (
        {"input": "hi"}, data, "omni-moderation-latest",
    )  # fmt: skip
