"""A field that no protocol knows, anywhere in a stream: judged with its event, else as it came."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kt.gateway.stream.streams import (
    BLOCKING,
    MARK,
    MESSAGES,
    REDACTING,
    RESPONSES,
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

TEXT = "All is well in the garden, and on the roof."
ARGUMENTS = '{"q": "the garden", "n": [1, {"z": null}]}'
PLACE = {"item_id": "i", "output_index": 0}
KEYS = ("note", "provider", "extra_content", "type", "text", "annotations", "id", "model", "data")
CLEAN: tuple[Any, ...] = ("plain words", {"a": {"b": "plain words"}}, ["plain", "words"], 7)
MARKED: tuple[Any, ...] = (MARK, {"a": MARK}, [MARK], [{"type": {"x": f"a {MARK}"}}])
_ITEM = {"type": "function_call", "id": "i", "name": "save"}
_BLOCK = {"type": "tool_use", "id": "t", "name": "save", "input": {}}

STREAMS: dict[str, tuple[str, list[Any]]] = {
    "chat": (CHAT, [*(chunk({"content": c}) for c in cut(TEXT, 9)), chunk({}, "stop")]),
    "chat, tool": (
        CHAT,
        [
            call("", "save", index=0, id="a", type="function"),
            *(call(c, index=0) for c in cut(ARGUMENTS, 9)),
            chunk({}, "tool_calls"),
        ],
    ),
    "messages": (
        MESSAGES,
        [
            {"type": "message_start", "message": {"id": "m", "content": [], "usage": {}}},
            {
                "type": "content_block_start",
                "index": 0,
                "content_block": {"type": "text", "text": ""},
            },
            *(
                {
                    "type": "content_block_delta",
                    "index": 0,
                    "delta": {"type": "text_delta", "text": c},
                }
                for c in cut(TEXT, 9)
            ),
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}},
        ],
    ),
    "messages, tool": (
        MESSAGES,
        [
            {"type": "content_block_start", "index": 0, "content_block": _BLOCK},
            *(
                {"type": "content_block_delta", "index": 0, "delta": {"partial_json": c}}
                for c in cut(ARGUMENTS, 9)
            ),
            {"type": "content_block_stop", "index": 0},
        ],
    ),
    "responses": (
        RESPONSES,
        [
            {"type": "response.created", "response": {"id": "r", "output": []}},
            *(
                {"type": "response.output_text.delta", **PLACE, "content_index": 0, "delta": c}
                for c in cut(TEXT, 9)
            ),
            {"type": "response.output_text.done", **PLACE, "content_index": 0, "text": TEXT},
            {"type": "response.completed", "response": {"output": [{"type": "message"}]}},
        ],
    ),
    "responses, tool": (
        RESPONSES,
        [
            {"type": "response.output_item.added", "output_index": 0, "item": _ITEM},
            *(
                {"type": "response.function_call_arguments.delta", **PLACE, "delta": c}
                for c in cut(ARGUMENTS, 9)
            ),
            {
                "type": "response.function_call_arguments.done",
                **PLACE,
                "arguments": ARGUMENTS,
            },
        ],
    ),
}


def _holders(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all objects in an event."""
    if isinstance(value, dict):
        yield path
    for step, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(item, dict | list):
            yield from _holders(item, (*path, step))


def _with(value: Any, path: tuple[Any, ...], key: str, item: Any) -> Any:
    """A copy of an event with one field more."""
    if not path:
        return {**value, key: item}
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _with(value[path[0]], path[1:], key, item)
    return copy


def _sites(events: list[Any]) -> list[tuple[int, tuple[Any, ...], str]]:
    """All places where a field can be added: the event, the path in it, the key."""
    return [
        (at, path, key)
        for at, event in enumerate(events)
        for path in _holders(event)
        for key in KEYS
        if key not in _at(event, path)
    ]


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def _changed(route: str, events: list[Any], site: Any, item: Any) -> bool:
    """Whether a clean field changes something, or a marked one is delivered."""
    at, path, key = site
    data = sse(*events[:at], _with(events[at], path, key, item), *events[at + 1 :])
    seen, code = shown(data, BLOCKING, route, at_once=3)
    return (seen, code) != (data, "") if item in CLEAN else MARK.encode() in seen or not code


