"""What reaches the client of an answer that is no ordinary one: an error, odd JSON, a failure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.kt.gateway.inside import JSON, TARGETS, Inside, completion
from tests.kt.gateway.support import chat, pack

POLICY = pack(
    "[dlp-filter, pii-detector]", "{dlp-filter: {blocked_terms: [Project Falcon], action: block}}",
    TARGETS,
)  # fmt: skip
MESSAGES = "/v1/messages"
CLAUDE = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture(scope="module")
def gateway() -> Inside:
    """A gateway that blocks a term and redacts personal data."""
    return Inside(POLICY)


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (429, "text/plain", b"slow down"),
        (429, "", b""),
        (403, "text/html; charset=iso-8859-1", b"<h1>gesperrt f\xfcr alle</h1>"),
        (404, "", b""),
        (401, "text/plain", b"bad key"),
        (400, "text/event-stream", b'data: {"error": {"message": "bad"}}\n\n'),
        (413, JSON, b'{"error": '),
        (400, JSON, b'{"error": {"message": "a"}, "error": {"message": "b"}}'),
        (422, JSON, b'{"detail": "half \\ud83d of it", "loss": NaN}'),
        (400, "text/plain; charset=utf-16", "zu viel".encode("utf-16")),
        (418, JSON, b'"a word"'),
    ],
    ids=str,
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_targets_refusal_reaches_the_client_as_it_is(
    gateway: Inside, status: int, content_type: str, body: bytes, stream: bool
) -> None:
    """Whatever its body, with the time after which to come back."""
    gateway.answers(body, status, content_type, {"retry-after": "7"})
    answer = gateway.post(chat(stream=stream))

    assert (answer.status, answer.body) == (status, body)
    assert answer.headers["content-type"] == content_type
    assert answer.headers["retry-after"] == "7"


REDACTED = [
    (b"write to ann@example.org", b"write to [REDACTED:EMAIL]"),
    (b"f\xfcr ann@example.org", b"f\xfcr [REDACTED:EMAIL]"),
    (b'{"a": "ann@example.org", "a": 1}', b'{"a": "[REDACTED:EMAIL]", "a": 1}'),
]


@pytest.mark.parametrize(("body", "expected"), REDACTED)
def test_a_refusals_text_is_judged(gateway: Inside, body: bytes, expected: bytes) -> None:
    """As text, where it is no JSON."""
    gateway.answers(body, 400, "text/plain")
    answer = gateway.post()

    assert (answer.status, answer.body) == (400, expected)
    assert answer.headers["x-keeptrusts-verdict"] == "redact"


@pytest.mark.parametrize(
    "body",
    [
        b"about Project Falcon",
        b"<p>about Project\n Falcon</p>",
        "about Project Falcon".encode("utf-16"),
        b'{"m": "about \\u0050roject Falcon", "m": "fine"}',
    ],
)
def test_a_refusal_that_says_what_is_blocked_is_stopped(gateway: Inside, body: bytes) -> None:
    """Its status does not make it harmless."""
    gateway.answers(body, 403, "text/html; charset=utf-16" if body[0] == 0xFF else "text/html")
    answer = gateway.post()

    assert (answer.status, answer.error["code"]) == (409, "output_blocked")
    assert b"Falcon" not in answer.body


@pytest.mark.parametrize("status", [500, 502, 503, 529])
@pytest.mark.parametrize("name", ["retry-after", "retry-after-ms", "x-should-retry"])
def test_when_to_ask_a_failed_target_again_reaches_the_client(
    gateway: Inside, status: int, name: str
) -> None:
    """The status is the gateway's own."""
    gateway.answers({"error": {}}, status, JSON, {name: "11", "x-other": "y"})
    answer = gateway.post()

    assert (answer.status, answer.headers[name]) == (502, "11")
    assert "x-other" not in answer.headers


@pytest.mark.parametrize(
    "body",
    [
        b'{"choices":[{"message":{"content":"hi \\ud83d bye"}}]}',
        b'{"choices":[{"message":{"content":"hi"},"logprobs":[-Infinity, NaN, 1e400]}]}',
        b'\xef\xbb\xbf{"choices":[{"message":{"content":"hi"}}]}',
        b'{"choices":[{"message":{"content":"said \\"a\\": 1, \\"a\\": 2"}}]}',
    ],
)
def test_what_readers_of_answers_read_is_passed_on(gateway: Inside, body: bytes) -> None:
    """Byte for byte."""
    gateway.answers(body)
    answer = gateway.post()

    assert (answer.status, answer.body) == (200, body)


