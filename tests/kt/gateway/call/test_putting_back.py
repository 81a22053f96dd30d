"""Redact and put back, by a call: the target sees marks, the client its values, the log neither."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.kt.gateway.inside import TARGETS, Inside, completion
from tests.kt.gateway.support import CHAT, Starter, chat, chat_events, pack, words

ANN, BOB = "ann@example.org", "bob@example.org"
RESTORE = "{pii-detector: {restore: true}}"


@pytest.fixture
def gateway() -> Inside:
    """A gateway that puts back, and judges answers."""
    return Inside(pack("[pii-detector, audit-logger]", RESTORE, TARGETS))


@pytest.fixture
def asking() -> Inside:
    """A gateway that puts back, and judges requests alone."""
    return Inside(pack("[pii-detector: {stage: pre-request}, audit-logger]", RESTORE, TARGETS))


@pytest.mark.parametrize("name", ["gateway", "asking"])
def test_a_target_sees_marks_and_a_client_its_values(
    name: str, request: pytest.FixtureRequest
) -> None:
    """Whether or not answers are judged."""
    gateway: Inside = request.getfixturevalue(name)
    gateway.answers(completion("To [EMAIL_1], not to [EMAIL_2] or [EMAIL_9]."))
    answer = gateway.post(chat(f"Write to {ANN} and {BOB}."))

    assert ANN.encode() not in gateway.seen[0].data
    assert answer.text == f"To {ANN}, not to {BOB} or [EMAIL_9]."
    assert answer.headers["x-keeptrusts-verdict"] == "redact"


def test_what_the_model_says_by_itself_is_redacted(gateway: Inside) -> None:
    """An address of the request too, which it was not shown."""
    gateway.answers(completion(f"[EMAIL_1], eve@example.net, {BOB}"))
    answer = gateway.post(chat(f"Write to {ANN} and {BOB}."))

    assert answer.text == f"{ANN}, [REDACTED:EMAIL], [REDACTED:EMAIL]"


def test_each_call_has_its_own_values(gateway: Inside) -> None:
    """The mark of one is not the other's."""
    gateway.answers(completion("To [EMAIL_1]."))

    assert [gateway.post(chat(one)).text for one in (ANN, "nobody", BOB)] == [
        f"To {ANN}.", "To [EMAIL_1].", f"To {BOB}.",
    ]  # fmt: skip


def test_an_answer_without_a_mark_comes_byte_for_byte(gateway: Inside) -> None:
    """With its own spaces."""
    gateway.answers(b'{ "choices": [ {"message": {"content": "Fine."}} ] }')

    assert gateway.post(chat(ANN)).body == b'{ "choices": [ {"message": {"content": "Fine."}} ] }'


def test_copies_by_token_go_and_sound_stays(gateway: Inside) -> None:
    """Nobody could hear a value that the model never knew."""
    body = completion("To [EMAIL_1].", audio={"transcript": "To [EMAIL_1].", "data": "AAAA"})
    body["choices"][0]["logprobs"] = {"content": [{"token": "[EMAIL"}, {"token": "_1]"}]}
    gateway.answers(body)
    (choice,) = gateway.post(chat(ANN)).json["choices"]

    assert "logprobs" not in choice
    assert choice["message"]["audio"] == {"transcript": f"To {ANN}.", "data": "AAAA"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b'{"error":{"message":"bad: [EMAIL_1]"}}',
            b'{"error":{"message":"bad: ann@example.org"}}',
        ),
        (b"<p>bad: [EMAIL_1]</p>", b"<p>bad: ann@example.org</p>"),
    ],
)
def test_an_error_of_the_target_gets_its_values(
    gateway: Inside, body: bytes, expected: bytes
) -> None:
    """Targets repeat what they did not like."""
    gateway.answers(body, 400, "text/html")

    assert gateway.post(chat(ANN)).body == expected


def test_half_an_emoji_in_a_value_is_no_failure() -> None:
    """JSON can carry it, a page of text cannot."""
    policy = "{pii-detector: {restore: true, detect_patterns: ['ID-[^ ]+']}}"
    gateway = Inside(pack("[pii-detector]", policy, TARGETS))
    gateway.answers(b"bad: [CUSTOM_1] \xff", 400, "text/plain")

    assert gateway.post(chat("ID-\ud83d")).body == b"bad: ID-? ?"


def test_a_stream_without_judged_answers_gets_its_values(asking: Inside) -> None:
    """And all its events."""
    data = chat_events(*words("To [EMAIL_1], and [EMAIL_2].", 4))
    asking.answers(data, content_type="text/event-stream")
    answer = asking.post(chat(ANN, stream=True))

    assert answer.streamed_text == f"To {ANN}, and [EMAIL_2]."
    assert answer.events[-1] == "[DONE]"


def test_no_line_of_the_log_has_a_value(gateway: Inside) -> None:
    """It says what was found, and where."""
    gateway.answers(completion("To [EMAIL_1]."))
    gateway.post(chat(f"Write to {ANN}."))
    (entry,) = gateway.logged

    assert ANN not in repr(entry)
    assert (entry["verdict"], entry["audit"]["stage"]) == ("redact", "pre-request")
    assert entry["audit"]["detections"][0]["label"] == "email"


MESSAGES = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": f"To {ANN}"}]}
ROUTES: list[tuple[str, dict[str, Any]]] = [
    (CHAT, chat(f"To {ANN}")),
    ("/v1/completions", {"model": "m", "prompt": f"To {ANN}"}),
    ("/v1/responses", {"model": "m", "input": f"To {ANN}"}),
    ("/v1/messages", MESSAGES),
]
GIVEN = {"to": "[EMAIL_1]", "x": "[EMAIL_2]"}
STOPPED = "To [EMAIL_1] about the Falcon and [EMAIL_1]"
SCRIPT = [
    {"contains": "tool", "tool": {"name": "save", "arguments": GIVEN}},
    {"contains": "stop", "text": STOPPED, "chunk_characters": 3},
]
BLOCKS = "{pii-detector: {restore: true}, dlp-filter: {action: block, blocked_terms: [Falcon]}}"


def test_a_gateway_puts_back_on_every_route(start: Starter, tmp_path: Path) -> None:
    """Whole answers, streams, tools, a stop half way; and a log without values."""
    script, log = tmp_path / "script.json", tmp_path / "decisions.log"
    script.write_text(json.dumps(SCRIPT))
    chain = "[pii-detector, dlp-filter: {stage: post-response}, audit-logger]"
    own = ("--mock-upstream", "--mock-script", str(script), "--decision-log", str(log))
    gateway = start(pack(chain, BLOCKS), *own)

    for path, body in ROUTES:
        tool = json.loads(json.dumps(body).replace("To ", "use a tool for "))
        for asked in (body, tool):
            for stream in (False, True):
                answer = gateway.post({**asked, "stream": stream}, path)
                assert answer.status == 200, answer.body
                assert ANN.encode() in answer.body
                assert b"[EMAIL_1" not in answer.body
    stopped = gateway.post(chat(f"stop {ANN}", stream=True))
    gateway.stop()

    assert b"output_blocked" in stopped.body
    assert b"[EMAIL" not in stopped.body
    assert len(log.read_text().splitlines()) == 17
    assert ANN not in log.read_text() + "".join(gateway.output)
