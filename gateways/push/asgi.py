"""The ASGI application of gateways: event streams, pulls, reports and decisions.

It has no Django request stack. A gateway is known from memory, so a request of nobody costs
neither a thread nor the database.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from access.tokens import digest
from gateways.feed.feed import Feed
from gateways.feed.serving import PATH, Serving
from gateways.mirror import contents
from gateways.mirror.mirror import fleet
from gateways.mirror.rows import Known
from gateways.push.batches import Batches
from gateways.push.hub import Hub
from gateways.push.reporting import Reporting
from gateways.push.stream import Stream
from gateways.registry import tokens
from gateways.reports import inputs, reports
from gateways.signing.statements import Desired, DesiredKeys
from keeptrusts.api.errors import GoneError, RefusedError
from keeptrusts.api.etags import is_known
from keeptrusts.api.rendering import json_object
from keeptrusts.serving import answers
from keeptrusts.serving.answers import Answer, Scope, Send
from keeptrusts.serving.attempts import Attempts
from keeptrusts.serving.bodies import Bodies, ClientLeftError, Receive
from keeptrusts.serving.manners import Manners, Pairs

_PATH = re.compile(
    r"/v1/gateways/(?P<id>[^/]+)/"
    r"(?P<what>events|configuration|report|decisions|contents/(?P<hash>[0-9a-f]{64}))"
)


@dataclass(frozen=True, slots=True)
class _Request:
    """A request of a gateway that is known."""

    gateway: Known
    token: str
    headers: Mapping[str, str]
    hash: str
    receive: Receive
    send: Send
    admit: Callable[[], None]
    asked: Manners


class Application:
    """Answers what gateways ask below `/v1/gateways/{id}`, `/v1/stream` and `/readyz`."""

    def __init__(self, hub: Hub, reporting: Reporting, batches: Batches, feed: Feed) -> None:
        self._hub, self._reporting, self._batches = hub, reporting, batches
        self._bodies = Bodies()
        self._attempts = Attempts()
        self._feed = Serving(feed, self._attempts)
        self._routes: Mapping[tuple[str, str], Callable[[_Request], Awaitable[Answer | None]]] = {
            ("GET", "events"): self._events,
            ("GET", "contents"): self._content,
            ("GET", "configuration"): self._configuration,
            ("POST", "report"): self._report,
            ("POST", "decisions"): self._decisions,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Manners.of(scope)
        with asked.logged():
            try:
                answer = await self._answer(scope, receive, send, asked)
            except ClientLeftError:
                return
            except Exception as exc:  # noqa: BLE001
                # The outermost caller; what is no deliberate refusal is logged there.
                answer = await answers.of_failure(exc)
            if answer is not None:
                await answers.send_whole(send, asked.dressed(answer))

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, asked: Manners
    ) -> Answer | None:
        ready = scope["path"] == "/readyz"
        if self._hub.closing:
            raise _unavailable("unavailable", "This process stops.")
        if ready and not self._hub.fresh:
            raise _unavailable(*self._hub.failed)
        if ready:
            _allow("GET", scope["method"])
            return Answer(200, b'{"status":"ok"}', [answers.JSON])
        if scope["path"] == PATH:
            _allow("GET", "GET" if scope["method"] == "HEAD" else scope["method"])
            return await self._feed.answer(scope, receive, send, asked)
        match = _PATH.fullmatch(scope["path"])
        if match is None:
            raise RefusedError(404, "not_found", f"There is nothing at {scope['path']}.")
        answering = self._route(scope["method"], match["what"].partition("/")[0])
        headers = answers.headers_of(scope)
        token = answers.bearer(headers)
        gateway = await self._admitted(token, match["id"], scope["client"])
        admit = scope["state"]["admit"]
        return await answering(
            _Request(gateway, token, headers, match["hash"], receive, send, admit, asked)
        )

    def _route(self, method: str, what: str) -> Callable[[_Request], Awaitable[Answer | None]]:
        _allow(next(allowed for allowed, name in self._routes if name == what), method)
        return self._routes[method, what]

    async def _admitted(self, token: str, gateway_id: str, client: tuple[str, int] | None) -> Known:
        address = client[0] if client else ""
        gateway = fleet.gateway(token)
        if gateway is None and token:
            await self._attempts.wait(address, token)
        gateway = await self._hub.admit(token) if token else None
        if gateway is None and not self._hub.fresh:
            raise _unavailable(*self._hub.failed)
        if gateway is None:
            self._attempts.failed(address, token)
            raise RefusedError(401, "authentication_failed", tokens.UNKNOWN, headers=_CHALLENGE)
        if gateway.deleted_at is not None:
            message = "This gateway was deleted; register it again to use it."
            raise GoneError("gateway_deleted", message)
        if gateway.id != gateway_id:
            message = "This token belongs to another gateway; send the one of this gateway."
            raise RefusedError(403, "permission_denied", message)
        return gateway

    async def _events(self, request: _Request) -> None:
        # `no` keeps nginx from collecting events until a buffer is full.
        headers = [(b"content-type", b"text/event-stream"), (b"x-accel-buffering", b"no")]
        headers.append((b"cache-control", b"no-store"))
        headers = request.asked.headers(headers)
        await request.send({"type": "http.response.start", "status": 200, "headers": headers})
        retry = b"retry: %d\n\n" % self._hub.retry_ms()
        await request.send({"type": "http.response.body", "body": retry, "more_body": True})
        request.admit()
        stream = Stream(request.gateway.id, digest(request.token), request.send)
        with self._hub.holding(stream):
            while (await request.receive())["type"] != "http.disconnect":
                pass

    async def _content(self, request: _Request) -> Answer:
        gateway_id = request.gateway.id
        desired, keys = fleet.desired(gateway_id), fleet.desired_keys(gateway_id)
        if desired is not None and desired.content_hash == request.hash:
            return Answer(200, await self._bytes(desired), [_YAML, *await self._trace(desired)])
        if keys is not None and keys.content_hash == request.hash:
            return Answer(200, await self._key_list(keys), [answers.JSON])
        raise _replaced()

    async def _bytes(self, desired: Desired) -> bytes:
        try:
            return await self._hub.content(desired)
        except LookupError:
            raise _replaced() from None

    async def _trace(self, desired: Desired) -> Pairs:
        """The header by which a gateway's log names the push that led to a version, if known."""
        trace_id = (await self._hub.trace_id(desired)).decode()
        return answers.pairs(contents.trace_header(trace_id))

    async def _key_list(self, keys: DesiredKeys) -> bytes:
        try:
            return await self._hub.key_list(keys)
        except LookupError:
            raise _replaced() from None

    async def _configuration(self, request: _Request) -> Answer:
        # A gateway may have heard of a newer statement elsewhere, and must not get an older one.
        await self._hub.look()
        if not self._hub.fresh:
            raise _unavailable(*self._hub.failed)
        gateway_id = request.gateway.id
        signed, news = fleet.handed(gateway_id), fleet.news(gateway_id)
        headers = {**news, **fleet.headers(signed)}
        if is_known(request.headers.get("if-none-match", ""), headers["ETag"]):
            return Answer(304, b"", answers.pairs({"ETag": headers["ETag"], **news}))
        content = await self._bytes(signed.desired)
        self._hub.note_handed(signed.desired)
        trace = await self._trace(signed.desired)
        return Answer(200, content, [_YAML, *trace, *answers.pairs(headers)])

    async def _report(self, request: _Request) -> Answer:
        async with self._bodies.whole(request.receive, most=inputs.MAX_REPORT_BYTES) as body:
            request.admit()
            report = inputs.report_of(json_object(body))
        await self._reporting.take(request.gateway.id, report)
        return answers.of_data(reports.answer(request.gateway.id))

    async def _decisions(self, request: _Request) -> Answer:
        # One of a gateway, from before its body: so none holds what is there for all.
        with self._batches.turn(request.gateway.id):
            async with self._bodies.whole(request.receive) as body:
                request.admit()
                return await self._batches.take(request.gateway.id, body)


def _allow(allowed: str, method: str) -> None:
    if method != allowed:
        message = f"Only {allowed} is allowed here; use {allowed}."
        raise RefusedError(405, "method_not_allowed", message, headers={"Allow": allowed})


def _unavailable(code: str, message: str) -> RefusedError:
    advice = f"{message} Try again in a few seconds." if code == "unavailable" else message
    return RefusedError(503, code, advice, headers={"Retry-After": "1"})


def _replaced() -> RefusedError:
    message = "This gateway is to have another content; fetch its statement again."
    return RefusedError(404, "not_found", message)


_CHALLENGE = {"WWW-Authenticate": "Bearer"}
_YAML = (b"content-type", b"application/yaml")
