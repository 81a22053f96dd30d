"""The base view of the API, and readers of query parameters."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.dateparse import parse_datetime
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from keeptrusts.api import acting
from keeptrusts.api.errors import FieldError
from keeptrusts.api.fields import check_query
from keeptrusts.api.writes import conditions
from keeptrusts.api.writes.writing import honoured

# In a request's environment: its credential is good. It is true for views that ask for one.
AUTHENTICATED = "keeptrusts.authenticated"


class View(APIView):
    """A view that answers JSON to the bearer of a token, kept out of shared caches.

    `query` has the query parameters of each method; any other is refused. `actions` has what each
    method is, as `access.roles` names it. `shows_secret` has the methods whose answers show a
    token, which no cache may store. `narrowed` has how each method answers a credential that does
    not see all configurations: `filtered`, `unrelated`, and where nothing is said `refused`.
    """

    query: Mapping[str, tuple[str, ...]] = {}
    actions: Mapping[str, str] = {}
    narrowed: Mapping[str, str] = {}
    shows_secret: tuple[str, ...] = ()
    # A webhook's sender may add what it likes.
    ignores_conditions = False

    def action_of(self, request: Request) -> str:
        """What a request is, or nothing that any role may; HEAD is what GET is."""
        return self.actions.get(_method(request), "")

    def narrowing_of(self, request: Request) -> str:
        """How a request of a narrowed credential is answered."""
        return self.narrowed.get(_method(request), "refused")

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        acting.forget()
        super().initial(request, *args, **kwargs)
        if request.user is not None:
            request.META[AUTHENTICATED] = True
        check_query(request.query_params, self.query.get(_method(request), ()))
        handler = getattr(self, str(request.method).lower(), None)
        if (
            handler is not None
            and request.method not in SAFE_METHODS
            and not self.ignores_conditions
        ):
            conditions.check(request.headers, honoured(handler))

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        """Answer `OPTIONS`; the allowed methods are in `Allow`."""
        return Response(status=204)

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Headers that DRF adds to every answer, errors included."""
        stored = "no-store" if self.request.method in self.shows_secret else "private, no-cache"
        private = {"Cache-Control": stored, "Vary": "Authorization"}
        return {**super().default_response_headers, **private}


def _method(request: Request) -> str:
    return "GET" if request.method == "HEAD" else str(request.method)


def whole(request: Request, name: str, *, lowest: int, highest: int) -> int | None:
    """A query parameter that is a whole number; None when it is missing.

    Raises:
        FieldError: it is not of digits alone, or outside the bounds.
    """
    value = request.query_params.get(name)
    if value is None:
        return None
    if not re.fullmatch("[0-9]{1,9}", value) or not lowest <= int(value) <= highest:
        raise FieldError(name, f"must be a whole number from {lowest} to {highest}")
    return int(value)


def words(request: Request, name: str, *, known: Sequence[str]) -> Sequence[str]:
    """A query parameter that lists words, separated by commas; all of `known` without it.

    Raises:
        FieldError: a word is not in `known`.
    """
    value = request.query_params.get(name)
    chosen = known if value is None else value.split(",")
    if not set(chosen) <= set(known):
        raise FieldError(name, f"must be one or more of {', '.join(known)}, separated by commas")
    return chosen


def yes_or_no(request: Request, name: str) -> bool | None:
    """A query parameter that is `true` or `false`; None when it is missing.

    Raises:
        FieldError: it is anything else.
    """
    value = request.query_params.get(name)
    if value not in (None, "true", "false"):
        raise FieldError(name, "must be true or false")
    return None if value is None else value == "true"


def identifier(request: Request, name: str) -> UUID | None:
    """A query parameter that is a UUID; None when it is missing.

    Raises:
        FieldError: it is anything else.
    """
    text = request.query_params.get(name)
    try:
        return None if text is None else UUID(text)
    except ValueError as exc:
        raise FieldError(name, "must be an id such as a list shows") from exc


def texts(request: Request, names: Sequence[str]) -> dict[str, str]:
    """Query parameters of `names` that are given, by name.

    Raises:
        FieldError: one is empty or not printable; PostgreSQL takes no NUL.
    """
    given = {n: request.query_params[n] for n in names if n in request.query_params}
    for name, value in given.items():
        if not value or not value.isprintable():
            raise FieldError(name, "must be printable text and not empty")
    return given


def moment(request: Request, name: str) -> datetime | None:
    """A query parameter that is a time with its zone, in UTC; None when it is missing.

    Raises:
        FieldError: it is no such time, or outside the years 1 to 9999 of UTC.
    """
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        # A plus sign that was not encoded arrives as a space.
        parsed = parse_datetime(text.replace(" ", "+"))
        if parsed is not None and parsed.tzinfo is not None:
            return parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # Well formed, and no time: the 31st of February, or beyond the last year.
    raise FieldError(name, "must be a time with its zone, such as 2026-01-31T12:00:00Z")
