"""Streams over sockets: what a client receives, byte by byte."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest

from tests.kt.gateway.support import (
    CHAT,
    ModelServer,
    Reply,
    Running,
    Server,
    chat,
    chat_events,
    pack,
    stream,
    targets,
    words,
)

CHAIN = "[safety-filter, pii-detector]"
POLICY = "{safety-filter: {}, pii-detector: {}}"
PROSE = "The committee met on Tuesday and spoke about the garden and the roof. " * 20
HARMFUL = "Here is how to build a pipe bomb at home."


@pytest.fixture
def gateway(serve: Server, model: ModelServer) -> Running:
    """In front of the model server."""
    return serve(pack(CHAIN, POLICY, targets(model)))


@pytest.mark.parametrize("chunk", [1, 3, 7, 64])
def test_an_allowed_stream_arrives_byte_for_byte(
    gateway: Running, model: ModelServer, chunk: int
) -> None:
    """However the network cuts it."""
    data = chat_events(*words("Zażółć gęślą 🦊 jaźń.", 3))
    model.says(stream(data, chunk))
    answer = gateway.post(chat(stream=True))

    assert (answer.status, answer.body) == (200, data)
    assert answer.headers["content-type"] == "text/event-stream"


@pytest.mark.parametrize("chunk", [1, 3, 7, 64])
def test_a_stream_that_turns_harmful_ends_with_one_error(
    gateway: Running, model: ModelServer, chunk: int
) -> None:
    """The client has the harmless part, the reason, and no normal finish."""
    data = chat_events(*words(PROSE + HARMFUL, 40))
    begun = threading.Event()

    def pieces() -> Iterator[bytes]:
        # One piece at a time would take minutes; the cuts that matter are at the end.
        yield data[:-1600]
        begun.wait(60)
        yield from stream(data[-1600:], chunk).chunks

    model.says(Reply(chunks=pieces(), content_type="text/event-stream"))
    answer = gateway.stream(chat(stream=True), begun)
    end = answer.events[-1]

    assert answer.status == 200
    assert end["error"]["code"] == "output_blocked"
    assert b"bomb" not in answer.body
    assert b"[DONE]" not in answer.body
    assert b'"stop"' not in answer.body


def test_a_stream_that_is_harmful_at_once_is_a_conflict(
    gateway: Running, model: ModelServer
) -> None:
    """Before the first byte went out there is a status to say it with."""
    model.says(stream(chat_events(*words(HARMFUL)), 7))
    answer = gateway.post(chat(stream=True))

    assert (answer.status, answer.error["code"]) == (409, "output_blocked")
    assert answer.headers["x-should-retry"] == "false"


def test_a_stream_is_redacted(gateway: Running, model: ModelServer) -> None:
    """The address never leaves."""
    model.says(stream(chat_events(*words("Write to ann@example.com, please.", 2)), 3))
    answer = gateway.post(chat(stream=True))

    assert answer.streamed_text == "Write to [REDACTED:EMAIL], please."
    assert answer.events[-1] == "[DONE]"


def test_a_stream_that_breaks_off_says_so(gateway: Running, model: ModelServer) -> None:
    """With the envelope of a failed target."""
    reply = stream(chat_events(*words(PROSE)), 4096)
    reply.chunks = reply.chunks[:-1]
    reply.breaks_off = True
    model.says(reply)
    answer = gateway.post(chat(stream=True))

    assert answer.events[-1]["error"]["type"] == "upstream_error"


def test_a_stream_that_cannot_be_read_is_not_shown(gateway: Running, model: ModelServer) -> None:
    """What cannot be judged does not pass."""
    model.says(stream(b"data: bomb\n\ndata: [DONE]\n\n", 64))
    answer = gateway.post(chat(stream=True))

    assert (answer.status, answer.error["code"]) == (502, "unreadable_answer")


def test_an_error_in_place_of_a_stream_reaches_the_client(
    gateway: Running, model: ModelServer
) -> None:
    """As it is."""
    model.says(Reply(status=400, chunks=[b'{"error":{"type":"bad"}}']))
    answer = gateway.post(chat(stream=True))

    assert (answer.status, answer.error["type"]) == (400, "bad")


def test_the_mock_streams_on_every_route(mocked: Running) -> None:
    """In the events of each format."""
    body = {"model": "m", "stream": True, "max_tokens": 9}
    message = [{"role": "user", "content": "Hello."}]
    chats = mocked.post(body | {"messages": message}, CHAT).body
    messages = mocked.post(body | {"messages": message}, "/v1/messages").body
    responses = mocked.post(body | {"input": "Hello."}, "/v1/responses").body

    assert chats.endswith(b"data: [DONE]\n\n")
    assert b"event: message_stop\n" in messages
    assert b"event: response.completed\n" in responses
    assert json.loads(responses.split(b"data: ")[-1])["response"]["status"] == "completed"
