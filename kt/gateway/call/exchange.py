"""One model call, from the client's request to its answer."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from kt.gateway.call.intake import Route, check_models, take
from kt.gateway.call.relay import Relay
from kt.gateway.call.repeat import RepeatedCall
from kt.gateway.call.usage import Usage, estimate
from kt.gateway.call.watch import Watch
from kt.gateway.call.whole import WholeAnswer
from kt.gateway.clients.callers import Caller
from kt.gateway.clients.charges import Origin
from kt.gateway.errors import (
    RETRY_HEADERS,
    PolicyViolationError,
    UpstreamError,
    encode,
    event,
)
from kt.gateway.gateway import Gateway
from kt.gateway.policy.answers import UnreadableError, decoded
from kt.gateway.policy.judging import Judge
from kt.gateway.policy.targets import UpstreamTarget
from kt.gateway.stream import sse
from kt.gateway.stream.guard import Guard
from kt.gateway.stream.protocols import protocol_of
from kt.gateway.upstream import mock
from kt.gateway.upstream.reply import Call, Reply
from kt.gateway.wire import (
    Headers,
    Receive,
    Scope,
    Send,
    headers_of,
    read_body,
    respond,
    send_chunk,
    start,
)
from kt.policy.decision import Decision, ModelScore, Request
from kt.tracing import context, present
from kt.tracing.context import Trace

_EVENT_STREAM = "text/event-stream"
# What some servers call a stream of events.
_STREAMED = (_EVENT_STREAM, "application/octet-stream", "binary/octet-stream")
# What an event holds of which a call takes note.
_NOTED = (b'"usage"', b'"sequence_number"')
_SUCCESS = 300
_SERVER_ERROR = 500
_REQUEST_ID_LENGTH = 100


class Exchange:
    """A call in progress, and the facts of it that are reported.

    The configuration in force at its begin serves the whole call. `caller` is who makes it, None
    until that is known, and where no key is asked for.
    """

    def __init__(
        self, gateway: Gateway, route: Route, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self.gateway = gateway
        self.loaded = gateway.loaded
        self.path = route.path
        self.headers = headers_of(scope)
        self.peer: str = (scope.get("client") or ("", 0))[0]
        self.id = _request_id(self.headers)
        self.trace = _trace(self.headers)
        self.caller: Caller | None = None
        self.usage = Usage()
        self.judge: Judge | None = None
        self.model = ""
        self.target: UpstreamTarget | None = None
        self.status = 0
        self.streamed = False
        self.upstream_seconds = 0.0
        self.asked = 0.0
        self.started = time.perf_counter()
        self._scope = scope
        self._route = route
        self._receive = receive
        self._send = send
        self._number: int | None = None
        self.remembered = False
        self.answering = False

    @property
    def decision(self) -> Decision | None:
        """The strictest decision so far."""
        return self.judge.decision if self.judge else None

    @property
    def is_targets(self) -> bool:
        """Whether the outcome is the target's own: no policy stopped its answer."""
        return self.decision is None or self.decision.verdict in ("allow", "redact")

    @property
    def unjudged(self) -> list[str]:
        """What went through without being read, by name."""
        return sorted(self.judge.unjudged) if self.judge else []

    @property
    def scores(self) -> list[ModelScore]:
        """The scores of models that were asked."""
        return self.judge.scores if self.judge else []

    async def run(self) -> None:
        """Serve the call.

        Raises:
            GatewayError: before the answer began.
            DisconnectedError: the client went away.
        """
        origin = self._origin()
        await self.gateway.limits.admit(origin)
        limit = self.loaded.max_body_bytes
        data = await read_body(self._scope, self._receive, self.headers, limit=limit)
        body, data, self.model = take(self._route, data)
        check_models(self.path, body, self.model, self.caller)
        repeat = RepeatedCall(self.gateway, self.loaded, self.path, origin, data)
        self._recall(body, repeat)
        try:
            await self._serve(body, data, origin)
        except PolicyViolationError as exc:
            repeat.note(exc)
            raise

    def _origin(self) -> Origin:
        loaded = self.loaded
        return Origin(loaded.id, loaded.document, self.headers, self.peer, self.caller)

    def _recall(self, body: dict[str, Any], repeat: RepeatedCall) -> None:
        """Give a call that comes again the block that it had, and call no target.

        Raises:
            PolicyViolationError: it was blocked less than a minute ago.
        """
        block = repeat.find()
        if block is not None:
            self.remembered = True
            self.judge = self._new_judge(body)
            self.judge.recall(block.decision, block.phase)

    def _new_judge(self, body: dict[str, Any]) -> Judge:
        request = Request(body, path=self.path, model=self.model, headers=self.headers)
        return Judge(
            self.loaded, request, self.gateway.options.fail_mode, self.gateway.models.answer
        )

    async def _serve(self, body: dict[str, Any], data: bytes, origin: Origin) -> None:
        reserved = await self._reserve(data, origin)
        try:
            # Without what comes after: what was used counts though the client is gone, and its
            # connection may have its next call by then.
            async with Watch(self._scope):
                await self._ask(body, data)
        finally:
            await self._settle(reserved, origin)

    async def _ask(self, body: dict[str, Any], data: bytes) -> None:
        reply, decision = await self._call(body, data)
        try:
            await self._answer(reply, decision, stream=body.get("stream") is True)
        finally:
            reply.close()

    async def _reserve(self, data: bytes, origin: Origin) -> int:
        tokens = estimate(len(data))
        await self.gateway.limits.reserve_tokens(origin, tokens)
        self.usage.prompt = tokens
        return tokens

    async def _settle(self, reserved: int, origin: Origin) -> None:
        await self.gateway.limits.settle_tokens(origin, self.usage.total - reserved)

    async def _call(self, body: dict[str, Any], data: bytes) -> tuple[Reply, Decision]:
        """Ask the policy, then the target."""
        self.judge = self._new_judge(body)
        decision = await self.judge.ask(len(data))
        if decision.body is not None:
            body, data = decision.body, encode(decision.body)
        call = Call(
            path=self.path,
            model=self.model,
            body=body,
            data=data,
            headers=self.headers,
            stream=body.get("stream") is True,
            max_response_bytes=self.loaded.max_response_bytes,
        )
        router = self.gateway.router
        self.asked = time.perf_counter()
        targets = router.candidates(self.loaded, decision, self.path, self.model)
        with _Waiting(self):
            self.target, reply = await router.call(
                targets, self._triggers(), lambda target: self._send_to(target, call)
            )
        return reply, decision

    def _triggers(self) -> frozenset[str]:
        fallback = (self.loaded.document.get("providers") or {}).get("fallback") or {}
        return frozenset(fallback.get("triggers") or ())

    async def _send_to(self, target: UpstreamTarget, call: Call) -> Reply:
        call = call.asking_for(target.asked_for(call.model))
        try:
            if target.is_mock:
                reply: Reply = await mock.answer(call, self.gateway.script)
            else:
                reply = await self.gateway.upstream.call(target, call)
        except UpstreamError:
            self._count_call(target, "failed")
            raise
        self._count_call(target, str(reply.status))
        return reply

    def _count_call(self, target: UpstreamTarget, outcome: str) -> None:
        self.gateway.metrics.count(
            "keeptrusts_upstream_requests_total", target=target.id, outcome=outcome
        )

    async def _answer(self, reply: Reply, decision: Decision, *, stream: bool) -> None:
        if reply.status >= _SERVER_ERROR:
            message = f"The target failed with status {reply.status}."
            failure = UpstreamError(message, trigger="server_error")
            failure.headers += [one for one in reply.headers if one[0] in RETRY_HEADERS]
            raise failure
        if stream and reply.content_type in _STREAMED and reply.status < _SUCCESS:
            await self._answer_stream(reply)
        else:
            await self._answer_whole(reply)

    async def _answer_whole(self, reply: Reply) -> None:
        assert self.judge is not None
        with _Waiting(self):
            data = await reply.read()
        whole = WholeAnswer(reply, data)
        self.usage.note(whole.body)
        self.usage.note_size(len(data))
        if self.judge.changes_answers:
            data = await whole.judged(self.judge)
        self.status = reply.status
        self.answering = True
        await respond(self._send, reply.status, data, [*reply.headers, *self.marks()])

    async def _answer_stream(self, reply: Reply) -> None:
        self.streamed = True
        self.status = reply.status
        try:
            await self._relay(reply)
        except (PolicyViolationError, UpstreamError) as exc:
            if not self.answering:
                raise
            # The status went out with the first byte; an event can still say why the stream ends.
            self.status = exc.status
            await send_chunk(self._send, event(exc, self.path, self._next_number()), last=True)

    def _next_number(self) -> int:
        """The number of an event after the last that came, where events are numbered."""
        return 0 if self._number is None else self._number + 1

    async def _relay(self, reply: Reply) -> None:
        assert self.judge is not None
        reads = self.judge.changes_answers
        guard = Guard(self.judge, protocol_of(self.path), self._note) if reads else None
        splitter = sse.Splitter(
            self.loaded.max_response_bytes, strict=reply.content_type != _EVENT_STREAM
        )
        relay = Relay(self.path, splitter, guard, lambda data: self._write(reply, data))
        try:
            await relay.run(self._waited(reply.chunks()), self._read)
        finally:
            self.usage.note_size(relay.size // 8)
        await self._begin(reply)
        await send_chunk(self._send, b"", last=True)

    async def _waited(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The chunks, whose time counts as the target's."""
        while True:
            with _Waiting(self):
                piece = await anext(chunks, None)
            if piece is None:
                return
            yield piece

    def _read(self, events: list[bytes]) -> None:
        """Read of events that no guard reads what is to be noted of them."""
        for one in events:
            if any(key in one for key in _NOTED):
                with suppress(UnreadableError):
                    self._note(decoded(sse.field(one, b"data") or b""))

    def _note(self, body: Any) -> None:
        self.usage.note(body)
        number = body.get("sequence_number") if isinstance(body, dict) else None
        if isinstance(number, int):
            self._number = number

    async def _write(self, reply: Reply, data: bytes) -> None:
        await self._begin(reply)
        await send_chunk(self._send, data)

    async def _begin(self, reply: Reply) -> None:
        if not self.answering:
            self.answering = True
            await start(self._send, reply.status, [*reply.headers, *self.marks()])

    def marks(self) -> Headers:
        """The gateway's own headers of an answer."""
        said: str = self.decision.verdict if self.decision else "allow"
        if self.remembered:
            said += "; remembered"
        if self.unjudged:
            said += f"; unjudged={'+'.join(self.unjudged)}"
        return [
            (b"x-keeptrusts-verdict", said.encode()),
            (b"x-keeptrusts-config-hash", self.loaded.content_hash.encode()),
            (b"x-request-id", self.id.encode()),
        ]


class _Waiting:
    """Counts the time inside as the target's."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._since = 0.0

    def __enter__(self) -> None:
        self._since = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._exchange.upstream_seconds += time.perf_counter() - self._since


def _trace(headers: dict[str, str]) -> Trace:
    """A span of the trace that the client named, or of a new one; its log lines have the id."""
    heard = context.heard(headers.get(context.HEADER))
    trace = heard.child() if heard else context.new()
    present.enter(trace)
    return trace


def _request_id(headers: dict[str, str]) -> str:
    given = headers.get("x-request-id", "")
    plain = given.isascii() and given.isprintable() and 0 < len(given) <= _REQUEST_ID_LENGTH
    return given if plain else secrets.token_hex(16)
