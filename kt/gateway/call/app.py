"""The ASGI application: routes requests, and checks who may make them."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from kt.addresses import is_loopback
from kt.gateway.call import cors, health
from kt.gateway.call.exchange import Exchange
from kt.gateway.call.intake import Route, find_route
from kt.gateway.call.reporting import report
from kt.gateway.clients.callers import Caller
from kt.gateway.clients.keys import known, presented
from kt.gateway.errors import (
    ForbiddenError,
    GatewayError,
    LimitError,
    MethodError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
    encode,
)
from kt.gateway.gateway import Gateway
from kt.gateway.wire import (
    JSON,
    DisconnectedError,
    Receive,
    Scope,
    Send,
    headers_of,
    refuse,
    respond,
)

_LOG = logging.getLogger("kt.gateway")
_TEXT = [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8")]
RELOAD = "/keeptrusts/config/reload"
_MODELS = "/v1/models"
ROUTES_OF_CLIENTS = (_MODELS, "/openai/", "/keeptrusts/config")

Page = Callable[[Gateway, Caller | None], tuple[int, bytes, Any]]
Reload = Callable[[], Awaitable[bool]]


class App:
    """The ASGI application of one process.

    `reload` puts the newest policy into force; False when it could not.
    """

    def __init__(self, gateway: Gateway, reload: Reload) -> None:
        self._gateway = gateway
        self._reload = reload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope["path"]
        if self._gateway.options.cors_origins:
            headers = headers_of(scope)
            origin = cors.allowed(path, headers, self._gateway.options.cors_origins)
            if origin and cors.is_preflight(scope["method"], headers):
                await respond(send, 204, b"", cors.preflight(origin, headers))
                return
            send = cors.opened(send, origin)
        try:
            route = find_route(path)
            if route is not None:
                await self._infer(route, scope, receive, send)
            else:
                await self._look(path, scope, send)
        except DisconnectedError:
            _LOG.debug("a client went away")
        except GatewayError as exc:
            await refuse(send, exc, path, headers_of(scope), [])

    async def _infer(self, route: Route, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            raise MethodError("POST")
        gateway = self._gateway
        exchange = Exchange(gateway, route, scope, receive, send)
        gateway.in_flight += 1
        try:
            self._admit(exchange)
            await exchange.run()
        except GatewayError as exc:
            exchange.status = exc.status
            if isinstance(exc, LimitError):
                gateway.metrics.count("keeptrusts_limited_total", limit=exc.details["limit"])
            await refuse(send, exc, exchange.path, exchange.headers, exchange.marks())
        finally:
            gateway.in_flight -= 1
            report(gateway, exchange)

    def _admit(self, exchange: Exchange) -> None:
        options = self._gateway.options
        exchange.caller = self._authenticate(exchange.headers)
        if not exchange.loaded.is_configured:
            message = "This gateway has no policy yet and refuses all calls; try again later."
            raise UnavailableError(message, code="not_configured")
        if self._gateway.is_expired:
            message = "Nobody confirmed this gateway's policy for too long; try again later."
            raise UnavailableError(message, code="policy_expired")
        if self._gateway.in_flight > options.max_concurrency:
            message = f"{options.max_concurrency} requests are in progress; try again in a second."
            raise UnavailableError(message, code="overloaded")

    def _authenticate(self, headers: dict[str, str]) -> Caller | None:
        """The client that calls; None where no key is asked for."""
        callers = self._gateway.callers
        if not callers.are_demanded:
            return None
        caller = callers.find(presented(headers))
        if caller is None:
            raise UnauthenticatedError("Send one of the gateway's client keys as a bearer token.")
        return caller

    async def _look(self, path: str, scope: Scope, send: Send) -> None:
        method = scope["method"]
        if path == RELOAD:
            await self._serve_reload(method, scope, send)
            return
        page = _page(path)
        if page is None:
            raise NotFoundError(f"There is no route {path}.")
        if method not in ("GET", "HEAD"):
            raise MethodError("GET")
        caller = None
        if path.startswith(ROUTES_OF_CLIENTS):
            caller = self._authenticate(headers_of(scope))
        if _AZURE_MODELS.sub(_MODELS, path) == _MODELS:
            gateway = self._gateway
            await gateway.catalogue.refresh(gateway.upstream, gateway.loaded.targets)
        status, body, headers = page(self._gateway, caller)
        await respond(send, status, body, headers)

    async def _serve_reload(self, method: str, scope: Scope, send: Send) -> None:
        if method != "POST":
            raise MethodError("POST")
        if not self._may_administer(scope):
            raise ForbiddenError("Send the admin token as a bearer token, or call from loopback.")
        taken = await self._reload()
        body = {"data": health.config(self._gateway)}
        if not taken:
            body = {"error": health.refusal(self._gateway)}
        await respond(send, 200 if taken else 422, encode(body), JSON)

    def _may_administer(self, scope: Scope) -> bool:
        headers = headers_of(scope)
        if known(presented(headers), self._gateway.options.admin_keys):
            return True
        # Behind a proxy on this host every client would come from loopback; a page in a
        # browser on this host would too, and says where it comes from.
        through = {"x-forwarded-for", "forwarded", "via", "origin"} & set(headers)
        return not through and is_loopback((scope.get("client") or ("", 0))[0])


def _json(body: dict[str, Any], status: int = 200) -> tuple[int, bytes, Any]:
    return status, encode(body), JSON


def _ready(gateway: Gateway, _: Caller | None) -> tuple[int, bytes, Any]:
    if gateway.draining:
        return _json({"status": "draining"}, 503)
    if not gateway.loaded.is_configured:
        return _json({"status": "not_configured"}, 503)
    if gateway.is_expired:
        return _json({"status": "policy_expired"}, 503)
    if not gateway.readiness.is_complete:
        # The next call may reach another process.
        return _json({"status": "starting"}, 503)
    return _json({"status": "ready"})


def _page(path: str) -> Page | None:
    """The page at a path; a model's is below that of all."""
    own = _AZURE_MODELS.sub(_MODELS, path)
    if own.startswith(f"{_MODELS}/"):
        name = own.removeprefix(f"{_MODELS}/")
        return lambda gateway, caller: _json(health.model(gateway, caller, name))
    return _PAGES.get(own)


_AZURE_MODELS = re.compile(r"^/openai/(?:v1/)?models(?=/|$)")
_PAGES: dict[str, Page] = {
    "/health": lambda gateway, _: _json(health.health(gateway)),
    "/healthz": lambda *_: _json({"status": "ok"}),
    "/readyz": _ready,
    "/metrics": lambda gateway, _: (200, health.metrics(gateway), _TEXT),
    "/v1/models": lambda gateway, caller: _json(health.models(gateway, caller)),
    "/keeptrusts/config": lambda gateway, _: _json(health.config(gateway)),
}
