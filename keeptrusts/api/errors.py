"""Errors of the API, answered as `{"error": {code, message, details, request_id}}`."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response

from keeptrusts.api import requestid
from keeptrusts.api.printable import encode
from keeptrusts.judge.errors import CrowdedError
from keeptrusts.servers import outages
from keeptrusts.servers.failures import Failure

_ERROR_KEYS = ("message", "code")
_NONE: Mapping[str, str] = MappingProxyType({})
_OF_FRAMEWORK = {
    "required": "is required",
    "null": "must not be null",
    "blank": "must not be empty",
    "empty": "must not be empty",
}
_ENSURE = re.compile(r"Ensure this (?:value|field) (?P<verb>has|is) (?P<what>.*)\.")


class ApiError(Exception):
    """An answer that is an error. `code` is stable, `message` says what to change.

    `details` names fields or rows: `[{"field", "code", "message"}]` for bad input. `more` is told
    beside these.
    """

    status = 400
    headers: Mapping[str, str] = {}
    more: Mapping[str, Any] = {}

    def __init__(
        self, code: str, message: str, *, details: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = list(details)


class RefusedError(ApiError):
    """A refusal with a status of its own, by what stands before the views."""

    def __init__(
        self, status: int, code: str, message: str, *, headers: Mapping[str, str] = _NONE
    ) -> None:
        super().__init__(code, message)
        self.status = status
        self.headers = headers


class NotFoundError(ApiError):
    """404: no such row."""

    status = 404

    def __init__(self, what: str, *, code: str = "not_found") -> None:
        super().__init__(code, f"There is no {what}.")


class ConflictError(ApiError):
    """409: the present state of a row forbids the request."""

    status = 409


class LastingError(ConflictError):
    """409, and what was written beside it stays written."""


class AlreadyDoneError(ConflictError):
    """409: a repeated request was done, and its answer is not shown again."""

    def __init__(self, target: str, *, headers: Mapping[str, str]) -> None:
        message = (
            f"This was done by the request that had this Idempotency-Key first; see {target!r}. Its"
            " answer is not shown again: a secret that was in it is kept nowhere, and is replaced"
            " by a rotation."
        )
        super().__init__("already_done", message, details=[{"id": target}])
        self.headers = headers


class PreconditionError(ApiError):
    """412: a resource is in another state than the `If-Match` of a write.

    With an ETag, `current` has that state.
    """

    status = 412

    def __init__(self, etag: str = "", current: Mapping[str, Any] = _NONE) -> None:
        message = "It is in another state than If-Match says."
        if etag:
            message += f" Look at current, and send the change upon that with {etag}."
            self.headers = {"ETag": etag}
            self.more = {"current": current}
        super().__init__("precondition_failed", message)


class GoneError(ApiError):
    """410: the resource was there, and will not return by itself."""

    status = 410


class TooLargeError(ApiError):
    """413: the body is too large to be valid."""

    status = 413


def body_too_large(most: int) -> TooLargeError:
    """The error of a body that is over `most` bytes."""
    return TooLargeError("body_too_large", f"The body is over {most} bytes.")


class BusyError(ApiError):
    """429: too much is under way; the same request may succeed in a second.

    With the status 503 it is others who have too much under way.
    """

    headers = {"Retry-After": "1"}

    def __init__(self, message: str, *, status: int = 429) -> None:
        super().__init__("busy", message)
        self.status = status


class LimitedError(ApiError):
    """429: the caller did as much as it may in a time; `Retry-After` says when it may go on."""

    status = 429

    def __init__(self, code: str, message: str, *, wait_seconds: int) -> None:
        super().__init__(code, message)
        self.headers = {"Retry-After": str(wait_seconds)}


class UnavailableError(ApiError):
    """503: the database or broker does not answer, or fails.

    Raised from an error of that server, it is answered with that server's fault.
    """

    status = 503
    headers = {"Retry-After": "1"}

    def __init__(self, what: str) -> None:
        super().__init__("unavailable", f"{what} does not answer; try again in a few seconds.")


class FieldError(ApiError):
    """400: one field of the input cannot be used."""

    def __init__(self, field: str, message: str, *, code: str = "invalid") -> None:
        detail = {"field": field, "code": code, "message": message}
        super().__init__("invalid", f"{field}: {message}", details=[detail])


class Told(NamedTuple):
    """An error as it is answered: `body` is its envelope."""

    body: dict[str, Any]
    status: int
    headers: Mapping[str, str] = _NONE


def answer(exc: Exception, _context: Mapping[str, Any]) -> Response | None:
    """Turn an exception of a view into an answer; None for a bug, which is logged as a 500."""
    told = as_told(exc)
    return told and Response(told.body, status=told.status, headers=dict(told.headers))


def as_told(exc: Exception) -> Told | None:
    """An exception as it is answered; None for a bug."""
    if isinstance(exc, CrowdedError):
        exc = BusyError(str(exc), status=429 if exc.own else 503)
    failure = None if _is_deliberate(exc) else outages.met(exc)
    if failure is not None:
        return _failed(failure)
    if isinstance(exc, ApiError):
        body = envelope(exc.code, exc.message, exc.details, exc.more)
        return Told(body, exc.status, exc.headers)
    if isinstance(exc, exceptions.ValidationError):
        details = list(_field_details(exc.get_full_details()))
        message = "; ".join(f"{d['field']}: {d['message']}" for d in details)
        return Told(envelope("invalid", message, details), 400)
    if isinstance(exc, Http404):
        return Told(envelope("not_found", "There is no such resource."), 404)
    if isinstance(exc, PermissionDenied):
        return Told(envelope("permission_denied", "This token may not do this."), 403)
    if isinstance(exc, exceptions.APIException):
        return _of_framework(exc)
    return None


def _is_deliberate(exc: Exception) -> bool:
    return isinstance(exc, ApiError) and not isinstance(exc, UnavailableError)


def _failed(failure: Failure) -> Told:
    advice = "" if failure.lasts else " Try again in a few seconds."
    body = envelope("unavailable", failure.message + advice)
    return Told(body, 503, UnavailableError.headers)


def _of_framework(exc: exceptions.APIException) -> Told:
    codes = exc.get_codes()
    code = codes if isinstance(codes, str) else "invalid"
    refused = isinstance(exc, exceptions.NotAuthenticated | exceptions.AuthenticationFailed)
    headers = {"WWW-Authenticate": "Bearer"} if refused else _NONE
    message = str(exc.detail)
    if isinstance(exc, exceptions.UnsupportedMediaType):
        message += " Send application/json."
    return Told(envelope(code, message), exc.status_code, headers)


def _field_details(details: Any, prefix: str = "") -> Any:
    """Flatten DRF's nested details; a list's index becomes part of the field's name."""
    # A field may be called message or code, too; only an error has text under both.
    if isinstance(details, dict) and all(isinstance(details.get(k), str) for k in _ERROR_KEYS):
        yield {
            "field": prefix or "body",
            "code": str(details["code"]),
            "message": _in_our_words(str(details["message"]), str(details["code"])),
        }
        return
    if not isinstance(details, dict):
        for item in details:
            yield from _field_details(item, prefix)
        return
    for key, value in details.items():
        name = "" if key == "non_field_errors" else f".{key}"
        yield from _field_details(value, f"{prefix}{name}".strip("."))


