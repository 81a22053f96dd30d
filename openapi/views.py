"""`/v1/openapi.json`, and `/v1/docs` for people, which asks nobody else for anything."""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib import resources

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from keeptrusts.api.errors import NotFoundError
from keeptrusts.api.etags import is_known
from keeptrusts.api.views import View
from openapi import operations

# What runs and is shown comes from here alone; the page's own script sets styles of elements.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_FOLDER = ("drf_spectacular_sidecar", "static/drf_spectacular_sidecar/swagger-ui-dist")
_TYPES = {".css": "text/css", ".js": "text/javascript", ".png": "image/png"}
_FILES = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
_START = b"""\
window.addEventListener("load", () => SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#page",
  deepLinking: true,
  docExpansion: "none",
  persistAuthorization: false,
  validatorUrl: null,
}));
"""
_PAGE = b"""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Keeptrusts API</title>
<link rel="icon" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="page"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
"""


class _Open(View):
    authentication_classes = ()
    permission_classes = ()

    @property
    def default_response_headers(self) -> dict[str, str]:
        # It is the same for everybody.
        return {**super().default_response_headers, "Cache-Control": "public, no-cache"}


class Document(_Open):
    """The document, which is the same until another release."""

    described = {"GET": operations.GET_DOCUMENT}

    def get(self, request: Request) -> Response:
        # Here, since only a process that is asked needs what makes it.
        from openapi import document

        text, etag = document.kept()
        if is_known(request.headers.get("If-None-Match", ""), etag):
            return Response(status=304, headers={"ETag": etag})
        return Response(text, headers={"ETag": etag})


class Page(_Open):
    """The page that shows the document."""

    described = {"GET": operations.GET_PAGE}

    def get(self, request: Request) -> HttpResponse:
        headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
        return HttpResponse(_PAGE, content_type="text/html; charset=utf-8", headers=headers)


class PageFile(_Open):
    """A file of the page: its script, its style, its icon."""

    described = {"GET": operations.GET_PAGE_FILE}

    def get(self, request: Request, name: str) -> HttpResponse:
        if name not in _files():
            raise NotFoundError("file with this name")
        content, etag = _files()[name]
        headers = {"ETag": etag, "X-Content-Type-Options": "nosniff"}
        if is_known(request.headers.get("If-None-Match", ""), etag):
            return HttpResponse(status=304, headers=headers)
        kind = _TYPES[name[name.rindex(".") :]]
        return HttpResponse(content, content_type=kind, headers=headers)


@cache
def _files() -> Mapping[str, tuple[bytes, str]]:
    """The files with their ETags, by name."""
    package, place = _FOLDER
    folder = resources.files(package).joinpath(place)
    contents = {name: folder.joinpath(name).read_bytes() for name in _FILES}
    contents["start.js"] = _START
    return {
        name: (content, f'"{sha256(content).hexdigest()}"') for name, content in contents.items()
    }
