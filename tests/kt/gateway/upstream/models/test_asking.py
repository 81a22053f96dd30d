"""Questions to endpoints on loopback: their answers, and all that is none."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kt.gateway.options import ModelSource, Timeouts
from kt.gateway.upstream.connections import Upstream
from kt.gateway.upstream.models.asking import MOST_PIECES, Models
from kt.gateway.upstream.models.pieces import LONGEST
from kt.policy.decision import Answer, Question
from tests.kt.gateway.support import ModelServer, Reply, Seen, free_port

Counts = list[tuple[str, str]]
AZURE = "/contentsafety/text:analyze?api-version=2024-09-01"


def question(*texts: str, model: str = "guard", **more: Any) -> Question:
    """A question about texts."""
    return Question(model, more.get("sha256", ""), more.get("labels", ()), texts,
                    more.get("timeout_seconds", 20.0))  # fmt: skip


def answers(
    source: ModelSource | None, *questions: Question, pause: Callable[[], None] = lambda: None
) -> tuple[list[Answer], Counts]:
    """The answers to questions, one after the other, and what was counted."""
    counts: Counts = []

    async def ask() -> list[Answer]:
        upstream = Upstream(Timeouts(first_byte_seconds=30))
        sources = [source] if source else []
        models = Models(sources, upstream, lambda *one: counts.append(one))
        found = []
        for one in questions:
            found.append(await models.answer(one))
            pause()
        await models.close()
        await upstream.close()
        return found

    return asyncio.run(ask()), counts


def endpoint(server: ModelServer, path: str = "/moderations", key: str = "") -> ModelSource:
    """The source of a server's endpoint."""
    return ModelSource("guard", url=server.url.removesuffix("/v1") + path, key=key)


def says(body: Any, **more: Any) -> Reply:
    """An answer with a body."""
    return Reply(chunks=[json.dumps(body).encode()], **more)


def scoring(seen: Seen) -> Reply:
    """OpenAI's answer: texts with `bad` in them score 0.9, others 0.1."""
    scores = [0.9 if "bad" in text else 0.1 for text in json.loads(seen.body)["input"]]
    return says({"results": [{"flagged": one > 0.5, "category_scores": {"harm": one}}
                             for one in scores]})  # fmt: skip


def test_an_endpoint_of_openais_form_is_asked_about_all_texts_at_once(model: ModelServer) -> None:
    """With its credential, and nothing but the texts."""
    model.reply = scoring
    source = endpoint(model, "/v1/moderations", key="secret-key")
    found, counts = answers(source, question("hello", "bad day", "bye"))

    assert found == [(0.1, 0.9, 0.1)]
    (seen,) = model.seen
    assert seen.path == "/v1/moderations"
    assert seen.headers["authorization"] == "Bearer secret-key"
    assert json.loads(seen.body) == {"input": ["hello", "bad day", "bye"]}
    assert counts == [("guard", "answered")]
    assert "secret-key" not in repr(source)


def test_an_endpoint_of_azures_form_is_asked_about_each_text(model: ModelServer) -> None:
    """Its address says which form it is."""

    def reply(seen: Seen) -> Reply:
        severity = 6 if "bad" in json.loads(seen.body)["text"] else 0
        return says({"categoriesAnalysis": [{"category": "Hate", "severity": severity}]})

    model.reply = reply
    found, _ = answers(endpoint(model, AZURE, key="k"), question("hello", "bad day"))

    assert found == [(0.0, 6 / 7)]
    assert {seen.path for seen in model.seen} == {AZURE}
    assert {seen.headers["ocp-apim-subscription-key"] for seen in model.seen} == {"k"}
    assert all("authorization" not in seen.headers for seen in model.seen)


def test_what_was_asked_is_not_asked_again(model: ModelServer) -> None:
    """Of a conversation that grows, only what is new goes out."""
    model.reply = scoring
    found, counts = answers(
        endpoint(model), question("one"), question("one", "bad"), question("bad", "one")
    )

    assert found == [(0.1,), (0.1, 0.9), (0.9, 0.1)]
    assert [json.loads(seen.body)["input"] for seen in model.seen] == [["one"], ["bad"]]
    assert [outcome for _, outcome in counts] == ["answered", "answered", "remembered"]


def test_labels_choose_what_counts(model: ModelServer) -> None:
    """`flagged` is one; one that the endpoint does not have is no answer."""
    model.reply = scoring
    asked = [question("bad", labels=labels) for labels in (("flagged",), ("harm",), ("hate",))]
    assert answers(endpoint(model), *asked)[0] == [(1.0,), (0.9,), None]


def test_a_long_text_is_asked_about_in_pieces(model: ModelServer) -> None:
    """What is bad in it is so wherever it stands."""
    model.reply = scoring
    text = "a" * (2 * LONGEST) + " bad"
    assert answers(endpoint(model), question(text))[0] == [(0.9,)]
    assert max(map(len, json.loads(model.seen[0].body)["input"])) == LONGEST


