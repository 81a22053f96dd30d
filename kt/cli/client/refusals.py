"""Refusals of the control plane in its own words, and answers that never came."""

from __future__ import annotations

import contextlib
import json
import urllib.error
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

from kt.cli.client.bounds import read_within
from kt.cli.client.printable import line
from kt.cli.errors import CommandError

_MOST_OF_AN_ERROR = 1 << 20
_MOST_SHOWN = 2000
_MOST_DETAILS = 20
_LONGEST_REST_SECONDS = 15


class RefusedError(CommandError):
    """The control plane answers that it will not: the status, and its own words."""

    def __init__(self, told: str, *, status: int, code: str, error: Mapping[str, Any]) -> None:
        super().__init__(told)
        self.status = status
        self.code = code
        self.error = error


class DeniedError(RefusedError):
    """The token's role may not do this."""


class NoAnswerError(CommandError):
    """Nobody answers, or not to the end."""


def refusal(call: str, exc: urllib.error.HTTPError, *, renew: str) -> RefusedError:
    """An answer that is an error; `call` is method and path, `renew` helps a refused token."""
    error = _error(exc)
    told = f"{call}: {exc.code} {_said(error)}".rstrip()
    if exc.code == HTTPStatus.UNAUTHORIZED:
        told = f"{told.rstrip('.')}; {renew}"
    kind = DeniedError if exc.code == HTTPStatus.FORBIDDEN else RefusedError
    code = error.get("code")
    return kind(
        "\n".join([told, *_details(error)]),
        status=exc.code,
        code=code if isinstance(code, str) else "",
        error=error,
    )


def silence(call: str, exc: Exception) -> NoAnswerError:
    """No answer, or the end of one; `call` is method and url."""
    reason = line(str(getattr(exc, "reason", None) or exc or type(exc).__name__))
    return NoAnswerError(f"{call}: no answer: {reason}")


def rest_before_next(exc: urllib.error.HTTPError, method: str) -> float | None:
    """The seconds after which to ask again; None where that is not asked for or not safe.

    Too many requests were not looked at, so that a write among them was not made.
    """
    repeated = {HTTPStatus.TOO_MANY_REQUESTS} | (
        {HTTPStatus.SERVICE_UNAVAILABLE} if method == "GET" else set()
    )
    told = exc.headers.get("Retry-After", "") if exc.headers else ""
    if exc.code not in repeated or not (told.isascii() and told.isdigit()):
        return None
    return min(max(int(told), 1), _LONGEST_REST_SECONDS) if len(told) < 6 else None


def _error(exc: urllib.error.HTTPError) -> Mapping[str, Any]:
    """The `error` of an answer; empty where there is none."""
    with exc, contextlib.suppress(OSError, HTTPException, ValueError, RecursionError):
        found = json.loads(read_within(exc, most=_MOST_OF_AN_ERROR) or b"")
        if isinstance(found, dict) and isinstance(found.get("error"), dict):
            error: Mapping[str, Any] = found["error"]
            return error
    return {}


def _said(error: Mapping[str, Any]) -> str:
    """The code and message of an error, on one line that is safe to print."""
    if not error:
        return ""
    text = line(f"{error.get('code', '')}: {error.get('message', '')}")
    return text.rstrip(": ")[:_MOST_SHOWN]


def _details(error: Mapping[str, Any]) -> Iterator[str]:
    """A line for each detail; a message that has them all is not said again."""
    details, message = error.get("details"), str(error.get("message", ""))
    for detail in (details if isinstance(details, list) else [])[:_MOST_DETAILS]:
        if isinstance(detail, dict):
            text = str(detail.get("message", ""))
            if text and text not in message:
                place = detail.get("field") or detail.get("path") or ""
                told = f"  {place}: {text}" if place else f"  {text}"
                yield line(told)[:_MOST_SHOWN]
