"""The id of a request: the caller's, or a new one; in its answer, its errors and its log lines."""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.http import HttpRequest, HttpResponse
from structlog import contextvars

HEADER = "X-Request-Id"

_NAME = "request_id"
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
        with bound(request_id):
            response = get_response(request)
        response[HEADER] = request_id
        return response

    return answer
