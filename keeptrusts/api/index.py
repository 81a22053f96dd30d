"""The index of the API, without a token: its paths with their methods."""

import re
from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.request import Request
from rest_framework.response import Response

from keeptrusts.api.views import View

_METHODS = ("get", "post", "put", "patch", "delete")
_CONVERTED = re.compile("<(?:[^:>]+:)?([^>]+)>")


class Index(View):
    """What `make run` prints as the API's url: where to go from there."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        paths = [{"path": path, "methods": methods} for path, methods in _paths()]
        return Response(
            {
                "data": {
                    "name": "Keeptrusts",
                    "message": (
                        "Paths below /v1 want the header Authorization: Bearer TOKEN; docs/api.md"
                        " of the project describes them. /healthz says how this installation is."
                    ),
                    "paths": paths,
                }
            }
        )


def _paths() -> list[tuple[str, list[str]]]:
    return sorted(_found(get_resolver().url_patterns, "/"))


def _found(
    patterns: list[URLPattern | URLResolver], prefix: str
) -> Iterator[tuple[str, list[str]]]:
    for pattern in patterns:
        path = prefix + _CONVERTED.sub(r"{\1}", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from _found(pattern.url_patterns, path)
        else:
            view = pattern.callback.view_class  # type: ignore[attr-defined]
            # A word in the place of an id takes besides its own what that id would.
            own = vars(view) if pattern.default_args else dir(view)
            yield path, [name.upper() for name in _METHODS if name in own]
