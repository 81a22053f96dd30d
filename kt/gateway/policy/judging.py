"""Decisions of the policy about one call, also when the policy fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import cached_property
from typing import Any

from kt.gateway.errors import PolicyViolationError
from kt.gateway.options import FailMode
from kt.gateway.policy.loading import Loaded
from kt.policy.decision import (
    Decision,
    Request,
    TextDecision,
    call_limit,
    decide,
    decide_response,
    decide_text,
)
from kt.policy.decision.values import SEVERITY

_LOG = logging.getLogger("kt.gateway")
_STOPPING = ("block", "escalate")
# Past this size a decision takes milliseconds, for which no other call must wait.
_LARGE_BYTES = 128 << 10
FAILED = "gateway.decision_failed"


class Judge:
    """Decides about one request and its answer, and keeps the strictest decision."""

    def __init__(self, loaded: Loaded, request: Request, fail_mode: FailMode) -> None:
        self.loaded = loaded
        self.request = request
        self.decision: Decision | None = None
        self.unjudged: set[str] = set()
        self._fail_mode = fail_mode

    async def ask(self, size: int) -> Decision:
        """Decide about the request, `size` bytes long.

        Raises:
            PolicyViolationError: it must not be sent.
        """
        return self._heed(await _apart(self._decide_request, size), "input")

    async def check(self, body: Any, size: int) -> Decision:
        """Decide about a whole answer.

        Raises:
            PolicyViolationError: it must not reach the client.
        """
        return self._heed(await _apart(lambda: self.look(body), size), "output")

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
        """Decide about an answer or a piece of one, without keeping the decision."""
        return self._guarded(lambda: decide_response(self.loaded.snapshot, self.request, body))

    def weigh(self, text: str, floor: int) -> TextDecision:
        """Decide about a text that may go on, of which all before `floor` was decided."""
        try:
            return decide_text(self.loaded.snapshot, self.request, text, floor=floor)
        except Exception:  # noqa: BLE001
            return TextDecision(self._failed(), (), len(text))

    @cached_property
    def call_limit(self) -> int | None:
        """The most tool calls that the answer may hold; None without a limit."""
        return call_limit(self.loaded.snapshot, self.request)

    @property
    def passes_unread(self) -> bool:
        """True when what cannot be read may reach the client."""
        return self._fail_mode == "allow"

    def _decide_request(self) -> Decision:
        return self._guarded(lambda: decide(self.loaded.snapshot, self.request))

    def _guarded(self, judge: Callable[[], Decision]) -> Decision:
        try:
            return judge()
        except Exception:  # noqa: BLE001
            return self._failed()

    def _failed(self) -> Decision:
        """Log what went wrong, whatever it was; `fail_mode` decides."""
        _LOG.exception("the policy failed; --fail-mode %s decides", self._fail_mode)
        return _failed(self.loaded, self._fail_mode)

    def _heed(self, decision: Decision, phase: str) -> Decision:
        self.unjudged.update(decision.unjudged)
        if (
            self.decision is None
            or SEVERITY[decision.verdict] > SEVERITY[self.decision.verdict]
            or (decision.record is not None and self.decision.record is None)
        ):
            self.decision = decision
        if decision.verdict in _STOPPING:
            raise PolicyViolationError(decision, phase=phase)
        return decision


async def _apart(judge: Callable[[], Decision], size: int) -> Decision:
    return judge() if size < _LARGE_BYTES else await asyncio.to_thread(judge)


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
        record=None,
    )
