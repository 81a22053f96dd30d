"""Calls under a policy with a classifier: what is asked, what stops, and what is logged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kt.gateway.options import ModelSource
from kt.policy.decision import Answer, Question
from tests.kt.gateway.inside import TARGETS, Inside, completion
from tests.kt.gateway.support import (
    CHAT,
    ModelServer,
    Reply,
    Starter,
    chat,
    chat_events,
    pack,
    put,
    targets,
    until,
    words,
)
from tests.kt.gateway.support import (
    Answer as Answered,
)
from tests.kt.gateway.upstream.models.onnxfiles import classifier, write

EVENTS = "text/event-stream"
MODELS = (ModelSource("guard", url="http://guard.test/v1/moderations"),)


class Asked:
    """A model that finds `bad` in texts, and remembers what it was asked."""

    def __init__(self) -> None:
        self.questions: list[Question] = []
        self.says: Callable[[str], float] | None = lambda text: 0.9 if "bad" in text else 0.1

    async def answer(self, question: Question) -> Answer:
        self.questions.append(question)
        says = self.says
        return tuple(says(text) for text in question.texts) if says else None

    @property
    def texts(self) -> list[tuple[str, ...]]:
        return [one.texts for one in self.questions]


def inside(block: str = "", chain: str = "[classifier]", **more: Any) -> tuple[Inside, Asked]:
    """A gateway with a classifier, and the model that it asks."""
    policy = pack(chain, f"{{classifier: {{model: guard{block}}}}}", TARGETS)
    made, model = Inside(policy, models=MODELS, **more), Asked()
    made.gateway.models.answer = model.answer  # type: ignore[method-assign]
    return made, model


def test_a_request_and_its_answer_are_asked_about() -> None:
    """Both pass, and the log has their scores and no text of them."""
    gateway, model = inside()
    assert gateway.post(chat("hello there")).status == 200

    assert model.texts == [("hello there",), ("Revenue grew.",)]
    (entry,) = gateway.logged
    score = {"model": "guard", "score": 0.1, "threshold": 0.5}
    assert entry["scores"] == [score, score]
    assert "hello" not in json.dumps(entry)


@pytest.mark.parametrize(
    ("block", "code", "verdict"),
    [("", "escalation_required", "escalate"), (", action: block", "input_blocked", "block")],
)
def test_a_request_that_scores_is_stopped(block: str, code: str, verdict: str) -> None:
    """No target sees it."""
    gateway, _ = inside(block)
    answer = gateway.post(chat("a bad thing"))

    assert (answer.status, answer.error["code"]) == (409, code)
    assert answer.error["reason_code"] == "classifier.detected"
    assert gateway.seen == []
    (entry,) = gateway.logged
    assert (entry["verdict"], entry["scores"][0]["score"]) == (verdict, 0.9)


def test_an_answer_that_scores_is_stopped() -> None:
    """Whole, before anything of it is sent."""
    gateway, _ = inside(", action: block")
    gateway.answers(completion("A bad plan."))
    answer = gateway.post()

    assert (answer.status, answer.error["code"]) == (409, "output_blocked")
    assert "plan" not in answer.body.decode()


@pytest.mark.parametrize(
    ("on_no_answer", "status"), [("allow", 200), ("escalate", 409), ("block", 409)]
)
def test_without_an_answer_the_policy_decides(on_no_answer: str, status: int) -> None:
    """The log says that there was none, and the next try is asked about anew."""
    gateway, model = inside(f", stage: pre-request, on_no_answer: {on_no_answer}")
    model.says = None
    answers = [gateway.post() for _ in range(2)]

    assert [one.status for one in answers] == [status, status]
    assert len(model.questions) == 2
    assert [one["remembered"] for one in gateway.logged] == [False, False]
    assert [one["scores"][0]["score"] for one in gateway.logged] == [None, None]


def test_a_block_by_a_score_is_remembered() -> None:
    """As every block is."""
    gateway, model = inside(", action: block")
    for _ in range(2):
        gateway.post(chat("bad"))
    assert len(model.questions) == 1
    assert gateway.logged[1]["remembered"]


def test_a_port_that_fails_is_a_policy_that_fails() -> None:
    """`--fail-mode` decides."""
    for mode, status in (("block", 409), ("allow", 200)):
        gateway, model = inside(fail_mode=mode)

        def fails(_: str) -> float:
            raise RuntimeError

        model.says = fails
        assert gateway.post().status == status


def test_a_large_request_is_asked_about_too() -> None:
    """Its decision goes on in a thread, before and behind the question."""
    gateway, model = inside(chain="[pii-detector, classifier]")
    answer = gateway.post(chat("a@example.com " + "word " * 40_000 + "bad"))

    assert answer.status == 409
    assert "[REDACTED:EMAIL] word" in model.texts[0][0]


def streamed(gateway: Inside, text: str, **more: Any) -> Answered:
    """The answer to a call for a stream that says a text."""
    gateway.answers(chat_events(*words(text), **more), content_type=EVENTS)
    return gateway.post(chat(stream=True))


def test_a_stream_is_asked_about_at_its_end() -> None:
    """Once, about all of it; what passes is what came."""
    gateway, model = inside()
    answer = streamed(gateway, "Revenue grew by a fifth.")

    assert model.texts[1:] == [("Revenue grew by a fifth.",)]
    assert answer.body == chat_events(*words("Revenue grew by a fifth."))


def test_a_stream_that_scores_has_no_end() -> None:
    """The client gets an error in place of the end, and the log the verdict."""
    gateway, _ = inside()
    answer = streamed(gateway, "This is a bad plan.")
    *_, last = answer.events

    assert last["error"]["code"] == "escalation_required"
    assert "[DONE]" not in answer.events
    assert gateway.logged[0]["verdict"] == "escalate"


def test_the_end_of_a_stream_waits_for_the_verdict() -> None:
    """A comment behind it does not let it through."""
    gateway, _ = inside()
    data = chat_events(*words("bad")) + b": bye\n\n"
    gateway.answers(data, content_type=EVENTS)
    answer = gateway.post(chat(stream=True))

    assert b"[DONE]" not in answer.body
    assert answer.events[-1]["error"]["reason_code"] == "classifier.detected"


def test_redacted_text_of_a_stream_is_asked_about_redacted() -> None:
    """As that of a whole answer."""
    gateway, model = inside(chain="[pii-detector, classifier]")
    answer = streamed(gateway, "Write to a@example.com now.")

    assert model.texts[-1] == ("Write to [REDACTED:EMAIL] now.",)
    assert answer.streamed_text == "Write to [REDACTED:EMAIL] now."
    assert answer.events[-1] == "[DONE]"


def test_requests_alone_cost_a_stream_nothing() -> None:
    """Where answers are not judged, they pass as they come."""
    gateway, model = inside(", stage: pre-request")
    answer = streamed(gateway, "This is a bad plan.")
    assert answer.body == chat_events(*words("This is a bad plan."))
    assert len(model.questions) == 1


@pytest.mark.parametrize(
    ("block", "models", "warned"),
    [
        ("", (), "classifier: the model guard is not there; give --model or --moderation"),
        (f", sha256: {'a' * 64}", MODELS, "classifier: the model guard is an endpoint"),
        ("", (ModelSource("guard", file="x"),), "classifier: the model guard is a file"),
        ("", MODELS, ""),
    ],
)
def test_a_model_that_can_never_answer_is_warned_of(
    block: str, models: tuple[ModelSource, ...], warned: str
) -> None:
    """In `/health` and at the start; the gateway serves all the same."""
    policy = pack("[classifier]", f"{{classifier: {{model: guard{block}}}}}", TARGETS)
    gateway = Inside(policy, models=models)
    reasons = gateway.get("/health").json["reasons"]
    assert [one.startswith(warned) for one in reasons] == ([True] if warned else [])


def test_a_classifier_outside_of_the_chain_is_not_warned_of() -> None:
    """Nothing asks."""
    gateway = Inside(pack(policy="{classifier: {model: guard}}", more=TARGETS))
    assert gateway.get("/health").json["reasons"] == []


def test_a_gateway_asks_the_endpoint_that_its_operator_names(
    start: Starter, model: ModelServer
) -> None:
    """By a real process: redacted text goes out, with the credential of a variable."""
    guard = ModelServer()
    scores = {"results": [{"category_scores": {"harm": 0.95}}]}
    guard.says(Reply(chunks=[json.dumps(scores).encode()]))
    policy = pack(
        "[pii-detector, classifier]",
        "{classifier: {model: guard, stage: pre-request}}",
        targets(model),
    )
    gateway = start(
        policy, "--moderation", f"guard={guard.url}/moderations", "--decision-log", "none",
        KEEPTRUSTS_GATEWAY_MODERATION_KEYS="guard=a-key",
    )  # fmt: skip
    answer = gateway.post(chat("Mail a@example.com"), CHAT)

    assert answer.error["reason_code"] == "classifier.detected"
    (seen,) = guard.seen
    assert json.loads(seen.body) == {"input": ["Mail [REDACTED:EMAIL]"]}
    assert seen.headers["authorization"] == "Bearer a-key"
    assert model.seen == []
    counted = 'keeptrusts_model_questions_total{model="guard",outcome="answered"} 1'
    assert counted in gateway.get("/metrics").body.decode()
    guard.close()


def test_a_gateway_asks_the_file_that_its_operator_names(start: Starter, tmp_path: Path) -> None:
    """Loaded before the first call, and again when a reload brings another sha256."""
    file, digest = write(tmp_path / "m", classifier())
    policy = "{classifier: {model: guard, stage: pre-request, threshold: 0.9, sha256: '%s'}}"
    gateway = start(
        pack("[classifier]", policy % ("0" * 64)), "--mock-upstream", "--model", f"guard={file}"
    )
    until(lambda: gateway.get("/health").json["reasons"])
    refused = f"model guard: its sha256 is {digest}, and not the policy's"
    assert gateway.get("/health").json["reasons"] == [refused]
    assert gateway.post(chat("good")).error["reason_code"] == "classifier.no_answer"

    put(gateway, pack("[classifier]", policy % digest))
    until(lambda: gateway.post(chat("good")).status == 200)
    answer = gateway.post(chat("worse"))
    assert answer.error["reason_code"] == "classifier.detected"
    (child,) = _children(gateway.process.pid)
    status, log, _ = gateway.stop()

    assert status == 0
    assert not Path(f"/proc/{child}").exists()
    last = json.loads(log.splitlines()[-1])
    assert last["scores"][0]["score"] == pytest.approx(0.9526, abs=1e-3)


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
