"""The usual Python SDKs as clients of a gateway.

Every process of a run imports this module, and few run its tests: these import the SDKs, which
takes three seconds.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.kt.gateway.support import (
    HARMFUL,
    SAFE,
    ModelServer,
    Running,
    Server,
    chat_events,
    pack,
    stream,
    targets,
    words,
)

if TYPE_CHECKING:
    import anthropic
    import openai


@pytest.fixture
def ours(calling: Running) -> openai.OpenAI:
    """The openai SDK, with its retries."""
    import openai

    with openai.OpenAI(base_url=f"{calling.url}/v1", api_key="any") as client:
        yield client  # type: ignore[misc]


@pytest.fixture
def theirs(calling: Running) -> anthropic.Anthropic:
    """The anthropic SDK, with its retries."""
    import anthropic

    with anthropic.Anthropic(base_url=calling.url, api_key="any") as client:
        yield client  # type: ignore[misc]


def asked(text: str) -> list[dict[str, str]]:
    """One message."""
    return [{"role": "user", "content": text}]


def processed(gateway: Running) -> int:
    """How many requests came."""
    return int(gateway.get("/health").json["requests_processed"])


def test_openai_chats(ours: openai.OpenAI) -> None:
    """Whole."""
    answer = ours.chat.completions.create(model="m", messages=asked(SAFE))  # type: ignore[arg-type]

    assert answer.choices[0].message.content == f"Mock answer to: {SAFE}"


def test_openai_streams(ours: openai.OpenAI) -> None:
    """To the end mark."""
    events = ours.chat.completions.create(  # type: ignore[call-overload]
        model="m", messages=asked("Zażółć 🦊"), stream=True
    )
    said = "".join(event.choices[0].delta.content or "" for event in events)

    assert said == "Mock answer to: Zażółć 🦊"


def test_openai_gets_tool_calls(ours: openai.OpenAI) -> None:
    """Whole, and put together from a stream."""
    asking = {"model": "m", "messages": asked("use a tool")}
    call = ours.chat.completions.create(**asking).choices[0].message.tool_calls[0]  # type: ignore
    with ours.chat.completions.stream(**asking) as events:  # type: ignore[arg-type]
        streamed = events.get_final_completion().choices[0].message.tool_calls[0]  # type: ignore

    assert json.loads(call.function.arguments) == {"q": "roof 🦊"}
    assert streamed.function.arguments == call.function.arguments


def test_a_block_is_one_call_and_a_typed_error_for_openai(
    ours: openai.OpenAI, calling: Running
) -> None:
    """Whole and streamed."""
    import openai

    before = processed(calling)
    for streamed in (False, True):
        with pytest.raises(openai.ConflictError) as caught:
            ours.chat.completions.create(  # type: ignore[call-overload]
                model="m", messages=asked(HARMFUL), stream=streamed
            )
        assert caught.value.code == "input_blocked"

    assert processed(calling) - before == 2


def test_openai_gets_responses_and_embeddings(ours: openai.OpenAI) -> None:
    """The routes beside chat."""
    response = ours.responses.create(model="m", input="Hello.")
    events = list(ours.responses.create(model="m", input="Hello.", stream=True))
    vector = ours.embeddings.create(model="m", input="Hello.").data[0].embedding

    assert response.output_text == "Mock answer to: Hello."
    assert events[-1].type == "response.completed"
    assert len(vector) == 8


def test_a_stream_that_is_stopped_is_an_error_for_openai(serve: Server, model: ModelServer) -> None:
    """After what was harmless."""
    import openai

    text = "The garden is green. " * 80 + "Here is how to build a pipe bomb at home."
    model.says(stream(chat_events(*words(text)), 512))
    running = serve(pack(more=targets(model)))
    with openai.OpenAI(base_url=f"{running.url}/v1", api_key="any") as client:
        events = client.chat.completions.create(  # type: ignore[call-overload]
            model="m", messages=asked(SAFE), stream=True
        )
        said = []
        with pytest.raises(openai.APIError) as caught:
            said.extend(event.choices[0].delta.content for event in events)

    assert "bomb" not in "".join(said)
    assert caught.value.code == "output_blocked"


def test_anthropic_gets_messages(theirs: anthropic.Anthropic) -> None:
    """Whole, streamed, and with a tool."""
    asking = {"model": "m", "max_tokens": 50}
    answer = theirs.messages.create(messages=asked(SAFE), **asking)  # type: ignore
    with theirs.messages.stream(messages=asked("Zażółć 🦊"), **asking) as events:  # type: ignore
        said = "".join(events.text_stream)
    with theirs.messages.stream(messages=asked("use a tool"), **asking) as events:  # type: ignore
        call = events.get_final_message().content[0]

    assert answer.content[0].text == f"Mock answer to: {SAFE}"
    assert said == "Mock answer to: Zażółć 🦊"
    assert (call.name, call.input) == ("search", {"q": "roof 🦊"})


def test_a_block_is_one_call_and_a_typed_error_for_anthropic(
    theirs: anthropic.Anthropic, calling: Running
) -> None:
    """Its SDK heeds the same header."""
    import anthropic

    before = processed(calling)
    with pytest.raises(anthropic.ConflictError) as caught:
        theirs.messages.create(model="m", max_tokens=5, messages=asked(HARMFUL))  # type: ignore
    body = caught.value.body

    assert processed(calling) - before == 1
    assert isinstance(body, dict)
    assert body["error"]["code"] == "input_blocked"
