"""Resources: rows of their own that are shown with an ETag, and written upon it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from rest_framework.request import Request
from rest_framework.response import Response

from keeptrusts import counters
from keeptrusts.api import etags
from keeptrusts.api.errors import PreconditionError
from keeptrusts.api.etags import Condition

Row = Mapping[str, Any]
Write = Callable[[], Response]


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of resource: each has a `path`, by its id, and to see one is an `action`.

    `read` gives one as a bearer sees it, and raises NotFoundError. `hold` locks, until the end of
    the transaction, what its writers lock first and in their order: what is read then is what they
    change. `volatile` are fields that change though nobody and no merge changed the resource; its
    ETag is of the others.
    """

    path: str
    action: str
    read: Callable[[Request, Any], Row]
    hold: Callable[[Any], None]
    volatile: frozenset[str] = frozenset()

    def get(self, request: Request, key: Any) -> Response:
        """The answer to GET: 304 for who has it all already."""
        return entire(request, self.read(request, key), without=self.volatile)

    def showing(self, request: Request, key: Any, change: Callable[[], object]) -> Write:
        """The call that makes a change, and answers with the resource."""

        def write() -> Response:
            change()
            return self.shown(request, key)

        return write

    def shown(
        self,
        request: Request,
        key: Any,
        *,
        status: int = 200,
        is_located: bool = False,
        also: Row | None = None,
        beside: Row | None = None,
    ) -> Response:
        """The answer to a write: the resource as it is now, with its ETag.

        `also` has what is shown in it this once, `beside` what is shown beside it. `Location` is
        there when the resource is new, or `is_located`.
        """
        row = self.read(request, key)
        headers = {"ETag": self.etag(row)}
        if is_located or status == 201:
            headers["Location"] = self.path.format(key)
        return Response(
            {"data": {**row, **(also or {})}, **(beside or {})}, status, headers=headers
        )

    def demand(self, request: Request, key: Any, condition: Condition) -> None:
        """Check that a resource is in the state that its caller saw.

        Raises:
            NotFoundError: it is not there.
            PreconditionError: it is in another one, which is shown to who may see it.
        """
        row, asks = self.read(request, key), cast(Any, request.user)
        etag = self.etag(row)
        if not condition.is_met(etag):
            raise PreconditionError(*((etag, row) if asks.may(self.action) else ()))

    def etag(self, row: Row) -> str:
        """The ETag of a row."""
        return etags.of(row, without=self.volatile)


def entire(request: Request, row: Row, *, without: frozenset[str] = frozenset()) -> Response:
    """The answer to GET of a row: 304 where the caller has it, if the ETag is of all of it."""
    headers = {"ETag": etags.of(row, without=without)}
    if not without and etags.is_known(request.headers.get("If-None-Match", ""), headers["ETag"]):
        return Response(status=304, headers=headers)
    return Response({"data": row}, headers=headers)


def counted_by(*names: str) -> Callable[[Any], None]:
    """A `hold` of what is written behind change counters, in this order."""

    def hold(_key: Any) -> None:
        for name in names:
            counters.hold(name)

    return hold