def test_what_was_scored_before_the_time_was_over_is_not_lost(model: ModelServer) -> None:
    """Of a long conversation that is new, each try asks about more."""
    model.reply = lambda seen: replace(scoring(seen), before_seconds=0.4)
    texts = [f"{number}" for number in range(100)]
    asked = question(*texts, timeout_seconds=1.0)
    found, _ = answers(endpoint(model), *[asked] * 4)

    assert found[0] is None
    assert found[-1] == (0.1,) * 100
    assert max(len(json.loads(seen.body)["input"]) for seen in model.seen) == 32


def test_more_than_can_be_asked_about_is_not_asked(model: ModelServer) -> None:
    """A part of it would be no answer about the rest."""
    model.reply = scoring
    texts = [f"{number}" for number in range(MOST_PIECES + 1)]
    found, counts = answers(endpoint(model), question(*texts), question(*texts[1:]))

    assert found == [None, (0.1,) * MOST_PIECES]
    assert counts[0] == ("guard", "too_long")


HOSTILE: list[tuple[str, Reply, str]] = [
    ("garbage", Reply(chunks=[b"<html>no</html>"]), "failed"),
    ("another form", says({"categoriesAnalysis": [{"category": "a", "severity": 0}]}), "failed"),
    ("too few results", says({"results": []}), "failed"),
    ("a key twice", Reply(chunks=[b'{"results": [], "results": []}']), "failed"),
    ("400", says({"error": {}}, status=400), "failed"),
    ("401", says({"error": {}}, status=401), "failed"),
    ("500", says({"error": {}}, status=500), "failed"),
    ("429", says({"error": {}}, status=429), "limited"),
    ("redirect", Reply(status=302, headers={"location": "http://192.0.2.1/"}), "failed"),
    ("broken off", Reply(chunks=[b'{"results"'], breaks_off=True), "failed"),
    ("endless", Reply(chunks=[b" " * (1 << 20)] * 6), "failed"),
]


@pytest.mark.parametrize(("reply", "outcome"), [pytest.param(r, o, id=n) for n, r, o in HOSTILE])
@pytest.mark.parametrize("path", ["/moderations", AZURE])
def test_what_is_no_answer_is_none(
    model: ModelServer, path: str, reply: Reply, outcome: str
) -> None:
    """And nothing is raised, whatever an endpoint says."""
    if path == AZURE and reply.chunks and b"categoriesAnalysis" in bytes(reply.chunks[0]):  # type: ignore[index]
        reply = says({"results": [{"category_scores": {"a": 0.1}}]})
    model.says(reply)
    found, counts = answers(endpoint(model, path), question("hello", "you"))
    assert (found, counts) == ([None], [("guard", outcome)])


def test_a_slow_endpoint_is_given_up_in_time(model: ModelServer) -> None:
    """The time is the policy's, not that of targets."""
    model.says(says({}, before_seconds=3))
    began = time.monotonic()
    found, counts = answers(endpoint(model), question("hello", timeout_seconds=0.3))

    assert (found, counts) == ([None], [("guard", "timeout")])
    assert time.monotonic() - began < 3


def test_a_busy_endpoint_is_left_alone_as_long_as_it_says(model: ModelServer) -> None:
    """Within bounds, and the next question gets its no at once."""
    model.says(says({}, status=429, headers={"retry-after": "20"}))
    found, counts = answers(endpoint(model), question("one"), question("two"))

    assert found == [None, None]
    assert len(model.seen) == 1
    assert counts == [("guard", "limited")] * 2


def test_a_busy_endpoint_is_asked_again_after_its_rest(model: ModelServer) -> None:
    """`Retry-After: 0` is no rest."""
    replies = [says({}, status=503, headers={"retry-after": "0"})]
    model.reply = lambda seen: replies.pop() if replies else scoring(seen)
    found, _ = answers(endpoint(model), question("one"), question("two"))
    assert found == [None, (0.1,)]


def test_nobody_at_the_address_is_no_answer() -> None:
    """Nor is an address that is none."""
    for url in (f"http://127.0.0.1:{free_port()}/v1/moderations", "http://[x"):
        found, counts = answers(ModelSource("guard", url=url), question("hello"))
        assert (found, counts) == ([None], [("guard", "failed")])


def test_a_name_that_the_operator_does_not_know_is_no_answer(model: ModelServer) -> None:
    """Nor is an endpoint where the policy names a file's sha256."""
    model.reply = scoring
    assert answers(None, question("hello"))[1] == [("guard", "unknown")]
    assert answers(endpoint(model), question("hello", model="other"))[0] == [None]
    assert answers(endpoint(model), question("hello", sha256="a" * 64))[0] == [None]
    assert model.seen == []
