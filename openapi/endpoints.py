"""Endpoints: each method of each path, with all that is declared of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from keeptrusts.api import index
from keeptrusts.api.operations import Operation
from keeptrusts.api.parameters import Parameter
from keeptrusts.api.views import View
from keeptrusts.api.writes.writing import honoured

_CREDENTIALS = {
    "BearerAuthentication": "token",
    "GatewayAuthentication": "gateway",
    "EnrolmentAuthentication": "enrolment",
}
_WITH_BODIES = ("POST", "PUT", "PATCH")


class UndescribedError(Exception):
    """Something that an endpoint has is not described; the message says what and where."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method of a path.

    `path` has its parameters in braces, `converters` the converter of each. `credential` is what it
    asks for: a token, gateway's, enrolment token, signature, or nothing. `action` is what it is by
    `access.roles`, `narrowing` how it answers narrowed credentials by `access.sights`; both are
    empty where no token of a person is asked for. `honours` are the conditional headers of a write.
    """

    path: str
    method: str
    operation: Operation
    converters: dict[str, str]
    query: tuple[Parameter[Any], ...] = ()
    credential: str = ""
    action: str = ""
    narrowing: str = ""
    honours: frozenset[str] = frozenset()

    @property
    def has_body(self) -> bool:
        """Whether it may have a body."""
        return self.method in _WITH_BODIES


def found() -> Iterator[Endpoint]:
    """All endpoints, by path.

    Raises:
        UndescribedError: one is not described.
    """
    yield from sorted(
        _of_views(), key=lambda one: (one.path, index.METHODS.index(one.method.lower()))
    )


def _of_views() -> Iterator[Endpoint]:
    for route in index.routes():
        for method in route.methods:
            if (operation := route.view.described.get(method)) is None:
                raise UndescribedError(f"{method} {route.path}: say what it is in `described`")
            yield Endpoint(
                route.path,
                method,
                operation,
                route.converters,
                tuple(route.view.query.get(method, ())),
                honours=honoured(getattr(route.view, method.lower())),
                **_asked(route.view, method, operation),
            )


def _asked(view: type[View], method: str, operation: Operation) -> dict[str, str]:
    names = [one.__name__ for one in view.authentication_classes]
    if not names:
        return {"credential": "signature" if "401 unsigned" in operation.errors else ""}
    credential = _CREDENTIALS[names[0]]
    if credential != "token":
        return {"credential": credential}
    action, narrowing = view.actions.get(method, ""), view.narrowed.get(method, "refused")
    return {"credential": credential, "action": action, "narrowing": narrowing}
