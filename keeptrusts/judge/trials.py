"""Trials before a judge: what a policy decides about one text, which is kept nowhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import structlog

from keeptrusts.judge.asking import ANYBODY, Asker, ask
from keeptrusts.judge.errors import CrashedError
from kt.policy.findings import Finding
from kt.policy.lint import lint
from kt.policy.nodes import plain
from kt.policy.yaml.document import read

if TYPE_CHECKING:
    from kt.policy.decision import Decision

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Trial:
    """A text that is tried: as a prompt of a user, or as the answer of a model."""

    text: str
    is_answer: bool = False
    model: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where a rule hit, as `kt.policy.decision.Detection` has it."""

    policy: str
    rule: str
    label: str
    where: str


@dataclass(frozen=True, slots=True)
class Tried:
    """What a policy decides about a text; `text` is the redacted one, None where nothing is cut.

    With `errors` lint refuses the policy, and nothing was decided.
    """

    errors: tuple[Finding, ...] = ()
    verdict: str = "allow"
    policy: str = ""
    reason_code: str = ""
    message: str = ""
    detections: tuple[Hit, ...] = ()
    text: str | None = None
    targets: tuple[str, ...] = ()
    assignee: str | None = None


def tried(content: bytes, trial: Trial, *, asker: Asker = ANYBODY) -> Tried:
    """What a policy decides about a text, found by a judge that answers nobody before and after.

    Raises:
        CrowdedError: too many questions wait.
        TooCostlyError: they take too much time or memory.
        JudgeFailedError: the judge ended, for no fault of theirs.
        CrashedError: the decision failed; nothing is told of how, for the text may be in it.
    """
    try:
        return ask(replace(asker, alone=True), _tried, content, trial)
    except CrashedError as exc:
        places = [line for line in str(exc).splitlines() if line.startswith('  File "')]
        log.error("a trial crashed", places=places)  # noqa: TRY400 - another's traceback
        raise CrashedError("The trial crashed; the log says where.") from None


def _tried(content: bytes, trial: Trial) -> Tried:
    report = lint(content)
    if not report.ok:
        return Tried(errors=report.errors)
    root = read(content).root
    assert root is not None
    return _shown(_decided(plain(root), trial), is_answer=trial.is_answer)


def _decided(policy: Any, trial: Trial) -> "Decision":
    # Not by the processes that ask: what decides is a twelfth of the memory that they share.
    from kt.policy.decision import Request, compile_policy, decide, decide_response

    snapshot = compile_policy(policy)
    messages = [] if trial.is_answer else [{"role": "user", "content": trial.text}]
    body = {"model": trial.model, "messages": messages}
    request = Request(body, model=trial.model, headers=trial.headers)
    if not trial.is_answer:
        return decide(snapshot, request)
    message = {"role": "assistant", "content": trial.text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return decide_response(snapshot, request, {"choices": [choice]})


def _shown(decision: "Decision", *, is_answer: bool) -> Tried:
    body = decision.body
    if body is not None:
        message = body["choices"][0]["message"] if is_answer else body["messages"][0]
    return Tried(
        verdict=decision.verdict,
        policy=decision.policy,
        reason_code=decision.reason_code,
        message=decision.message,
        detections=tuple(
            Hit(one.policy, one.rule, one.label, one.where) for one in decision.detections
        ),
        text=None if body is None else message["content"],
        targets=decision.targets,
        assignee=decision.assignee,
    )


FUNCTIONS = (_tried,)


def warm_up() -> None:
    """Try a text with a policy once."""
    _tried(_SAMPLE, Trial("Hello"))


_SAMPLE = b"""\
pack: {name: Sample, version: 1.0.0, enabled: true}
policies: {chain: [pii-detector]}
"""
