"""Calls to the API from within its process, in the name of a session.

A page asks the API as anybody does: the same views check roles, narrowing, bodies and conditions,
write the audit log and count what changed. So there is one way to read and one to write.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from django.urls import Resolver404, resolve

from access import authentication, sessions, sights
from access.bearers import Bearer
from access.models import Session

# Of the browser's request, what is true for the calls that it leads to.
_PASSED_ON = ("REMOTE_ADDR", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "HTTP_X_REQUEST_ID",
              "wsgi.url_scheme", "wsgi.errors")  # fmt: skip

Data = Any


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the API: its `body` as values, and its ETag or nothing."""

    status: int
    body: Any
    etag: str = ""
    headers: Mapping[str, str] | None = None


class RefusedError(Exception):
    """The API refused a call; `error` is the envelope's."""

    def __init__(self, status: int, error: Mapping[str, Any]) -> None:
        super().__init__(str(error.get("message", "")))
        self.status, self.error = status, error


class API:
    """The API as whoever has a session may use it."""

    def __init__(self, request: HttpRequest, session: Session) -> None:
        self._request, self.session = request, session

    @cached_property
    def bearer(self) -> Bearer:
        """Whose session it is.

        Raises:
            AuthenticationFailed: its token is good no more.
        """
        return authentication.by_session(self.session, str(self._request.META.get("REMOTE_ADDR")))

    def get(self, path: str, **query: str | int) -> Any:
        """The `data` of an answer, by a path with its query.

        Raises:
            RefusedError: the API refused.
        """
        return self.answer(path, **query).body["data"]

    def answer(self, path: str, **query: str | int) -> Answer:
        """A whole answer, for lists with a cursor and resources with an ETag.

        Raises:
            RefusedError: the API refused.
        """
        given = {name: value for name, value in query.items() if value not in ("", None)}
        return self._call("GET", path, urlencode(given, doseq=True), b"", {})

    def text(self, path: str) -> str:
        """A content as text, of a path that answers bytes.

        Raises:
            RefusedError: the API refused.
        """
        body: bytes = self._call("GET", path, "", b"", {}).body
        return body.decode("utf-8", "replace")

    def send(
        self, method: str, path: str, body: Mapping[str, Any], *, etag: str = "", key: str = ""
    ) -> Answer:
        """Write something by a path with its query, upon the state of an ETag, once for each key.

        Raises:
            RefusedError: the API refused.
        """
        headers = {"HTTP_IF_MATCH": etag} if etag else {}
        if key and method == "POST":
            headers["HTTP_IDEMPOTENCY_KEY"] = key
        encoded = orjson.dumps(body) if body or method != "DELETE" else b""
        path, _, query = path.partition("?")
        return self._call(method, path, query, encoded, headers)

    def may(self, method: str, path: str, action: str = "") -> bool:
        """Whether the session may do what a method of a path does.

        `action` is what that demands, where it is not the method's own.
        """
        view: Any = resolve(path.partition("?")[0]).func.view_class  # type: ignore[attr-defined]
        is_refused = view.narrowed.get(method, sights.REFUSED) == sights.REFUSED
        if is_refused and self.bearer.sight is not None:
            return False
        return self.bearer.may(action or str(view.actions.get(method, "")))

    def _call(
        self, method: str, path: str, query: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        environ = {name: value for name, value in self._request.META.items() if name in _PASSED_ON}
        environ |= {
            "REQUEST_METHOD": method,
            "PATH_INFO": path.encode().decode("latin-1"),
            "QUERY_STRING": query,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            sessions.OF_REQUEST: self.session,
            **headers,
        }
        try:
            view = resolve(path)
        except Resolver404:
            raise RefusedError(404, {"code": "not_found", "message": "There is none."}) from None
        response = view.func(WSGIRequest(environ), *view.args, **view.kwargs)
        if hasattr(response, "render"):
            response.render()
        return _read(response)


def path(template: str, /, **names: object) -> str:
    """A path of the API, with names in the places of its braces.

    Raises:
        KeyError: there is none for one of them.
    """
    return template.format(**{name: quote(str(value), safe="") for name, value in names.items()})


def _read(response: Any) -> Answer:
    told = response.headers.get("Content-Type", "")
    content = response.content
    body = orjson.loads(content) if content and told.startswith("application/json") else content
    if response.status_code >= 400:
        error = body.get("error", {}) if isinstance(body, dict) else {}
        raise RefusedError(response.status_code, error)
    return Answer(response.status_code, body, response.headers.get("ETag", ""), response.headers)
