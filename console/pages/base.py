"""The common part of all pages: a session, what is read of the API, and forms."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, ClassVar

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import Error
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.views import View
from rest_framework.exceptions import APIException

from access.bearers import Bearer
from console import assets, cookies, inside
from console.inside import API, Answer, RefusedError
from keeptrusts.api import errors, requestid

Context = dict[str, Any]
# What browsers send for pages and forms.
METHODS = ["get", "head", "post"]
# What a field of a form is in the body of a call. An empty one is left out.
Reads = Callable[[str], Any]

# The field of a form by which somebody asks a second person, and what is said then.
ASKED = "asked"
_DONE_ASKED = "It waits for a second person now: nothing changes before somebody else confirms it."

# The pages of the bar, each with what whoever opens it must be allowed to do.
_BAR = (
    ("/", "Overview", "drift.read"),
    ("/configurations", "Configurations", "configurations.read"),
    ("/repositories", "Repositories", "links.read"),
    ("/gateways", "Gateways", "gateways.read"),
    ("/requests", "Requests", "requests.read"),
    ("/events", "Events", "events.read"),
    ("/audit", "Audit", "audit.read"),
    ("/access", "Access", "tokens.manage"),
    ("/try", "Try it", "configurations.read"),
)

# Nothing from elsewhere, no script within a page, of styles the one sheet, and no frame around it.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src {sheet}; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Act:
    """A form of a page: one write of the API.

    `path` has names in braces, of the page's path or of the form; `fields` are those of the form
    that go into the body, a dot for each level; of one that was left empty `empty` says what that
    means. `builds` is for bodies that are not a field each. `done` says what was done, and with
    `shows` the answer is shown at once, since it has a secret, or nothing was written. `leads_to`
    is the page to go on to. `action` is what whoever sends it must be allowed to do, where that is
    not the method's own. Under four eyes a request of the kind `asks` is made for `target`.
    What the form has no field for may be `also` another one: the reason of a request.
    """

    method: str
    path: str
    done: str
    fields: Mapping[str, Reads] = field(default_factory=dict)
    empty: Mapping[str, Any] = field(default_factory=dict)
    builds: Callable[[QueryDict], dict[str, Any]] | None = None
    shows: bool = False
    leads_to: str = ""
    also: Mapping[str, str] = field(default_factory=dict)
    action: str = ""
    asks: str = ""
    target: str = ""


class Page(View, ABC):
    """A page of the console.

    `template` shows what `read` gives. `acts` are its forms by name; the API decides who may.
    `under` is the page of the bar that it belongs to, where its path does not say so.
    """

    http_method_names = METHODS
    template = ""
    under = ""
    acts: ClassVar[Mapping[str, Act]] = {}

    api: API

    @abstractmethod
    def read(self, **names: Any) -> Context:
        """What the template shows, by the names in the page's path."""

    def dispatch(self, request: HttpRequest, *args: Any, **names: Any) -> HttpResponse:
        """Answer, whatever comes: refusals of the API are pages too."""
        if str(request.method).lower() not in self.http_method_names:
            return self.http_method_not_allowed(request)
        try:
            with refusals():
                response = self._answer(request, names)
        except RefusedError as exc:
            response = self._refused(exc)
        return dressed(response)

    def _answer(self, request: HttpRequest, names: Mapping[str, Any]) -> HttpResponse:
        session = cookies.session_of(request)
        if session is None:
            return _to_sign_in(request)
        self.api = API(request, session)
        if self.api.bearer and request.method == "POST":
            return self._act(request, names)
        return self.shown(self.read(**names))

    def _act(self, request: HttpRequest, names: Mapping[str, Any]) -> HttpResponse:
        check_form(request)
        name = request.POST.get("act", "")
        act = self.acts.get(name)
        if act is None:
            message = "This page has no such form; load it again."
            raise RefusedError(400, {"code": "invalid", "message": message})
        given = {**{key: str(value) for key, value in request.POST.items()}, **names}
        try:
            answer = self._sent(act, given)
        except RefusedError as exc:
            if exc.status in (401, 404) or exc.error.get("code") == "unavailable":
                raise
            refused = {"refused": exc.error, "tried": name, "given": request.POST}
            return self.shown({**self.read(**names), **refused}, status=exc.status)
        if act.shows:
            made = {"made": answer.body.get("data"), "done": act.done, "given": request.POST}
            return self.shown({**self.read(**names), **made, "tried": name})
        made = answer.body.get("data", {}) if isinstance(answer.body, dict) else {}
        leads_to = inside.path(act.leads_to, **{**made, **given}) if act.leads_to else request.path
        if ASKED in request.POST:
            name, leads_to = ASKED, request.path
        told = f"{'&' if '?' in leads_to else '?'}done={name}"
        return HttpResponseRedirect(f"{leads_to}{told}", status=HTTPStatus.SEE_OTHER)

    def _sent(self, act: Act, given: Mapping[str, Any]) -> Answer:
        """The answer to what a form asks for; under four eyes, if it says so, to a request for it.

        Raises:
            RefusedError: the API refused, or a field is not of its form.
        """
        post = self.request.POST
        body = _body(act, post)
        if act.asks and ASKED in post:
            asked = {
                "kind": act.asks, "target": _path(act.target, given), "change": body,
                "reason": post[ASKED], "break_glass": "alone" in post,
            }  # fmt: skip
            return self.api.send("POST", "/v1/requests", asked, key=post.get("key", ""))
        return self.api.send(
            act.method, _path(act.path, given), body,
            etag=post.get("etag", ""), key=post.get("key", ""),
        )  # fmt: skip

    def shown(self, context: Context, *, status: int = 200) -> HttpResponse:
        """The page with what it shows."""
        name = self.request.GET.get("done", "")
        done = _DONE_ASKED if name == ASKED else self.acts[name].done if name in self.acts else ""
        common = {
            "bearer": self.api.bearer,
            "api": self.api,
            "form_token": cookies.form_token(cookies.value_of(self.request)),
            "key": secrets.token_urlsafe(16),
            "acts": self.acts,
            "names": self.kwargs,
            "done": done,
            "path": self.request.path,
            "pages": bar(self.under or self.request.path, self.api.bearer),
        }
        return render(self.request, self.template, {**common, **context}, status=status)

    def _refused(self, exc: RefusedError) -> HttpResponse:
        if exc.status == HTTPStatus.UNAUTHORIZED:
            response = _to_sign_in(self.request)
            cookies.take(response)
            return response
        bearer = getattr(getattr(self, "api", None), "bearer", None)
        context = {
            "error": exc.error, "status": exc.status, "request_id": requestid.current(),
            "bearer": bearer,
            "pages": bar(self.under or self.request.path, bearer) if bearer else [],
            "form_token": cookies.form_token(cookies.value_of(self.request)),
        }  # fmt: skip
        return render(self.request, "console/refused.html", context, status=exc.status)