@pytest.mark.parametrize(("route", "events"), STREAMS.values(), ids=STREAMS)
def test_a_field_more_is_judged_and_changes_nothing(route: str, events: list[Any]) -> None:
    """Wherever it is, whatever it is called."""
    assert _wrong(route, events, 25) == []


@pytest.mark.soak
@pytest.mark.parametrize(("route", "events"), STREAMS.values(), ids=STREAMS)
def test_no_field_anywhere_escapes(route: str, events: list[Any]) -> None:
    """Every key at every place in every form."""
    assert _wrong(route, events, None) == []


def test_copies_of_a_text_stay_beside_another_string_that_is_cut() -> None:
    """They are of the text, which says the same as they do."""
    choice = {"index": 0, "delta": {"content": "x"}, "logprobs": {"content": [{"token": "x"}]}}
    event = {"choices": [choice], "citations": ["ann@example.org"]}
    seen, code = shown(sse(event, chunk({}, "stop")), REDACTING)

    assert code == ""
    assert bodies(seen)[0] == {"choices": [choice], "citations": ["[REDACTED:EMAIL]"]}


def test_a_list_for_a_delta_is_judged() -> None:
    """As anything else that no table names."""
    seen, code = shown(sse(chunk(["ann@example.org", "and", {"a b": MARK}, 5])), REDACTING)

    assert code == ""
    assert bodies(seen) == [chunk(["[REDACTED:EMAIL]", "and", {"a b": "[REDACTED:TERM]"}, 5])]


TOKEN = "ghp_" + "a1B2c3D4" * 9
PREFIX = "thoughts of another sort: "


@pytest.mark.parametrize("size", [1, 7, 45, 70, 200])
@pytest.mark.parametrize("secret", [TOKEN, "2001:db8::ff00:42:8329", MARK, "ann@example.org"])
def test_a_text_that_no_line_names_is_redacted_as_one(size: int, secret: str) -> None:
    """Also where a piece of what is cut out would be cut out by itself."""
    text = f"{PREFIX}{secret} and so on."
    data = sse(*(chunk({"musing": piece}) for piece in cut(text, size)), chunk({}, "stop"))
    seen, code = shown(data, REDACTING)
    answer = whole({"choices": [{"message": {"content": text}}]}, REDACTING)

    assert (code, content(seen, "musing")) == ("", answer["choices"][0]["message"]["content"])


def test_strings_that_only_look_as_if_they_went_on_are_judged_each_by_itself() -> None:
    """As one text `well` and a term would be another word."""
    texts = ["all is well", MARK, "; ann@example.org", "; ghp_" + "aB3dE6gH9" * 4, "; so"]
    seen, code = shown(sse(*(chunk({"note": text}) for text in texts)), REDACTING)

    assert code == ""
    assert [body["choices"][0]["delta"]["note"] for body in bodies(seen)] == [
        "all is well", "[REDACTED:TERM]", "; [REDACTED:EMAIL]", "; [REDACTED:GITHUB_TOKEN]", "; so",
    ]  # fmt: skip


def test_a_text_under_a_name_that_is_cut_goes_on() -> None:
    """Under its new name."""
    deltas = [{"a": "x", "ann@example.org": one, "b": "y"} for one in ("Project", " Falcon", " z")]
    data = sse(*(chunk(one) for one in deltas), chunk({}, "stop"))
    seen, code = shown(data, REDACTING)

    assert (code, content(seen, "[REDACTED:EMAIL]")) == ("", "[REDACTED:TERM] z")
    assert (content(seen, "a"), content(seen, "b")) == ("xxx", "yyy")
    assert shown(data, BLOCKING)[1] == "dlp_filter.detected"


def _wrong(route: str, events: list[Any], count: int | None) -> list[Any]:
    sites = [(site, item) for site in _sites(events) for item in (*CLEAN, *MARKED)]
    chosen = sites if count is None else random.Random(5).sample(sites, count)
    return [one for one in chosen if _changed(route, events, *one)]
