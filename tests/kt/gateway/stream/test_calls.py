"""Tool calls in streams: which pieces are one call, and what of it leaves before it is judged."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.kt.gateway.stream.streams import (
    BLOCKING,
    MARK,
    MESSAGES,
    REDACTING,
    RESPONSES,
    Policy,
    arguments,
    bodies,
    call,
    chunk,
    content,
    cut,
    shown,
    sse,
    whole,
)
from tests.kt.gateway.support import CHAT

OSLO = '{"city":"Oslo"}'
SIGNED = {"extra_content": {"google": {"thought_signature": "CtEBAVSoXK+a/9=="}}}
END = chunk({}, "tool_calls")
WEATHER = "get_weather"
ALLOWING: Policy = (
    "[agent-firewall]",
    "{agent-firewall: {allowed_tools: ['get_*'], max_tool_calls: 2}}",
)

# Events of calls, and how many calls they are.
SAME = {
    "pieces": ([call("", WEATHER, index=0, id="a"), *(call(c, index=0) for c in OSLO)], 1),
    "a signature beside it": ([call(OSLO, WEATHER, index=0, id="a", **SIGNED)], 1),
    "a signature with each piece": (
        [call("", WEATHER, index=0, id="a", **SIGNED), *(call(c, **SIGNED) for c in OSLO)],
        1,
    ),
    "no number": ([call("", WEATHER, id="a"), *(call(c) for c in cut(OSLO, 4))], 1),
    "a name in pieces": (
        [call(None, "get_", index=0, id="a"), call(None, "weather", index=0), call(OSLO, index=0)],
        1,
    ),
    "a name each time": ([call(c, WEATHER, index=0, id="a") for c in cut(OSLO, 4)], 1),
    "a name each time, no id": ([call(c, WEATHER, index=0) for c in cut(OSLO, 4)], 1),
    "two numbers, mixed": (
        [
            call("", WEATHER, index=0, id="a"),
            call("", "get_time", index=1, id="b"),
            *(call(c, index=at) for c in cut(OSLO, 4) for at in (0, 1)),
        ],
        2,
    ),
    "all numbered 0": (
        [call(OSLO, WEATHER, index=0, id="a"), call(OSLO, WEATHER, index=0, id="b")],
        2,
    ),
    "no number, two names": ([call(OSLO, WEATHER), call(OSLO, "get_time")], 2),
    "no number, one name twice": ([call(OSLO, WEATHER), call("{}", WEATHER)], 2),
    "one object after another": ([call("{}", WEATHER, index=0), call(OSLO, index=0)], 1),
    "two in one chunk": (
        [
            chunk(
                {
                    "tool_calls": [
                        {"function": {"name": name, "arguments": OSLO}, "type": "function"}
                        for name in (WEATHER, "get_time")
                    ]
                }
            )
        ],
        2,
    ),
    "types without arguments": (
        [call(None, WEATHER, type="function"), call(None, "get_time", type="function")],
        2,
    ),
    "arguments that are an object": (
        [chunk({"tool_calls": [{"function": {"name": WEATHER, "arguments": {"a": 1}}}]})],
        1,
    ),
}


@pytest.mark.parametrize(("events", "count"), SAME.values(), ids=SAME)
def test_calls_are_told_apart(events: list[Any], count: int) -> None:
    """What is allowed leaves byte for byte; with one call more there are too many or not."""
    data = sse(*events, END)
    more = [call("{}", f"get_{at}", index=9 + at, id=f"z{at}") for at in range(3 - count)]

    assert shown(data, ALLOWING, at_once=1) == (data, "")
    seen, code = shown(sse(*events, *more, END), ALLOWING, at_once=1)
    assert code == "agent_firewall.too_many_tool_calls"
    assert f"get_{2 - count}".encode() not in seen


@pytest.mark.parametrize(
    "events",
    [
        [call(OSLO, WEATHER, index=0, id="a"), call("{}", "delete_file", index=0, id="b")],
        [call(OSLO, WEATHER, index=0), call("{}", "delete_file", index=0)],
        [call(OSLO, WEATHER), call("{}", "delete_file")],
        [call(OSLO, WEATHER, type="function"), call(None, "delete_file", type="function")],
        [call(None, WEATHER, id="a", index=0), call(None, "delete_file", id="b", index=0)],
        [call("", "delete_", index=0, id="a"), call(None, "file", index=0), call("{}", index=0)],
        [chunk({"function_call": {"name": "delete_file", "arguments": ""}})],
        [chunk({"tool_calls": [{"custom": {"name": "delete_file", "input": "x"}}]})],
        [chunk({"tool_calls": [{"function": {"name": "delete_file", "arguments": {"a": 1}}}]})],
    ],
)
def test_a_denied_tool_never_leaves(events: list[Any]) -> None:
    """Nor does the beginning of its name, whatever number it has."""
    seen, code = shown(sse(*events, END), at_once=1)

    assert code == "agent_firewall.tool_denied"
    assert b"delete" not in seen


@pytest.mark.parametrize(
    "item", [{"type": "function_call", "name": "delete_x"}, {"type": "delete_x_call"}]
)
def test_a_denied_tool_of_a_response_never_leaves(item: dict[str, str]) -> None:
    """By its name, or by its type where the provider runs it."""
    added = {"type": "response.output_item.added", "output_index": 0, "item": {"id": "i", **item}}

    assert shown(sse(added, named=True), route=RESPONSES) == (b"", "agent_firewall.tool_denied")


@pytest.mark.parametrize("route", [MESSAGES, RESPONSES])
def test_the_call_that_is_too_many_never_leaves(route: str) -> None:
    """Nor does it in the protocols whose events have types."""
    names = ["one", "two", "three"]
    blocks = [
        {
            "type": "content_block_start",
            "index": at,
            "content_block": {"type": "tool_use", "id": f"t{at}", "name": name, "input": {}},
        }
        for at, name in enumerate(names)
    ]
    items = [
        {
            "type": "response.output_item.added",
            "output_index": at,
            "item": {"type": "function_call", "id": f"i{at}", "name": name, "arguments": ""},
        }
        for at, name in enumerate(names)
    ]
    events = blocks if route == MESSAGES else items
    seen, code = shown(sse(*events, named=True), route=route, at_once=1)

    assert code == "agent_firewall.too_many_tool_calls"
    assert seen == sse(*events[:2], named=True)


def test_an_item_that_is_told_twice_is_one_call() -> None:
    """When it begins and when it is done."""
    events: list[Any] = []
    for at in range(2):
        place = {"output_index": at, "item_id": f"i{at}"}
        item = {"type": "function_call", "id": f"i{at}", "name": "f"}
        events += [
            {"type": "response.output_item.added", "output_index": at, "item": item},
            {"type": "response.function_call_arguments.delta", **place, "delta": OSLO},
            {"type": "response.function_call_arguments.done", **place, "arguments": OSLO},
            {"type": "response.output_item.done", "output_index": at, "item": item},
        ]
    more = {"type": "function_call", "id": "i9", "name": "f"}
    events += [{"type": "response.output_item.done", "output_index": 9, "item": more}]
    data = sse(*events[:-1], named=True)

    assert shown(data, route=RESPONSES, at_once=1) == (data, "")
    assert shown(sse(*events, named=True), route=RESPONSES, at_once=1) == (
        data,
        "agent_firewall.too_many_tool_calls",
    )


def test_arguments_leave_as_they_are_judged() -> None:
    """A long call is not silent until it ends."""
    text = json.dumps({"text": "The garden is green, and so is the roof of the house. " * 40})
    events = [call("", "write", index=0, id="a"), *(call(c, index=0) for c in cut(text, 7))]
    seen, code = shown(sse(*events[: len(events) // 2]), at_once=1)

    assert code == ""
    assert len("".join(arguments(seen))) > len(text) // 2 - 100


@pytest.mark.parametrize("size", [1, 5, 60])
@pytest.mark.parametrize(
    "value",
    [
        {"to": "ann@example.org", "n": [1, None]},
        {"q": "see Project Falcon\nand ann@example.org", "é": '"quoted\\" "'},
        {"card": 4111111111111111, "then": "4111 1111 1111 1111"},
    ],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_arguments_are_what_the_answer_in_one_piece_has(
    size: int, value: Any, ascii_only: bool
) -> None:
    """Redacted, and JSON still."""
    text = json.dumps(value, ensure_ascii=ascii_only).replace("P", "\\u0050")
    tool = {"type": "function", "function": {"name": "f", "arguments": text}}
    message = {"role": "assistant", "tool_calls": [tool]}
    answer = whole({"choices": [{"index": 0, "message": message}]}, REDACTING)
    expected = answer["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
    events = [call("", "f", index=0, id="a"), *(call(c, index=0) for c in cut(text, size)), END]
    seen, code = shown(sse(*events), REDACTING)

    assert (code, "".join(arguments(seen))) == ("", expected)
    assert b"REDACTED" in seen
    json.loads(expected)


CUT_OFF = '{"q": "see \\u0050roject Falcon and ann\\u0040example.org, and mo'


@pytest.mark.parametrize("size", [1, 3, 80])
def test_json_that_was_cut_off_is_read_with_its_escapes(size: int) -> None:
    """In arguments and in content, in a stream and in an answer in one piece."""
    expected = '{"q": "see [REDACTED:TERM] and [REDACTED:EMAIL], and mo'
    tools = [call("", "f", index=0, id="a"), *(call(c, index=0) for c in cut(CUT_OFF, size))]
    texts = [chunk({"content": c}) for c in cut(CUT_OFF, size)]
    message = {"content": CUT_OFF, "tool_calls": [{"function": {"arguments": CUT_OFF}}]}
    answer = whole({"choices": [{"message": message}]}, REDACTING)["choices"][0]["message"]

    assert "".join(arguments(shown(sse(*tools), REDACTING)[0])) == expected
    assert content(shown(sse(*texts), REDACTING)[0]) == expected
    assert answer["content"] == answer["tool_calls"][0]["function"]["arguments"] == expected
    assert shown(sse(*tools))[1] == shown(sse(*texts))[1] == "dlp_filter.detected"


BROKEN = [
    '{"q": "see \\u0050roject Falcon and ann\\u0040example.org"], "x": 1',
    '{"q": "\\uq see \\u0050roject Falcon and ann\\u0040example.org"}',
]
BROKEN_ARGUMENTS = [
    *BROKEN,
    '{"{"q": "see \\u0050roject Falcon and ann\\u0040example.org"}',
    'q": "see \\u0050roject Falcon and ann\\u0040example.org"}',
]


@pytest.mark.parametrize("at_once", [1, 500])
@pytest.mark.parametrize("size", [1, 3, 80])
@pytest.mark.parametrize("text", BROKEN_ARGUMENTS)
def test_json_that_is_broken_is_read_with_its_escapes(text: str, size: int, at_once: int) -> None:
    """However much of it is known when it is read; in content, too, where it did not begin so."""
    expected = text.replace("\\u0050roject Falcon", "[REDACTED:TERM]")
    expected = expected.replace("ann\\u0040example.org", "[REDACTED:EMAIL]")
    tools = [call("", "f", index=0, id="a"), *(call(c, index=0) for c in cut(text, size)), END]
    texts = [chunk({"content": c}) for c in cut(text, size)]
    message = {"content": text, "tool_calls": [{"function": {"arguments": text}}]}
    answer = whole({"choices": [{"message": message}]}, REDACTING)["choices"][0]["message"]
    seen = [shown(sse(*one), REDACTING, at_once=at_once)[0] for one in (tools, texts)]

    assert "".join(arguments(seen[0])) == expected
    assert answer["tool_calls"][0]["function"]["arguments"] == expected
    assert content(seen[1]) == answer["content"]
    assert answer["content"] == expected


FREE = "C:\\u0041nna\\notes"


@pytest.mark.parametrize("size", [1, 3, 80])
def test_the_input_of_a_custom_tool_is_a_text(size: int) -> None:
    """Its backslashes are its own, and what they may say is looked for as in any text."""
    begin = chunk({"tool_calls": [{"index": 0, "custom": {"name": "run", "input": ""}}]})
    pieces = [
        chunk({"tool_calls": [{"index": 0, "custom": {"input": c}}]}) for c in cut(FREE, size)
    ]
    data = sse(begin, *pieces, END)
    item = {"type": "response.custom_tool_call_input.delta", "item_id": "i", "output_index": 0}
    typed = sse(*({**item, "delta": c} for c in cut(FREE, size)))

    hidden = {"custom": {"input": "C:\\u0050roject Falcon\\notes"}}
    assert whole({"custom": {"input": FREE}}, REDACTING) == {"custom": {"input": FREE}}
    assert whole(hidden, REDACTING) == {"custom": {"input": "C:[REDACTED:TERM]\\notes"}}
    assert shown(data, REDACTING) == (data, "")
    assert shown(typed, REDACTING, RESPONSES) == (typed, "")


def _begun(given: Any, kind: str = "tool_use") -> dict[str, Any]:
    block = {"type": kind, "id": "t", "name": "save", "input": given}
    return {"type": "content_block_start", "index": 0, "content_block": block}


def _item(event: str, kind: str, key: str, given: Any) -> dict[str, Any]:
    item = {"type": kind, "id": "i", "name": "save", key: given}
    return {"type": f"response.output_item.{event}", "output_index": 0, "item": item}


def _tool(given: Any, **more: Any) -> dict[str, Any]:
    return chunk(
        {"tool_calls": [{"index": 0, "function": {"name": "save", "arguments": given}}]}, **more
    )


_CALLED = {"type": "function_call", "name": "save"}
# Events with a call whose input is JSON and not a text of it, as some servers send it.
OBJECTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "chat": (CHAT, _tool),
    "chat, beside a string": (CHAT, lambda given: _tool(given, note="plain")),
    "chat, function": (CHAT, lambda given: chunk({"function_call": {"arguments": given}})),
    "chat, custom": (CHAT, lambda given: chunk({"tool_calls": [{"custom": {"input": given}}]})),
    "messages": (MESSAGES, _begun),
    "messages, server's": (MESSAGES, lambda given: _begun(given, "server_tool_use")),
    "messages, mcp": (MESSAGES, lambda given: _begun(given, "mcp_tool_use")),
    "messages, delta": (
        MESSAGES,
        lambda given: {"type": "content_block_delta", "index": 0, "delta": {"partial_json": given}},
    ),
    "messages, whole": (
        MESSAGES,
        lambda given: {
            "type": "message_start",
            "message": {"content": [_begun(given)["content_block"]]},
        },
    ),
    "responses, added": (
        RESPONSES, lambda given: _item("added", "function_call", "arguments", given)
    ),
    "responses, done": (
        RESPONSES, lambda given: _item("done", "function_call", "arguments", given)
    ),
    "responses, custom": (
        RESPONSES, lambda given: _item("done", "custom_tool_call", "input", given)
    ),
    "responses, delta": (
        RESPONSES,
        lambda given: {"type": "response.function_call_arguments.delta", "delta": given},
    ),
    "responses, arguments": (
        RESPONSES,
        lambda given: {"type": "response.function_call_arguments.done", "arguments": given},
    ),
    "responses, completed": (
        RESPONSES,
        lambda given: {
            "type": "response.completed",
            "response": {"output": [{**_CALLED, "arguments": given}]},
        },
    ),
}  # fmt: skip
GIVEN = [
    (
        {"to": "ann@example.org", "n": [1, None, f"see {MARK}"]},
        {"to": "[REDACTED:EMAIL]", "n": [1, None, "see [REDACTED:TERM]"]},
    ),
    (["ann@example.org", {"x": '"'}], ["[REDACTED:EMAIL]", {"x": '"'}]),
    ({"to": {"cc": 'a "b" ann@example.org\n'}}, {"to": {"cc": 'a "b" [REDACTED:EMAIL]\n'}}),
]


@pytest.mark.parametrize(("route", "event"), OBJECTS.values(), ids=OBJECTS)
@pytest.mark.parametrize(("given", "expected"), GIVEN, ids=["object", "list", "nested"])
def test_an_input_that_is_no_text_stays_none(
    route: str, event: Callable[[Any], Any], given: Any, expected: Any
) -> None:
    """Redacted in a stream and in an answer in one piece, whichever event holds it."""
    seen, code = shown(sse(event(given)), REDACTING, route)

    assert code == ""
    assert bodies(seen) == [event(expected)]
    assert whole(event(given), REDACTING) == event(expected)
    assert shown(sse(event(given)), BLOCKING, route)[1] == (
        "dlp_filter.detected" if MARK in str(given) else ""
    )


def test_what_stands_beside_a_call_is_judged_and_stays() -> None:
    """A second string of a call is neither name nor arguments."""
    data = sse(call(OSLO, WEATHER, id="a", note="about Project Falcon"), END)
    mail = sse(call(OSLO, WEATHER, id="a", note="ann@example.org", **SIGNED), END)
    seen, _ = shown(mail, REDACTING)
    tool = bodies(seen)[0]["choices"][0]["delta"]["tool_calls"][0]

    assert shown(data, BLOCKING) == (b"", "dlp_filter.detected")
    assert tool["note"] == "[REDACTED:EMAIL]"
    assert (tool["function"], tool["extra_content"]) == (
        {"name": WEATHER, "arguments": OSLO},
        SIGNED["extra_content"],
    )
