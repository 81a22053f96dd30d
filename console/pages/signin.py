"""Signing in with a token, and out."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views import View

from access import authentication, sessions
from console import cookies
from console.inside import RefusedError
from console.pages.base import METHODS, dressed, refusals

_PLAIN = (
    "Sign in over https, or from this machine: over http anybody between you and the control plane"
    " would read your token."
)
_FOREIGN = "This form is not of a page of this control plane; load the page again."


class SignIn(View):
    """A form for a token, whose session the browser keeps."""

    http_method_names = METHODS

    def get(self, request: HttpRequest) -> HttpResponse:
        problem = _PLAIN if cookies.looks_plain(request) else ""
        return self._form(request, problem, 200)

    def post(self, request: HttpRequest) -> HttpResponse:
        if not cookies.is_own_origin(request):
            return self._form(request, _FOREIGN, 403)
        if not cookies.may_sign_in(request):
            return self._form(request, _PLAIN, 403)
        text = request.POST.get("token", "").strip()
        try:
            with refusals():
                value = authentication.signed_in(text, str(request.META.get("REMOTE_ADDR")))
                before = cookies.session_of(request)
                if before is not None:
                    sessions.end(before)
        except RefusedError as exc:
            return self._form(request, str(exc), exc.status)
        response = HttpResponseRedirect(_next(request), status=HTTPStatus.SEE_OTHER)
        cookies.put(response, value, is_secure=cookies.is_secure(request))
        return dressed(response)

    def _form(self, request: HttpRequest, problem: str, status: int) -> HttpResponse:
        context = {"problem": problem, "next": _next(request)}
        return dressed(render(request, "console/sign_in.html", context, status=status))


class SignOut(View):
    """The end of a session."""

    def post(self, request: HttpRequest, **_: Any) -> HttpResponse:
        response = HttpResponseRedirect("/sign-in", status=HTTPStatus.SEE_OTHER)
        if cookies.is_own_form(request):
            session = cookies.session_of(request)
            if session is not None:
                sessions.end(session)
            cookies.take(response)
        return dressed(response)


def _next(request: HttpRequest) -> str:
    """Where to go on: a path of ours, and of nobody else."""
    asked = request.POST.get("next") or request.GET.get("next") or "/"
    is_ours = asked.startswith("/") and not asked.startswith(("//", "/\\"))
    return asked if is_ours and asked.isprintable() else "/"
