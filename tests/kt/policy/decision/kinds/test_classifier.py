"""`classifier`: the questions of a decision, and what their answers lead to."""

from __future__ import annotations

from typing import Any

import pytest

from kt.policy.decision import (
    Answer,
    Decision,
    Question,
    Request,
    compile_policy,
    decide,
    decide_response,
    decide_text,
    deciding,
    deciding_response,
)
from kt.policy.decision.chain import Deciding
from tests.kt.policy.builders import answer, calling, chat, policy

BLOCK = {"model": "guard"}


def reached(asking: Deciding, *answers: Answer) -> tuple[list[Question], Decision]:
    """The questions of a decision, and its end when they are answered so."""
    questions = []
    given = list(answers)
    try:
        questions.append(next(asking))
        while True:
            questions.append(asking.send(given.pop(0)))
    except StopIteration as end:
        return questions, end.value


def judged(body: Any, *answers: Answer, chain: Any = ("classifier",), **blocks: Any) -> Any:
    """The questions about a request, and the decision."""
    own = {"classifier": BLOCK} | {name.replace("_", "-"): one for name, one in blocks.items()}
    snapshot = compile_policy(policy(*chain, blocks=own))
    return reached(deciding(snapshot, Request(body, model="m")), *answers)


@pytest.mark.parametrize(
    ("block", "score", "verdict", "reason"),
    [
        ({}, 0.0, "allow", "policy.allowed"),
        ({}, 0.49, "allow", "policy.allowed"),
        ({}, 0.5, "escalate", "classifier.detected"),
        ({}, 1.0, "escalate", "classifier.detected"),
        ({"action": "block"}, 0.5, "block", "classifier.detected"),
        ({"threshold": 0.9}, 0.89, "allow", "policy.allowed"),
        ({"threshold": 0.9}, 0.9, "escalate", "classifier.detected"),
        ({"threshold": 0}, 0.0, "escalate", "classifier.detected"),
        ({"threshold": 1}, 1.0, "escalate", "classifier.detected"),
        ({}, None, "escalate", "classifier.no_answer"),
        ({"action": "block"}, None, "escalate", "classifier.no_answer"),
        ({"on_no_answer": "block"}, None, "block", "classifier.no_answer"),
        ({"on_no_answer": "allow"}, None, "allow", "policy.allowed"),
    ],
)
def test_a_score_or_none_decides(
    block: dict[str, Any], score: float | None, verdict: str, reason: str
) -> None:
    """The threshold itself is a hit; the score is noted, and that there was none."""
    answered = None if score is None else (score,)
    questions, decision = judged(chat("hello"), answered, classifier=BLOCK | block)

    assert len(questions) == 1
    assert (decision.verdict, decision.reason_code) == (verdict, reason)
    noted = [(one.model, one.score) for one in decision.scores]
    assert noted == [("guard", score)]
    hits = [one.where for one in decision.detections]
    assert hits == (["messages[0].content"] if reason == "classifier.detected" else [])


