"""The base view of the API."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from keeptrusts.api import acting
from keeptrusts.api.fields import check_query
from keeptrusts.api.operations import Operation
from keeptrusts.api.parameters import Asked, Parameter
from keeptrusts.api.writes import conditions
from keeptrusts.api.writes.writing import honoured

# In a request's environment: its credential is good. It is true for views that ask for one.
AUTHENTICATED = "keeptrusts.authenticated"


class View(APIView):
    """A view that answers JSON to the bearer of a token, kept out of shared caches.

    `query` has the query parameters of each method, which `asked` reads; any other is refused.
    `actions` has what each method is, as `access.roles` names it. `shows_secret` has the methods
    whose answers show a token, which no cache may store. `narrowed` has how each method answers a
    credential that does not see all configurations: `filtered`, `unrelated`, and where nothing is
    said `refused`. `described` has what the API's document tells of each method.
    """

    query: Mapping[str, tuple[Parameter[Any], ...]] = {}
    actions: Mapping[str, str] = {}
    narrowed: Mapping[str, str] = {}
    shows_secret: tuple[str, ...] = ()
    described: Mapping[str, Operation] = {}
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
        known = tuple(one.name for one in self.query.get(_method(request), ()))
        check_query(request.query_params, known)
        handler = getattr(self, str(request.method).lower(), None)
        if (
            handler is not None
            and request.method not in SAFE_METHODS
            and not self.ignores_conditions
        ):
            conditions.check(request.headers, honoured(handler))

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """The answer, which is freed once it was sent.

        View, request and answer name each other, and many long answers would wait for a collection.
        """
        response = super().finalize_response(request, response, *args, **kwargs)
        if isinstance(response, Response):  # Not a page, and no stream.
            response.add_post_render_callback(self._part)
        return response

    def _part(self, response: Any) -> None:
        for one in (response.renderer_context, self.request.parser_context, vars(self)):
            one.clear()

    def asked(self, request: Request) -> Asked:
        """The values of a request's query parameters."""
        return Asked(request.query_params)

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
