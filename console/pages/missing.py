"""Pages of a path that has none, and of a failure, for whoever asks with a browser."""

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from console.pages.base import dressed
from keeptrusts.api import errors


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a path without a route."""
    return _as_asked(request, errors.not_found(request, exception))


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a request that met a bug; Django has logged it."""
    return _as_asked(request, errors.server_error(request))


def _as_asked(request: HttpRequest, told: HttpResponse) -> HttpResponse:
    """A refusal of the API as a page, unless it is of the API or no page is asked for."""
    if request.path.startswith("/v1"):
        return told
    if "text/html" in request.headers.get("Accept", ""):
        error = orjson.loads(told.content)["error"]
        shown = {"status": told.status_code, "error": error, "request_id": error["request_id"]}
        page = render(request, "console/refused.html", shown, status=told.status_code)
        told = dressed(page)
    patch_vary_headers(told, ["Accept"])
    return told