TOLD = [
    {"role": "system", "content": "rules"},
    {"role": "developer", "content": "more"},
    {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
    calling('{"q": "three"}'),
    {"role": "tool", "tool_call_id": "c", "content": "four"},
    {"role": "assistant", "content": "five"},
    {"role": "user", "content": "one\ntwo"},
    {"role": "function", "content": "six"},
    {"role": "System2", "content": "seven"},
    {"role": "user", "content": "  "},
]


@pytest.mark.parametrize(
    ("roles", "texts"),
    [
        (None, ("one\ntwo", "four", "six", "seven")),
        (["user"], ("one\ntwo", "seven")),
        (["tool"], ("four", "six")),
        (["system"], ("rules",)),
        (["system", "developer"], ("rules", "more")),
    ],
)
def test_a_model_is_asked_about_the_texts_of_the_roles(
    roles: list[str] | None, texts: tuple[str, ...]
) -> None:
    """A message is one text, and asked about once; a role that nobody knows is a user's."""
    block = BLOCK | ({"roles": roles} if roles else {})
    (question,), _ = judged({"messages": TOLD}, None, classifier=block)
    assert question.texts == texts


def test_what_is_asked_is_what_the_entries_before_have_left() -> None:
    """The mail address is out of it, and what comes later in the chain is not."""
    body = chat("Mail a@example.com about Falcon.")
    (question,), decision = judged(
        body, (0.1,), chain=["pii-detector", "classifier", "dlp-filter"],
        dlp_filter={"blocked_terms": ["Falcon"]},
    )  # fmt: skip

    assert question.texts == ("Mail [REDACTED:EMAIL] about Falcon.",)
    assert decision.verdict == "redact"
    assert "Falcon" not in str(decision.body)


def test_a_block_before_it_asks_nothing() -> None:
    """The first block ends the chain, but for entries in parallel."""
    body = chat("Generate instructions for illegal activity")
    questions, decision = judged(body, chain=["safety-filter", "classifier"], safety_filter={})

    assert (questions, decision.verdict, decision.scores) == ([], "block", ())


def test_the_question_names_what_the_policy_does() -> None:
    """Model, file, labels and time."""
    block = BLOCK | {"sha256": "a" * 64, "labels": ["BAD"], "timeout_seconds": 0.5}
    (question,), _ = judged(chat("hello"), None, classifier=block)
    assert question == Question("guard", "a" * 64, ("BAD",), ("hello",), 0.5)


@pytest.mark.parametrize("body", [{}, {"messages": []}, chat(""), chat("  \n")])
def test_without_a_text_nobody_is_asked(body: Any) -> None:
    """There is nothing to object to."""
    questions, decision = judged(body)
    assert (questions, decision.verdict) == ([], "allow")


@pytest.mark.parametrize("given", [(), (0.1,), None])
def test_an_answer_that_leaves_a_text_out_is_none(given: Answer) -> None:
    """It may be the text that matters."""
    _, decision = judged(chat("one", "two"), given)
    assert decision.reason_code == "classifier.no_answer"


def test_the_highest_score_is_noted_and_each_hit_named() -> None:
    """Of three messages two are hits."""
    _, decision = judged(chat("one", "two", "three"), (0.7, 0.2, 0.9))

    assert [one.score for one in decision.scores] == [0.9]
    assert [one.where for one in decision.detections] == [
        "messages[0].content",
        "messages[2].content",
    ]


def test_an_answer_is_judged_whole_whatever_its_role() -> None:
    """`roles` are those of requests."""
    snapshot = compile_policy(policy("classifier", blocks={"classifier": BLOCK}))
    asking = deciding_response(snapshot, Request(chat("hello")), answer("Here is how."))
    (question,), decision = reached(asking, (0.8,))

    assert question.texts == ("Here is how.",)
    assert decision.verdict == "escalate"


@pytest.mark.parametrize(
    ("entry", "stage", "asked"),
    [
        ("classifier", None, (1, 1)),
        ("classifier", "pre-request", (1, 0)),
        ("classifier", "post-response", (0, 1)),
        ({"classifier": {"stage": "post-response"}}, "pre-request", (0, 1)),
    ],
)
def test_the_stage_of_the_block_holds_where_the_entry_names_none(
    entry: Any, stage: str | None, asked: tuple[int, int]
) -> None:
    """Without either it is both."""
    block = BLOCK | ({"stage": stage} if stage else {})
    snapshot = compile_policy(policy(entry, blocks={"classifier": block}))
    request = Request(chat("hello"))
    before, _ = reached(deciding(snapshot, request), None)
    after, _ = reached(deciding_response(snapshot, request, answer("hello")), None)

    assert (len(before), len(after)) == asked


def test_where_nobody_is_asked_there_is_no_answer() -> None:
    """And a text that goes on is no text to ask about."""
    snapshot = compile_policy(policy("classifier", blocks={"classifier": BLOCK}))
    request = Request(chat("hello"))

    assert decide(snapshot, request).reason_code == "classifier.no_answer"
    assert decide_response(snapshot, request, answer("a")).reason_code == "classifier.no_answer"
    assert decide_text(snapshot, request, "hello").decision.verdict == "allow"
    assert decide_text(snapshot, request, "hello").settled == 5


def test_a_policy_knows_whether_it_asks() -> None:
    """So that whoever runs one that does not pays nothing."""
    asks = compile_policy(policy("pii-detector", "classifier", blocks={"classifier": BLOCK}))
    assert asks.asks
    assert not asks.unasked().asks
    assert [step.kind for step in asks.unasked().steps] == ["pii-detector"]
    assert not compile_policy(policy("pii-detector")).asks
