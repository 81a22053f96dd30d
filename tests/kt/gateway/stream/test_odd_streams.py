"""Streams that are written oddly: what clients read is read, and what none reads passes."""

from __future__ import annotations

import pytest

from kt.gateway.stream.sse import Splitter
from tests.kt.gateway.stream.streams import (
    BLOCKING,
    MESSAGES,
    REDACTING,
    bodies,
    chunk,
    content,
    shown,
    sse,
)

FINE = sse(chunk({"content": "hello"}), chunk({}, "stop"), "[DONE]")


@pytest.mark.parametrize(
    "data",
    [
        b"data:\n\n" + FINE,
        b"data: \n\n" + FINE,
        b"data\n\n" + FINE,
        FINE.replace(b"[DONE]", b"[DONE] "),
        FINE.replace(b"data: [DONE]", b"data:  [DONE]"),
        b"event: ping\ndata: ping\n\n" + FINE,
        b"event: heartbeat\ndata: still here\n\n" + FINE,
        b": OPENROUTER PROCESSING\n\n" + FINE,
        b"retry: 3000\n\n" + FINE,
        b"id: 7\nevent: message\n" + FINE,
        b"\xef\xbb\xbf" + FINE,
        b'data: {"choices":[{"delta":{"content":"hi \\ud83d"}}]}\n\n'
        b'data: {"choices":[{"delta":{"content":"\\ude00 bye"}}]}\n\n' + FINE,
        b'data: {"choices":[{"delta":{"content":"hi"},"a":[NaN,Infinity,-Infinity]}]}\n\n' + FINE,
        b'data: {"choices":[{"delta":{"content":"hi"},"a":123456789012345678901234567890}]}\n\n',
        b'data: {"choices":null,"usage":{}}\n\ndata: {"choices":{"0":[]}}\n\ndata: {}\n\n',
        b'data: {"choices":[null,{"delta":null},{"delta":[1]},{"index":"x","delta":{}}]}\n\n',
        b'data: {"choices":[{"delta":{"tool_calls":[null,{},{"function":null},"text"]}}]}\n\n',
        b'data: {"error":{"message":"out of memory","code":500}}\n\n',
    ],
)
def test_what_clients_read_leaves_byte_for_byte(data: bytes) -> None:
    """Odd or not."""
    assert shown(data, BLOCKING) == (data, "")
    assert shown(data, BLOCKING, MESSAGES) == (data, "")


@pytest.mark.parametrize(
    "data",
    [
        b"data: hello\n\n",
        b"data: [1]\n\n",
        b'data: {"a":\n\n',
        b'data: {"a": "\xff"}\n\n',
        # Readers differ on which of the two counts.
        b'data: {"choices":[{"delta":{"content":"Project Falcon","content":"hello"}}]}\n\n',
        b'data: {"choices":[{"delta":{}}],"choices":[{"delta":{"content":"hello"}}]}\n\n',
    ],
)
def test_what_nobody_can_read_is_stopped_unless_the_policy_may_fail(data: bytes) -> None:
    """`--fail-mode allow` lets it pass, and what can be read is judged all the same."""
    seen, code = shown(FINE + data + FINE)
    harmful = sse(chunk({"content": " Project Falcon"}))

    assert (seen, code) == (b"", "unreadable_answer")
    assert shown(FINE + data + FINE, fail_mode="allow") == (FINE + data + FINE, "")
    assert shown(FINE + data + harmful, fail_mode="allow")[1] == "dlp_filter.detected"


@pytest.mark.parametrize(
    "line",
    [b": about Project Falcon", b"id: Project Falcon", b"event: Project Falcon", b"Project Falcon"],
)
def test_lines_beside_the_data_are_judged(line: bytes) -> None:
    """Alone and with data; where they are cut, they go."""
    alone, with_data = line + b"\n\n" + FINE, line + b"\n" + FINE

    for data in (alone, with_data):
        assert shown(data, BLOCKING)[1] == "dlp_filter.detected"
        seen, code = shown(data, REDACTING)
        assert (code, content(seen)) == ("", "hello")
        assert b"Falcon" not in seen


def test_a_rewritten_event_keeps_its_other_lines_and_fields() -> None:
    """Only the text is another one."""
    data = (
        b': note\r\nid: 7\r\ndata: {"choices":[{"delta":{"content":"ann@example.org "},\r\n'
        b'data: "index":0,"n":NaN,"half":"\\ud83d"}]}\r\nretry: 5\r\n\r\n'
    )
    seen, code = shown(data, REDACTING)

    assert code == ""
    assert seen == (
        b': note\r\nid: 7\r\ndata: {"choices":[{"delta":{"content":"[REDACTED:EMAIL] "},'
        b'"index":0,"n":NaN,"half":"\\ud83d"}]}\r\nretry: 5\r\n\r\n'
    )


def test_events_that_are_not_rewritten_leave_byte_for_byte_beside_those_that_are() -> None:
    """The words around what is cut out."""
    first = b'data: {"choices":[{"delta":{"content":"Write  to "}, "index" :0}]}\n\n'
    last = b'data: {"choices":[{"delta":{"content":" to\\u0064ay, or later on"},"index":0}]}\n\n'
    seen, _ = shown(first + sse(chunk({"content": "ann@example.org"})) + last, REDACTING)

    assert seen.startswith(first)
    assert seen.endswith(last)
    assert bodies(seen)[1]["choices"][0]["delta"] == {"content": "[REDACTED:EMAIL]"}


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_no_byte_is_lost_wherever_the_network_cuts(end: bytes) -> None:
    """Between the two bytes of a last line end either."""
    data = FINE.replace(b"\n", end)
    for cut in range(len(data) + 1):
        splitter = Splitter(1 << 20)
        events = [*splitter.feed(data[:cut]), *splitter.feed(data[cut:]), *splitter.rest()]
        assert b"".join(events) == data
