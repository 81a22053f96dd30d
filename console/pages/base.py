"""What every page has: a session, what it reads of the API, and its forms."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.views import View
from rest_framework.response import Response

from access.bearers import Bearer
from console import cookies, inside
from console.inside import API, RefusedError
from keeptrusts.api import errors, requestid

Context = dict[str, Any]
# What browsers send for pages and forms.
METHODS = ["get", "head", "post"]
# What a field of a form is in the body of a call. An empty one is left out.
Reads = Callable[[str], Any]

# The pages of the bar, each with what whoever opens it must be allowed to do.
_BAR = (
    ("/", "Overview", "drift.read"),
    ("/configurations", "Configurations", "configurations.read"),
    ("/repositories", "Repositories", "links.read"),
    ("/gateways", "Gateways", "gateways.read"),
    ("/events", "Events", "events.read"),
    ("/audit", "Audit", "audit.read"),
    ("/access", "Access", "tokens.manage"),
    ("/try", "Try it", "configurations.read"),
)

# Nothing from elsewhere, no script and no style within a page, and no frame around it.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Act:
    """A form of a page: one write of the API.

    `path` has names in braces, of the page's path or of the form; `fields` are those of the form
    that go into the body, a dot for each level. `done` says what was done, and with `shows` the
    answer is shown at once, since it has a secret. `leads_to` is the page to go on to. A field of
    the body that is `also` another one of the form has no input of its own.
    """

    method: str
    path: str
    done: str
    fields: Mapping[str, Reads] = field(default_factory=dict)
    shows: bool = False
    leads_to: str = ""
    also: Mapping[str, str] = field(default_factory=dict)


class Page(View):
    """A page of the console.

    `template` shows what `read` gives. `acts` are its forms by name; the API decides who may.
    """

    http_method_names = METHODS
    template = ""
    acts: ClassVar[Mapping[str, Act]] = {}

    api: API

    def read(self, **names: Any) -> Context:
        """What the template shows, by the names in the page's path."""
        raise NotImplementedError

    def dispatch(self, request: HttpRequest, *args: Any, **names: Any) -> HttpResponse:
        """Answer, whatever comes: refusals of the API are pages too."""
        try:
            response = self._answer(request, names)
        except RefusedError as exc:
            response = self._refused(exc)
        except Exception as exc:
            answer = errors.answer(exc, {})
            if answer is None:
                raise
            response = self._refused(_refusal(answer))
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
            body = _body(act, request.POST)
            answer = self.api.send(
                act.method, inside.path(act.path, **given), body,
                etag=request.POST.get("etag", ""), key=request.POST.get("key", ""),
            )  # fmt: skip
        except RefusedError as exc:
            if exc.status in (401, 404, 503):
                raise
            refused = {"refused": exc.error, "refused_act": name, "given": request.POST}
            return self.shown({**self.read(**names), **refused}, status=exc.status)
        if act.shows:
            shown = {"made": answer.body.get("data"), "done": act.done}
            return self.shown({**self.read(**names), **shown})
        made = answer.body.get("data", {}) if isinstance(answer.body, dict) else {}
        leads_to = inside.path(act.leads_to, **{**made, **given}) if act.leads_to else request.path
        return HttpResponseRedirect(f"{leads_to}?done={name}", status=HTTPStatus.SEE_OTHER)

    def shown(self, context: Context, *, status: int = 200) -> HttpResponse:
        """The page with what it shows."""
        done = self.acts.get(self.request.GET.get("done", ""))
        common = {
            "bearer": self.api.bearer,
            "api": self.api,
            "form_token": cookies.form_token(cookies.value_of(self.request)),
            "key": secrets.token_urlsafe(16),
            "acts": self.acts,
            "names": self.kwargs,
            "done": done.done if done else "",
            "path": self.request.path,
            "pages": bar(self.request.path, self.api.bearer),
        }
        return render(self.request, self.template, {**common, **context}, status=status)

    def _refused(self, exc: RefusedError) -> HttpResponse:
        if exc.status == HTTPStatus.UNAUTHORIZED:
            response = _to_sign_in(self.request)
            cookies.take(response)
            return response
        context = {
            "error": exc.error, "status": exc.status, "request_id": requestid.current(),
            "bearer": getattr(getattr(self, "api", None), "bearer", None),
            "form_token": cookies.form_token(cookies.value_of(self.request)),
        }  # fmt: skip
        return render(self.request, "console/refused.html", context, status=exc.status)


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
    response["Content-Security-Policy"] = _POLICY
    response["Cache-Control"] = "no-store"
    response["X-Frame-Options"] = "DENY"
    return response


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    to = QueryDict(mutable=True)
    if request.method in ("GET", "HEAD") and request.get_full_path() != "/":
        to["next"] = request.get_full_path()
    target = f"/sign-in?{to.urlencode()}" if to else "/sign-in"
    return HttpResponseRedirect(target, status=HTTPStatus.SEE_OTHER)


def _refusal(answer: Response) -> RefusedError:
    return RefusedError(answer.status_code, answer.data["error"])


def _body(act: Act, given: QueryDict) -> dict[str, Any]:
    """The body of a call: what a form has of the act's fields.

    Raises:
        RefusedError: a field is not of its form.
    """
    body: dict[str, Any] = {}
    for name, reads in act.fields.items():
        text = given.get(act.also.get(name, name), "").strip()
        if not text:
            continue
        *levels, last = name.split(".")
        part = body
        for level in levels:
            part = part.setdefault(level, {})
        try:
            part[last] = reads(text)
        except ValueError as exc:
            detail = {"field": name, "code": "invalid", "message": str(exc)}
            error = {"code": "invalid", "message": f"{name}: {exc}", "details": [detail]}
            raise RefusedError(400, error) from exc
    return body
