"""What a stream holds back, from where, how long, and what of it leaves in the end."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from kt.gateway.policy.judging import Judge
from kt.gateway.stream.guard import TOO_LONG, Guard
from kt.policy.decision import HOLD_LIMIT, TextDecision
from tests.kt.gateway.stream.secrets import SECRETS, private_key, spaced_term
from tests.kt.gateway.stream.streams import (
    BLOCKING,
    MESSAGES,
    REDACTING,
    RESPONSES,
    arguments,
    bodies,
    call,
    chunk,
    content,
    cut,
    judge,
    shown,
    sse,
    whole,
)
from tests.kt.gateway.support import CHAT

PROSE = "The committee met on Tuesday and spoke about the garden and the roof. "
R = random.Random(7)

Secret = Callable[[random.Random, int], str]


LONGEST = HOLD_LIMIT - 200
SIZES = [
    110,
    5_000,
    *(pytest.param(size, marks=pytest.mark.soak) for size in (900, 20_000, LONGEST)),
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("as_arguments", [False, True])
def test_a_secret_of_any_length_is_cut_out_whole(
    secret: Secret, size: int, as_arguments: bool
) -> None:
    """As it is from an answer in one piece, and what is around it leaves."""
    said = PROSE + secret(R, size) + "\n" + PROSE * 9
    pieces = cut(json.dumps({"q": said}) if as_arguments else said, max(9, size // 300))
    if as_arguments:
        events = [call("", "f", index=0), *(call(c, index=0) for c in pieces)]
    else:
        events = [chunk({"content": c}) for c in pieces]
    seen, code = shown(sse(*events), REDACTING)
    found = "".join(arguments(seen)) if as_arguments else content(seen)
    answer = whole({"choices": [{"message": {"content": said}}]}, REDACTING)
    expected = answer["choices"][0]["message"]["content"]

    assert code == ""
    assert "[REDACTED:" in expected
    assert (json.loads(found)["q"] if as_arguments else found) == expected


def test_the_longest_secret_is_cut_out_whole() -> None:
    """As the shorter ones are."""
    said = PROSE + private_key(R, LONGEST) + "\n" + PROSE
    seen, code = shown(sse(*(chunk({"content": c}) for c in cut(said, 500))), REDACTING)

    assert (code, content(seen)) == ("", f"{PROSE}[REDACTED:PRIVATE_KEY]\n{PROSE}")


@pytest.mark.parametrize("begun", [private_key, spaced_term])
def test_a_match_without_an_end_stops_the_stream(begun: Secret) -> None:
    """With a reason, and with nothing of it shown."""
    said = PROSE + begun(R, HOLD_LIMIT + 12_000)[:-40]
    seen, code = shown(sse(*(chunk({"content": c}) for c in cut(said, 500))), REDACTING)

    assert code == TOO_LONG
    assert PROSE.startswith(content(seen))


@pytest.mark.parametrize(
    "text",
    ["a1" * HOLD_LIMIT, "Zm9v" * HOLD_LIMIT, "0f" * HOLD_LIMIT, "- " * HOLD_LIMIT, PROSE * 2_000],
    ids=["letters", "base64", "digits", "dashes", "prose"],
)
def test_a_text_that_begins_nothing_is_never_stopped(text: str) -> None:
    """However long its words are."""
    data = sse(*(chunk({"content": c}) for c in cut(text, 2_000)))

    assert shown(data, BLOCKING) == (data, "")


@pytest.mark.parametrize("words", ["Good morning", "Hi", "Yes, of course"])
def test_what_can_be_no_match_leaves_at_once(words: str) -> None:
    """The first words do not wait for more."""
    guard = Guard(judge(BLOCKING))
    events = [sse(chunk({"content": word})) for word in cut(words, 4)]
    seen = guard.feed(events) + guard.flush()

    assert words.startswith(content(seen))
    assert len(content(seen)) >= len(words.rpartition(" ")[0])


class Counting(Judge):
    """A judge that counts the characters that it reads."""

    read = 0

    def look(self, body: Any) -> Any:
        self.read += len(json.dumps(body))
        return super().look(body)

    def weigh(self, text: str, floor: int) -> TextDecision:
        self.read += len(text)
        return super().weigh(text, floor)


def _read(events: list[Any], at_once: int) -> int:
    """The characters that are read for a stream."""
    first = judge(REDACTING)
    counting = Counting(first.loaded, first.request, "block")
    guard = Guard(counting)
    data = [sse(event) for event in events]
    for at in range(0, len(data), at_once):
        guard.feed(data[at : at + at_once])
    guard.finish()
    return counting.read


@pytest.mark.parametrize(
    "event",
    [
        lambda at: chunk({"content": PROSE[at % 60 : at % 60 + 6]}),
        lambda at: chunk({"content": "a" if at else "-----BEGIN PRIVATE KEY-----"}),
        lambda at: chunk({"content": "word "}, provider="one of them", citations=["a book"]),
        lambda at: call("{}", "f", index=at % 3, id=f"id{at}"),
    ],
    ids=["prose", "a key", "more beside it", "calls"],
)
def test_what_is_read_grows_with_the_stream(event: Callable[[int], Any]) -> None:
    """Not with its square."""
    small, large = (_read([event(at) for at in range(count)], 32) for count in (300, 600))

    assert large < 3 * small


MAIL = ["Write to ", "ann", "@example", ".org", " today, please, or on some other day."]


def _tokens(text: str) -> dict[str, Any]:
    top = [{"token": text, "logprob": -1}]
    return {"content": [{"token": text, "logprob": -1, "bytes": [97], "top_logprobs": top}]}


@pytest.mark.parametrize("order", ["together", "after", "before"])
def test_copies_by_token_go_with_what_is_cut_out(order: str) -> None:
    """Beside the text or in events of their own; those of other words stay."""
    texts = [chunk({"content": text}) for text in MAIL]
    copies = [chunk({}, logprobs=None) for _ in MAIL]
    for at, text in enumerate(MAIL):
        holder = texts[at] if order == "together" else copies[at]
        holder["choices"][0]["logprobs"] = _tokens(text)
    both = {"together": texts, "after": [*texts, *copies], "before": [*copies, *texts]}[order]
    seen, code = shown(sse(*both), REDACTING)
    left = [body["choices"][0].get("logprobs") for body in bodies(seen)]
    said = {one["content"][0]["token"] for one in left if one}

    assert (code, content(seen)) == ("", "Write to [REDACTED:EMAIL]" + MAIL[-1])
    assert said == {MAIL[0], MAIL[-1]}


def test_copies_by_token_go_from_a_response() -> None:
    """From its deltas, and from the events that repeat its text."""
    place = {"item_id": "i", "output_index": 0, "content_index": 0}
    text = "".join(MAIL)
    probabilities = [{"token": one, "logprob": -1} for one in MAIL]
    deltas = [
        {"type": "response.output_text.delta", **place, "delta": one, "logprobs": [token]}
        for one, token in zip(MAIL, probabilities, strict=True)
    ]
    done = {"type": "response.output_text.done", **place, "text": text, "logprobs": probabilities}
    part = {"type": "output_text", "text": text, "logprobs": probabilities}
    end = {"type": "response.completed", "response": {"output": [{"content": [part]}]}}
    seen, code = shown(sse(*deltas, done, end, named=True), REDACTING, RESPONSES)

    assert code == ""
    assert not any(word in seen for word in (b'"ann"', b"@example", b'".org"'))


def test_what_a_copy_has_beside_it_goes_with_it() -> None:
    """Where the copy itself is missing as well."""
    top = [{"token": "ann", "note": "ann@example.org"}]
    event = chunk({}, logprobs={"content": [{"top_logprobs": top}]})
    event["choices"][0]["logprobs"] = event.pop("logprobs")
    seen, code = shown(sse(event), REDACTING)

    assert code == ""
    assert bodies(seen) == [chunk({})]


def test_citations_are_judged_each_by_itself() -> None:
    """They do not go on from one event to the next."""
    cited = ["write to ann@example.org", "then wait", "for Project", "Falcon to land"]
    events = [
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "citations_delta", "citation": {"cited_text": text}},
        }
        for text in cited
    ]
    seen, code = shown(sse(*events, named=True), REDACTING, MESSAGES)
    texts = [body["delta"]["citation"]["cited_text"] for body in bodies(seen)]

    assert (code, texts) == ("", ["write to [REDACTED:EMAIL]", *cited[1:]])
    assert seen.endswith(sse(*events[1:], named=True))


@pytest.mark.parametrize(
    ("route", "events"),
    [
        (CHAT, [chunk({"content": "Pro"}, type="message"), chunk({"content": "ject Falcon"})]),
        (CHAT, [chunk({"content": "fine "}, citations=["about Project Falcon"])]),
        (CHAT, [chunk({"of_tomorrow": "Pro"}), chunk({"of_tomorrow": "ject Falcon"})]),
        (CHAT, [chunk({"of_tomorrow": "Project Falcon"})] * 3),
        (
            MESSAGES,
            [
                {"type": "content_block_start", "index": 0, "content_block": {"text": "a Project"}},
                {"type": "content_block_delta", "index": 0, "delta": {"text": " Falcon"}},
            ],
        ),
        (
            RESPONSES,
            [
                {"type": "response.content_part.added", "item_id": "i", "part": {"text": "Pro"}},
                {"type": "response.output_text.delta", "item_id": "i", "delta": "ject Falcon"},
            ],
        ),
    ],
)
def test_a_term_never_leaves_wherever_it_stands(route: str, events: list[Any]) -> None:
    """In pieces or whole."""
    seen, code = shown(sse(*events), BLOCKING, route, at_once=1)

    assert code == "dlp_filter.detected"
    assert b"Falcon" not in seen
    assert b'"Pro"' not in seen
