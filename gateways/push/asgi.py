"""The ASGI application of event streams, without Django's request stack."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
import structlog
from django.db import Error

from access.tokens import digest
from gateways.mirror import Known, fleet
from gateways.push.hub import Hub
from gateways.push.stream import Send, Stream
from gateways.signing.statements import DesiredKeys
from keeptrusts.servers import failures

log = structlog.get_logger(__name__)

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]

_PATH = re.compile(r"/v1/gateways/(?P<id>[^/]+)/(?:events|contents/(?P<hash>[0-9a-f]{64}))")


class RefusedError(Exception):
    """A refusal, with the status, code and message of its answer."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


_NO_DATABASE = RefusedError(503, "unavailable", failures.SILENT.message)


_REPLACED = RefusedError(
    404, "not_found", "This gateway is to have another content; fetch its statement again."
)


class Application:
    """Answers `/v1/gateways/{id}/events`, `/v1/gateways/{id}/contents/{hash}` and `/readyz`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._answer(scope, receive, send)
        except RefusedError as refusal:
            await _refuse(send, refusal)
        except Error as exc:
            failure = failures.of(exc)
            if failure is None:
                raise
            log.warning("database failed", error=str(exc))
            await _refuse(send, RefusedError(503, "unavailable", failure.message))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            raise RefusedError(405, "method_not_allowed", "Only GET is allowed; use GET.")
        ready = scope["path"] == "/readyz"
        if self._hub.closing or (ready and not self._hub.fresh):
            message = "This process stops or lacks its database; try again in a few seconds."
            raise RefusedError(503, "unavailable", message)
        if ready:
            return await _send(send, 200, b'{"status":"ok"}', b"application/json")
        match = _PATH.fullmatch(scope["path"])
        if match is None:
            raise RefusedError(404, "not_found", f"There is nothing at {scope['path']}.")
        token = _bearer(scope)
        gateway = await self._admitted(token, match["id"])
        scope["state"]["admit"]()
        if match["hash"]:
            return await self._content(gateway, match["hash"], send)
        return await self._events(gateway, token, receive, send)

    async def _admitted(self, token: str, gateway_id: str) -> Known:
        gateway = await self._hub.admit(token) if token else None
        if gateway is None and not self._hub.fresh:
            raise _NO_DATABASE
        if gateway is None:
            message = "This token is unknown; send the gateway's own, which begins with ktg_."
            raise RefusedError(401, "authentication_failed", message)
        if gateway.deleted_at is not None:
            message = "This gateway was deleted; register it again to use it."
            raise RefusedError(410, "gateway_deleted", message)
        if gateway.id != gateway_id:
            message = "This token belongs to another gateway; send the one of this gateway."
            raise RefusedError(403, "permission_denied", message)
        return gateway

    async def _events(self, gateway: Known, token: str, receive: Receive, send: Send) -> None:
        # `no` keeps nginx from collecting events until a buffer is full.
        headers = [(b"content-type", b"text/event-stream"), (b"x-accel-buffering", b"no")]
        await _start(send, 200, [*headers, (b"cache-control", b"no-store")])
        retry = b"retry: %d\n\n" % self._hub.retry_ms()
        await send({"type": "http.response.body", "body": retry, "more_body": True})
        with self._hub.holding(Stream(gateway.id, digest(token), send)):
            while (await receive())["type"] != "http.disconnect":
                pass

    async def _content(self, gateway: Known, content_hash: str, send: Send) -> None:
        desired, keys = fleet.desired(gateway.id), fleet.desired_keys(gateway.id)
        if desired is not None and desired.content_hash == content_hash:
            await _send(send, 200, await self._hub.content(desired), b"application/yaml")
        elif keys is not None and keys.content_hash == content_hash:
            await _send(send, 200, await self._key_list(keys), b"application/json")
        else:
            raise _REPLACED

    async def _key_list(self, keys: DesiredKeys) -> bytes:
        try:
            return await self._hub.key_list(keys)
        except LookupError:
            raise _REPLACED from None


def _bearer(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            return str(token.strip()) if scheme.lower() == "bearer" else ""
    return ""


async def _send(send: Send, status: int, body: bytes, content_type: bytes) -> None:
    length = str(len(body)).encode()
    await _start(send, status, [(b"content-type", content_type), (b"content-length", length)])
    await send({"type": "http.response.body", "body": body})


async def _refuse(send: Send, refusal: RefusedError) -> None:
    body = {"code": refusal.code, "message": refusal.message, "details": []}
    await _send(send, refusal.status, orjson.dumps({"error": body}), b"application/json")


async def _start(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