def test_a_number_past_all_floats_stays_a_number(gateway: Inside) -> None:
    """In a request or an answer that is redacted, where it is written anew."""
    odd = '{"x": 1e400, "a": -1.5E+310, "y": 1.50, '
    sent = odd + '"model": "m", "messages": [{"role": "user", "content": "ann@example.org"}]}'
    back = odd + '"choices": [{"message": {"content": "bob@example.org", "z": -Infinity}}]}'
    gateway.answers(back.encode())
    answer = gateway.post(sent.encode())

    for body in (gateway.seen[-1].data, answer.body):
        read = json.loads(body)
        assert b"[REDACTED:EMAIL]" in body
        assert (read["x"], read["a"], read["y"]) == (10**400, -15 * 10**309, 1.5)
    assert b"-Infinity" in answer.body


TWICE = [
    b'{"choices":[{"message":{"content":"about Project Falcon","content":"fine"}}]}',
    b'{"choices":[{"message":{"content":"fine", "content" :"fine"}}]}',
    b'{"choices":[{"message":{"content":"fine","c\\u006fntent":"fine"}}]}',
    b'{"choices":[],"choices":[]}',
    b'{"a":[1,{"b":1,"b":2}]}',
    b'{"a":"x\\":","b":1,"b":2}',
]
UNREADABLE = [*TWICE, b"", b"hello", b'{"choices":', b"\xff", b"[" * 100_000]


@pytest.mark.parametrize("body", UNREADABLE, ids=lambda body: str(body[:40]))
def test_an_answer_that_is_read_in_two_ways_or_in_none_is_a_failure(
    gateway: Inside, body: bytes
) -> None:
    """For good: whoever asks again pays again."""
    gateway.answers(body)
    answer = gateway.post()

    assert (answer.status, answer.error["code"]) == (502, "unreadable_answer")
    assert answer.headers["x-should-retry"] == "false"
    assert b"Falcon" not in answer.body


def test_a_target_without_its_key_is_a_failure_for_good() -> None:
    """Nobody sets the key between two tries."""
    more = (
        "providers: {targets: [{id: t, provider: openai, secret_key_ref: {env: ABSENT_API_KEY}}]}"
    )
    answer = Inside(pack(more=more)).post()

    assert (answer.status, answer.error["code"]) == (502, "target_unavailable")
    assert answer.headers["x-should-retry"] == "false"


def test_an_unreadable_answer_passes_where_the_operator_says_so() -> None:
    """And is judged as the text that it is."""
    gateway = Inside(POLICY, fail_mode="allow")
    gateway.answers(b"hello, ann@example.org", 200, "text/plain")

    assert gateway.post().body == b"hello, [REDACTED:EMAIL]"


@pytest.mark.parametrize(
    ("path", "headers", "anthropic"),
    [
        ("/v1/messages", {}, True),
        ("/v1/messages/batches", {}, True),
        ("/v1/messages/nothing/here", {}, True),
        ("/v1/complete", {"anthropic_version": "2023-06-01"}, True),
        ("/v1/files", {"anthropic_version": "2023-06-01"}, True),
        ("/v1/files", {}, False),
        ("/v1/messagesx", {}, False),
        ("/v1/chat/completions", {"anthropic_version": "2023-06-01"}, False),
    ],
)
def test_an_error_is_in_the_envelope_of_its_clients_api(
    gateway: Inside, path: str, headers: dict[str, str], anthropic: bool
) -> None:
    """Also where there is no route."""
    answer = gateway.send("DELETE", path, b"", **headers)

    assert answer.status in (404, 405)
    assert answer.json.get("type") == ("error" if anthropic else None)
    assert answer.error["message"]


def numbered(*texts: str) -> bytes:
    """A response's stream that says these texts."""
    delta: dict[str, Any] = {"type": "response.output_text.delta", "item_id": "i"}
    events = [{**delta, "sequence_number": at, "delta": text} for at, text in enumerate(texts, 4)]
    return b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in events)


def test_the_error_that_ends_a_responses_stream_is_numbered(gateway: Inside) -> None:
    """After the last event, as its clients demand."""
    said = numbered(*["Some words. "] * 40, "about Project Falcon")
    gateway.answers(said, 200, "text/event-stream")
    answer = gateway.post({"model": "m", "input": "x", "stream": True}, "/v1/responses")
    last = answer.events[-1]

    assert (last["type"], last["code"], last["param"]) == ("error", "output_blocked", None)
    assert last["sequence_number"] == 45


def test_an_ordinary_answer_is_passed_on(gateway: Inside) -> None:
    """The rig of these tests, by itself."""
    gateway.answers(completion("Revenue grew."))

    assert (gateway.post().status, gateway.post().text) == (200, "Revenue grew.")
    assert gateway.post(CLAUDE, MESSAGES).status == 200
