"""The id of a request: the caller's, or a new one; in its answer, its errors and its log lines.

Beside it goes its trace, which those that follow from it share.
"""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.http import HttpRequest, HttpResponse
from structlog import contextvars

from keeptrusts.observed import traces
from kt.tracing.otlp import SERVER

HEADER = "X-Request-Id"

_NAME = "request_id"
_SERVER_ERROR = 500
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
_FORM = re.compile(r"[A-Za-z0-9._-]{1,128}")


def accepted(sent: str) -> str:
    """The id that a caller sent, if it is of the form of one; else a new one."""
    return sent if _FORM.fullmatch(sent) else secrets.token_hex(12)


def current() -> str:
    """The id of the request that is answered here; a new one outside of any."""
    return str(contextvars.get_contextvars().get(_NAME) or accepted(""))


@contextmanager
def bound(request_id: str) -> Iterator[None]:
    """Have an id in every log line of this thread or task, until the end of the block."""
    with contextvars.bound_contextvars(**{_NAME: request_id}):
        yield


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Django's part of it, under any server."""

    def answer(request: HttpRequest) -> HttpResponse:
        request_id = accepted(request.headers.get(HEADER, ""))
        trace = request.META.get(traces.REQUEST) or traces.begun(request.headers.get(traces.HEADER))
        with bound(request_id), traces.span(str(request.method), SERVER, at=trace) as span:
            response = get_response(request)
            _describe(span, request, response)
        response[HEADER] = request_id
        return response

    return answer


def _describe(span: traces.Open, request: HttpRequest, response: HttpResponse) -> None:
    """Name a span by its route, which has no id in it."""
    match = request.resolver_match
    route = "/" + _PARAMETER.sub(r"{\1}", match.route) if match else ""
    span.name = f"{request.method} {route}".rstrip()
    span.attributes |= {
        "http.request.method": str(request.method),
        "http.response.status_code": response.status_code,
        "url.scheme": str(request.scheme),
        **({"http.route": route} if route else {}),
    }
    if response.status_code >= _SERVER_ERROR:
        span.error = str(response.status_code)
