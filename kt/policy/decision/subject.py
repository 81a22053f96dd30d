"""A request or an answer, opened up once for all the policies that judge it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from kt.policy.decision.matching.encoded import readings
from kt.policy.decision.reading.extract import Part, parts
from kt.policy.decision.reading.passages import Passage, conversations, glued, single
from kt.policy.decision.reading.reading import Reading
from kt.policy.decision.tools.calls import Tools, tools
from kt.policy.decision.values import Request, Stage


class Subject:
    """What policies judge. Each thing is worked out when first asked for, then kept.

    Lives for one decision. `body` is that of the request before it is sent and
    of the answer after it came.
    """

    def __init__(self, request: Request, stage: Stage, body: Any) -> None:
        self.request = request
        self.stage = stage
        self.body = body

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return parts(self.body, "user" if self.stage == "pre-request" else "assistant")

    @cached_property
    def tools(self) -> Tools:
        return tools(self.body)

    @cached_property
    def texts(self) -> Sequence[Reading]:
        """Every part, and the parts of one message joined."""
        return _readings((*single(self.parts), *glued(self.parts)))

    @cached_property
    def conversation(self) -> Sequence[Reading]:
        """All that is said as one text, when it is more than one."""
        return _readings(conversations(self.parts))


def _readings(passages: Sequence[Passage]) -> Sequence[Reading]:
    return tuple(one for passage in passages if passage.text for one in readings(passage))
