"""Decisions of the policy about one call, also when the policy fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, TypeVar

from kt.gateway.errors import PolicyViolationError, UpstreamError
from kt.gateway.options import FailMode
from kt.gateway.policy.loading import Loaded
from kt.policy.decision import (
    Answer,
    Decision,
    ModelScore,
    Question,
    Request,
    Snapshot,
    TextDecision,
    call_limit,
    decide,
    decide_response,
    decide_text,
    deciding,
    deciding_response,
)
from kt.policy.decision.chain import Deciding
from kt.policy.decision.cutting.restoring import Room, TooMuchError, restored
from kt.policy.decision.reading.extract import Path
from kt.policy.decision.values import NO_MARKS, SEVERITY, Span

_T = TypeVar("_T")
_LOG = logging.getLogger("kt.gateway")
_STOPPING = ("block", "escalate")
# Past this size a decision takes milliseconds, for which no other call must wait.
_LARGE_BYTES = 128 << 10
FAILED = "gateway.decision_failed"


Asked = Callable[[Question], Awaitable[Answer]]


async def nobody(_question: Question) -> Answer:
    """The answer where there is no model."""
    return None


class Judge:
    """Decides about one request and its answer, and keeps the strictest decision.

    `models` answers what the policy asks of models; `scores` are those that came.
    """

    def __init__(
        self, loaded: Loaded, request: Request, fail_mode: FailMode, models: Asked = nobody
    ) -> None:
        self.loaded = loaded
        self.request = request
        self.decision: Decision | None = None
        self.unjudged: set[str] = set()
        self.scores: list[ModelScore] = []
        # What was cut out of the request, and comes back into its answer.
        self.marks = NO_MARKS
        self._room = Room()
        self._fail_mode = fail_mode
        self._models = models

    async def ask(self, size: int) -> Decision:
        """Decide about the request, `size` bytes long.

        Raises:
            PolicyViolationError: it must not be sent.
        """
        snapshot = self.loaded.snapshot
        if snapshot.asks:
            decided = await self._answered(deciding(snapshot, self.request), size)
        else:
            decided = await self._decided(partial(decide, snapshot, self.request), size)
        decision = self._heed(decided, "input")
        self.marks = decision.marks
        return decision

    async def check(self, body: Any, size: int) -> Decision:
        """Decide about a whole answer.

        Raises:
            PolicyViolationError: it must not reach the client, or no more of it.
        """
        snapshot = self._for_answers
        if snapshot.asks:
            asked = deciding_response(snapshot, self.request, body)
            return self._heed(await self._answered(asked, size), "output")
        judge = partial(decide_response, snapshot, self.request, body)
        return self._heed(await self._decided(judge, size), "output")

    async def put_back(self, body: Any, size: int) -> Any:
        """An answer that was judged, with the values of its marks; itself where it has none.

        Raises:
            UpstreamError: it would be too large.
        """
        return await _apart(lambda: self.with_values(body), size) if self.marks else body

    def with_values(self, body: Any, *, besides: Collection[Path] = ()) -> Any:
        """An answer or an event that was judged, see `restored`.

        Raises:
            UpstreamError: it would be too large.
        """
        try:
            return restored(body, self.marks, self._room, besides=besides)
        except TooMuchError as exc:
            raise _overgrown() from exc

    def make_room(self, values: Iterable[Span]) -> None:
        """Let an answer grow by values that are put back into it.

        Raises:
            UpstreamError: it would be too large.
        """
        try:
            self._room.take(values)
        except TooMuchError as exc:
            raise _overgrown() from exc

    def recall(self, decision: Decision, phase: str) -> None:
        """Take a decision that stopped the same call before.

        Raises:
            PolicyViolationError: always.
        """
        self._heed(decision, phase)

    def heed(self, decision: Decision) -> Decision:
        """Keep a decision about an answer, and stop the answer if it says so.

        Raises:
            PolicyViolationError: the answer must not reach the client.
        """
        return self._heed(decision, "output")

    def look(self, body: Any) -> Decision:
        """Decide about a piece of an answer, without keeping the decision; no model is asked."""
        try:
            return decide_response(self._for_pieces, self.request, body)
        except Exception:  # noqa: BLE001
            return self._failed()

    def weigh(self, text: str, floor: int) -> TextDecision:
        """Decide about a text that may go on, of which all before `floor` was decided."""
        try:
            return decide_text(self._for_pieces, self.request, text, floor=floor)
        except Exception:  # noqa: BLE001
            return TextDecision(self._failed(), (), len(text))

    @cached_property
    def call_limit(self) -> int | None:
        """The most tool calls that the answer may hold; None without a limit."""
        return call_limit(self.loaded.snapshot, self.request)

    @property
    def passes_unread(self) -> bool:
        """True when what cannot be read may reach the client."""
        return self._fail_mode == "allow" or not self.judges_answers

    @cached_property
    def judges_answers(self) -> bool:
        """True when anything in the chain judges the answer."""
        return self.loaded.judges_answers(self.request)

    @property
    def changes_answers(self) -> bool:
        """True when the answer must be read: it is judged, or values are put back into it."""
        return self.judges_answers or bool(self.marks)

    @cached_property
    def _for_answers(self) -> Snapshot:
        """The policy; without its entries where none judges the answer, and so makes a record."""
        snapshot = self.loaded.snapshot
        return snapshot if self.judges_answers else replace(snapshot, steps=())

    @cached_property
    def asks_about_answers(self) -> bool:
        """True when a model is asked about the answer, which must be whole for that."""
        return self.loaded.asks_about_answers(self.request)

    @cached_property
    def _for_pieces(self) -> Snapshot:
        """The policy for what is no whole answer, about which no model is asked."""
        return self._for_answers.unasked() if self.asks_about_answers else self._for_answers

    async def _decided(self, judge: Callable[[], Decision], size: int) -> Decision:
        """A decision about `size` bytes that asks no model."""
        try:
            return await _apart(judge, size)
        except Exception:  # noqa: BLE001
            return self._failed()

    async def _answered(self, deciding: Deciding, size: int) -> Decision:
        """The end of a decision about `size` bytes; what it asks of models is answered."""
        answer: Answer = None
        try:
            while True:
                reached = await _apart(partial(_go_on, deciding, answer), size)
                if isinstance(reached, Decision):
                    return reached
                answer = await self._models(reached)
        except Exception:  # noqa: BLE001
            return self._failed()

    def _failed(self) -> Decision:
        """Log what went wrong, whatever it was; `fail_mode` decides."""
        _LOG.exception("the policy failed; --fail-mode %s decides", self._fail_mode)
        return _failed(self.loaded, self._fail_mode)

    def _heed(self, decision: Decision, phase: str) -> Decision:
        self.unjudged.update(decision.unjudged)
        self.scores += decision.scores
        if (
            self.decision is None
            or SEVERITY[decision.verdict] > SEVERITY[self.decision.verdict]
            or (decision.record is not None and self.decision.record is None)
        ):
            self.decision = decision
        if decision.verdict in _STOPPING:
            raise PolicyViolationError(decision, phase=phase)
        return decision


def _overgrown() -> UpstreamError:
    message = "The answer names long values so often that it would be too large."
    return UpstreamError(message, trigger="", code="response_too_large")


def _go_on(deciding: Deciding, answer: Answer) -> Question | Decision:
    """The next question of a decision that got an answer to its last one, or its end."""
    try:
        return deciding.send(answer)
    except StopIteration as end:
        decision: Decision = end.value
        return decision


async def _apart(work: Callable[[], _T], size: int) -> _T:
    return work() if size < _LARGE_BYTES else await asyncio.to_thread(work)


def _failed(loaded: Loaded, fail_mode: FailMode) -> Decision:
    return Decision(
        verdict=fail_mode,
        policy="gateway",
        reason_code=FAILED,
        message="The policy could not be evaluated.",
        detections=(),
        body=None,
        targets=tuple(target.id for target in loaded.snapshot.targets),
        assignee=None,
    )
