"""The one way in which a view writes: prepared outside, then conditional and kept in a transaction.

What a request is checked for may take long, and locks nothing. The state that it writes upon, the
write, the answer, and that this answer was given, are of one transaction.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from keeptrusts.api import etags
from keeptrusts.api.errors import LastingError
from keeptrusts.api.etags import Condition
from keeptrusts.api.writes import kept
from keeptrusts.api.writes.conditions import IDEMPOTENCY_KEY, IF_MATCH
from keeptrusts.api.writes.kept import Place
from keeptrusts.api.writes.resources import Resource, Write

Handler = Callable[..., Response]
Preparation = Callable[..., Write | Response]


def written(
    resource: Resource | None = None, *, then: Handler | None = None
) -> Callable[[Preparation], Handler]:
    """Have a method of a view write in one transaction.

    The method checks a request and returns the call that writes and answers; or an answer, where
    nothing is to be written. With `resource`, which the id in the path is of, `If-Match` is
    honoured, and in a POST `Idempotency-Key`. `then(view, request, answer, **ids)` is called with
    an answer that tells of a write, once that is committed.
    """

    def decorated(prepare: Preparation) -> Handler:
        is_post = prepare.__name__ == "post"

        @functools.wraps(prepare)
        def handle(view: Any, request: Request, **ids: Any) -> Response:
            place = kept.place(request) if is_post else None
            upon = _upon(resource, request, ids)
            answer = kept.find(place) if place else None
            if answer is None:
                upon.demand()  # Before what takes long.
                write = prepare(view, request, **ids)
                if isinstance(write, Response):
                    return write
                answer = _made(upon, place, write, is_secret=request.method in view.shows_secret)
            return answer if then is None else then(view, request, answer, **ids)

        honours = {IF_MATCH} if resource else set()
        handle.resource = resource  # type: ignore[attr-defined]
        handle.honours = honours | ({IDEMPOTENCY_KEY} if is_post else set())  # type: ignore[attr-defined]
        return handle

    return decorated


def honoured(handler: object) -> frozenset[str]:
    """The conditional headers that a method of a view honours."""
    return frozenset(getattr(handler, "honours", ()))


@dataclass(frozen=True, slots=True)
class _Upon:
    """The resource that a request writes upon, and the condition that it makes; either may lack."""

    resource: Resource | None
    condition: Condition | None
    request: Request
    key: Any

    def hold(self) -> None:
        if self.resource is not None and self.condition is not None:
            self.resource.hold(self.key)

    def demand(self) -> None:
        if self.resource is not None and self.condition is not None:
            self.resource.demand(self.request, self.key, self.condition)


def _upon(resource: Resource | None, request: Request, ids: dict[str, Any]) -> _Upon:
    condition = etags.condition(request.headers.get(IF_MATCH))
    return _Upon(resource, condition, request, next(iter(ids.values()), None))


def _made(upon: _Upon, place: Place | None, write: Write, *, is_secret: bool) -> Response:
    """The answer to a write, which is made now, or was made by the same request meanwhile.

    Raises:
        LastingError: once what was written beside it is committed.
    """
    with transaction.atomic():
        if place and (before := kept.claim(place)) is not None:
            return before
        upon.hold()
        upon.demand()
        made = _tried(write)
        if place and isinstance(made, Response):
            kept.keep(place, made, is_secret=is_secret)
    if isinstance(made, LastingError):
        raise made
    return made


def _tried(write: Write) -> Response | LastingError:
    try:
        return write()
    except LastingError as exc:
        return exc
