"""Routing: the targets of a call, their order, and fallback to the next."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from kt.gateway.errors import MESSAGES_PATH, NotFoundError, UpstreamError
from kt.gateway.policy.loading import Loaded
from kt.gateway.policy.targets import Format, UpstreamTarget
from kt.gateway.upstream.circuit import Circuit
from kt.gateway.upstream.reply import Reply
from kt.policy.decision import Decision

_RATE_LIMITED = 429
_SERVER_ERROR = 500

Send = Callable[[UpstreamTarget], Awaitable[Reply]]


@dataclass(slots=True)
class Router:
    """The router, which outlives configurations: a circuit for each target, and the turn."""

    circuits: dict[str, Circuit] = field(default_factory=dict)
    turn: int = 0

    def candidates(
        self, loaded: Loaded, decision: Decision, path: str, model: str
    ) -> list[UpstreamTarget]:
        """The targets that may serve a call, in the order in which they are tried.

        Raises:
            NotFoundError: no target serves the model.
            UpstreamError: those that serve it have no credential.
        """
        wanted: Format = "anthropic" if path.startswith(MESSAGES_PATH) else "openai"
        # A policy without targets is served by the mock, which no policy restricts.
        allowed = set(decision.targets) if loaded.snapshot.targets else {"mock"}
        serving = [one for one in loaded.targets if one.id in allowed and one.serves(model, wanted)]
        if not serving:
            message = f"No target serves the model {model!r} on this route."
            raise NotFoundError(message, code="model_not_found", param="model")
        ready = [target for target in serving if not target.problem]
        if not ready:
            message = f"The target {serving[0].id} has no credential; /health says why."
            raise UpstreamError(message, trigger="", code="target_unavailable")
        return self._ordered(loaded, ready)

    def _ordered(self, loaded: Loaded, targets: list[UpstreamTarget]) -> list[UpstreamTarget]:
        providers = loaded.document.get("providers") or {}
        routing = providers.get("routing") or {}
        if routing.get("strategy") == "round_robin":
            self.turn += 1
            first = self.turn % len(targets)
            targets = targets[first:] + targets[:first]
        fallback = providers.get("fallback") or {}
        more = fallback.get("max_fallback_attempts", 1) if fallback.get("triggers") else 0
        return targets[: 1 + more]

    async def call(
        self, targets: Sequence[UpstreamTarget], triggers: frozenset[str], send: Send
    ) -> tuple[UpstreamTarget, Reply]:
        """Try the targets until one answers in a way that does not trigger the next.

        Raises:
            UpstreamError: the last target that was tried failed.
        """
        failure: UpstreamError | None = None
        for target, is_last in _with_last(self._admitted(targets)):
            try:
                reply = await self._try(target, send)
            except UpstreamError as exc:
                failure = exc
                if exc.trigger not in triggers:
                    raise
                continue
            if is_last or _trigger(reply.status) not in triggers:
                return target, reply
            reply.close()
        raise failure or _all_open(targets)

    def _admitted(self, targets: Sequence[UpstreamTarget]) -> Sequence[UpstreamTarget]:
        now = time.monotonic()
        return [target for target in targets if self._circuit(target).admits(now)]

    async def _try(self, target: UpstreamTarget, send: Send) -> Reply:
        circuit = self._circuit(target)
        try:
            reply = await send(target)
        except UpstreamError:
            circuit.failed(time.monotonic())
            raise
        if reply.status >= _SERVER_ERROR:
            circuit.failed(time.monotonic())
        else:
            circuit.succeeded()
        return reply

    def _circuit(self, target: UpstreamTarget) -> Circuit:
        # An edited target is another target, though its id is the same.
        key = f"{target.id} {target.base_url}"
        return self.circuits.get(key) or self.circuits.setdefault(key, Circuit())

    def is_open(self, target: UpstreamTarget) -> bool:
        """True when a target's circuit is open."""
        return self._circuit(target).is_open(time.monotonic())


def _with_last(targets: Sequence[UpstreamTarget]) -> Iterator[tuple[UpstreamTarget, bool]]:
    for at, target in enumerate(targets, start=1):
        yield target, at == len(targets)


def _trigger(status: int) -> str:
    if status == _RATE_LIMITED:
        return "rate_limit"
    return "server_error" if status >= _SERVER_ERROR else ""


def _all_open(targets: Sequence[UpstreamTarget]) -> UpstreamError:
    names = ", ".join(target.id for target in targets)
    message = f"Paused after repeated failures: {names}; try again in a few seconds."
    return UpstreamError(message, trigger="server_error", code="circuit_open")
