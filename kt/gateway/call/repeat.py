"""A call that may come again after it was blocked, as the memory of blocks knows it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from kt.gateway.clients.blocks import RememberedBlock, call_key
from kt.gateway.clients.charges import Origin
from kt.gateway.clients.keys import presented
from kt.gateway.errors import PolicyViolationError
from kt.gateway.gateway import Gateway
from kt.gateway.policy.judging import FAILED
from kt.gateway.policy.loading import Loaded
from kt.policy.decision.kinds.classifier import NO_ANSWER


@dataclass(frozen=True, slots=True)
class RepeatedCall:
    """One call. Its key is made only when it is needed."""

    gateway: Gateway
    loaded: Loaded
    path: str
    origin: Origin
    data: bytes

    def find(self) -> RememberedBlock | None:
        """The block that the same call had within the last minute."""
        blocks = self.gateway.blocks
        return blocks.find(self._key(), time.monotonic()) if len(blocks) else None

    def note(self, exc: PolicyViolationError) -> None:
        """Remember what stopped the call."""
        # A failure of the policy itself, or of a model, may be over the next time.
        if exc.decision.reason_code not in (FAILED, NO_ANSWER):
            block = RememberedBlock(exc.decision, exc.phase)
            self.gateway.blocks.keep(self._key(), block, time.monotonic())

    def _key(self) -> bytes:
        key = presented(self.origin.headers) if self.gateway.callers.are_demanded else ""
        client = f"key {key}" if key else f"address {self.origin.address}"
        return call_key(client, self.loaded.content_hash, self.path, self.origin.headers, self.data)