@contextmanager
def refusals() -> Iterator[None]:
    """Have a form that cannot be read, a credential that is no good, and a database that fails, be
    refused as by the API.

    Raises:
        RefusedError: in the place of their errors.
    """
    try:
        yield
    except (SuspiciousOperation, BadRequest, MultiPartParserError) as exc:
        message = "This form cannot be read: it is cut off, or has too many fields."
        raise RefusedError(400, {"code": "bad_request", "message": message}) from exc
    except (APIException, Error) as exc:
        answer = errors.answer(exc, {})
        if answer is None:
            raise
        raise RefusedError(answer.status_code, answer.data["error"]) from exc


def check_form(request: HttpRequest) -> None:
    """Check that a form was sent by a page of this session.

    Raises:
        RefusedError: it was not.
    """
    if not cookies.is_own_form(request):
        message = "This form is not of a page of this session; load the page again."
        raise RefusedError(403, {"code": "permission_denied", "message": message})


def bar(path: str, bearer: Bearer) -> list[dict[str, Any]]:
    """The pages that a role may open, and which of them is shown."""
    return [
        {"path": one, "name": name, "is_here": path == one or path.startswith(f"{one}/")}
        for one, name, action in _BAR
        if bearer.may(action)
    ]


def dressed(response: HttpResponse) -> HttpResponse:
    """A page with the headers of all: what it may load, and that no cache keeps it."""
    response["Content-Security-Policy"] = _POLICY.format(sheet=assets.sheet_source())
    response["Cache-Control"] = "no-store"
    response["X-Frame-Options"] = "DENY"
    return response


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    to = QueryDict(mutable=True)
    if request.method == "POST":
        to["next"], to["unsent"] = request.path, "1"
    elif request.get_full_path() != "/":
        to["next"] = request.get_full_path()
    target = f"/sign-in?{to.urlencode()}" if to else "/sign-in"
    return HttpResponseRedirect(target, status=HTTPStatus.SEE_OTHER)


def _path(template: str, given: Mapping[str, Any]) -> str:
    """A path with what a page and its form name.

    Raises:
        RefusedError: the form lacks a name.
    """
    try:
        return inside.path(template, **given)
    except KeyError as exc:
        raise wrong(str(exc.args[0]), "is missing") from exc


def _body(act: Act, given: QueryDict) -> dict[str, Any]:
    """The body of a call: what a form has of the act's fields.

    Raises:
        RefusedError: a field is not of its form.
    """
    body: dict[str, Any] = {}
    for name, reads in act.fields.items():
        text = given.get(name, given.get(act.also.get(name, ""), "")).strip()
        if text:
            _put(body, name, _read(name, text, reads))
        elif name in given and name in act.empty:
            _put(body, name, act.empty[name])
    return body | (act.builds(given) if act.builds else {})


def _put(body: dict[str, Any], name: str, value: Any) -> None:
    *levels, last = name.split(".")
    for level in levels:
        body = body.setdefault(level, {})
    body[last] = value


def _read(name: str, text: str, reads: Reads) -> Any:
    try:
        return reads(text)
    except ValueError as exc:
        raise wrong(name, str(exc)) from exc


def wrong(name: str, message: str) -> RefusedError:
    """The refusal of a field that is not of its form."""
    detail = {"field": name, "code": "invalid", "message": message}
    return RefusedError(
        400, {"code": "invalid", "message": f"{name}: {message}", "details": [detail]}
    )