def _in_our_words(message: str, code: str) -> str:
    """A message of the framework as ours are: without a subject, which is the field's name."""
    if message.startswith("This "):
        return _OF_FRAMEWORK.get(code, message)
    found = _ENSURE.fullmatch(message)
    if found is None:
        return message
    return f"must {'be' if found['verb'] == 'is' else 'have'} {found['what']}"


def envelope(
    code: str,
    message: str,
    details: Sequence[Mapping[str, Any]] = (),
    more: Mapping[str, Any] = _NONE,
    *,
    request_id: str = "",
) -> dict[str, Any]:
    """The body of an error, of the request that is answered here where none is named."""
    asked = request_id or requestid.current()
    error = {"code": code, "message": message, "details": list(details), "request_id": asked}
    return {"error": {**error, **more}}


def _plain(status: int, code: str, message: str) -> HttpResponse:
    return HttpResponse(
        encode(envelope(code, message)), status=status, content_type="application/json"
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a path without a route."""
    hint = " Paths have no trailing slash." if request.path.endswith("/") else ""
    return _plain(404, "not_found", f"There is no resource at {request.path}.{hint}")


def bad_request(_request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django refuses before a view sees it."""
    return _plain(400, "bad_request", "The request is malformed; check its path and headers.")


def server_error(_request: HttpRequest) -> HttpResponse:
    """Answer a request that met a bug; Django has logged it."""
    return _plain(500, "internal", "The server failed; its log has the cause.")
