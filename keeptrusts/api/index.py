"""The index of the API, without a token: its paths with their methods."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.request import Request
from rest_framework.response import Response

from keeptrusts.api.operations import Operation
from keeptrusts.api.shapes import IndexShape
from keeptrusts.api.views import View

METHODS = ("get", "post", "put", "patch", "delete")
_CONVERTED = re.compile("<(?:([^:>]+):)?([^>]+)>")


class Index(View):
    """What `make run` prints as the API's url: where to go from there."""

    authentication_classes = ()
    permission_classes = ()
    described = {"GET": Operation("getIndex", "Lists every path.", data=IndexShape)}

    def get(self, request: Request) -> Response:
        paths = [{"path": one.path, "methods": one.methods} for one in routes()]
        return Response(
            {
                "data": {
                    "name": "Keeptrusts",
                    "message": (
                        "Paths below /v1 want the header Authorization: Bearer TOKEN."
                        " /v1/openapi.json describes them, for people at /v1/docs. /healthz says"
                        " how this installation is."
                    ),
                    "paths": paths,
                }
            }
        )


class Root(Index):
    """The same for whoever asks for no path at all."""

    described = {"GET": Operation("getRoot", "Lists every path.", data=IndexShape)}


@dataclass(frozen=True, slots=True)
class Route:
    """A path with its view. `converters` has the converter of each parameter, in their order."""

    path: str
    view: type[View]
    methods: list[str]
    converters: dict[str, str]


def routes() -> list[Route]:
    """All paths, sorted; their parameters stand in braces."""
    return sorted(_found(get_resolver().url_patterns, "/"), key=lambda one: one.path)


def parameters(path: str) -> list[str]:
    """The names in braces of a path."""
    return re.findall(r"{(\w+)}", path)


def _found(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[Route]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _found(pattern.url_patterns, path)
        else:
            view = pattern.callback.view_class  # type: ignore[attr-defined]
            if not issubclass(view, View):
                continue  # A page for people.
            # A word in the place of an id takes besides its own what that id would.
            own = vars(view) if pattern.default_args else dir(view)
            yield Route(
                _CONVERTED.sub(r"{\2}", path),
                view,
                [name.upper() for name in METHODS if name in own],
                {name: kind or "str" for kind, name in _CONVERTED.findall(path)},
            )
