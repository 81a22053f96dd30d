"""Signing in with a token or by a provider, and out."""

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.views import View

from access import authentication, sessions
from access.signin import admission
from access.signin.refusals import TOLD, Code, SignInRefusedError
from console import cookies
from console.inside import RefusedError
from console.pages.base import METHODS, dressed, refusals

_PLAIN = (
    "Sign in over https, or from this machine: over http anybody between you and the control plane"
    " would read your token."
)
_OVER = "Your session is over. Sign in again."
_UNSENT = "You are not signed in any more, so nothing was done. Sign in, and send the form again."
_FOREIGN = "This form is not of a page of this control plane; load the page again."
# A ticket has it, and a browser keeps no cookie over 4 KiB.
_LONGEST_PATH = 1000


class SignIn(View):
    """A form for a token, whose session the browser keeps."""

    http_method_names = METHODS

    def get(self, request: HttpRequest) -> HttpResponse:
        problem = _PLAIN if cookies.looks_plain(request) else ""
        told = "" if problem else _why(request)
        return _page(request, 200, problem=problem, told=told, next=_next(request))

    def post(self, request: HttpRequest) -> HttpResponse:
        if not cookies.is_own_origin(request):
            return self._form(request, _FOREIGN, 403)
        if not cookies.may_sign_in(request):
            return self._form(request, _PLAIN, 403)
        text = request.POST.get("token", "").strip()
        try:
            with refusals():
                value = authentication.signed_in(text, _address(request))
                _end_before(request)
        except RefusedError as exc:
            return self._form(request, str(exc), exc.status)
        response = _to(_next(request))
        cookies.put(response, value, is_secure=cookies.is_secure(request))
        return dressed(response)

    def _form(self, request: HttpRequest, problem: str, status: int) -> HttpResponse:
        return _page(request, status, problem=problem, next=_next(request))


def _why(request: HttpRequest) -> str:
    """Why somebody who was at work is asked to sign in, in words."""
    if "unsent" in request.GET:
        return _UNSENT
    return _OVER if _had_session(request) else ""


class SignInByProvider(View):
    """The way to the provider. It changes nothing here, so any link may lead to it."""

    http_method_names = METHODS

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            url, ticket = admission.begin(_next(request))
        except SignInRefusedError as exc:
            return _refused(request, exc)
        response = _to(url)
        for name in cookies.old_tickets(request):
            response.delete_cookie(name)
        cookies.put_ticket(response, ticket.state, ticket.sealed(), is_secure=_is_public_secure())
        return dressed(response)


class Callback(View):
    """The way back from the provider, with what it answers."""

    http_method_names = METHODS

    def get(self, request: HttpRequest) -> HttpResponse:
        state, is_secure = request.GET.get("state", ""), _is_public_secure()
        try:
            with refusals():
                value, next_path = admission.finish(
                    _once_each(request.GET),
                    cookies.ticket_of(request, state, is_secure=is_secure),
                    _address(request),
                )
                _end_before(request)
        except SignInRefusedError as exc:
            response = _refused(request, exc)
        except RefusedError as exc:
            response = _page(request, exc.status, problem=str(exc))
        else:
            response = dressed(_to(next_path))
            cookies.put(response, value, is_secure=is_secure)
        cookies.take_ticket(response, state, is_secure=is_secure)
        return response


class SignOut(View):
    """The end of a session."""

    def post(self, request: HttpRequest, **_: Any) -> HttpResponse:
        response = _to("/sign-in")
        if cookies.is_own_form(request):
            session = cookies.session_of(request)
            if session is not None:
                sessions.end(session)
            cookies.take(response)
        return dressed(response)


def _page(request: HttpRequest, status: int, **context: Any) -> HttpResponse:
    provider = settings.ENV.provider
    begin = f"{settings.ENV.public_url}{admission.START}"
    shown = {"provider": provider, "begin": begin, "next": "/", **context}
    return dressed(render(request, "console/sign_in.html", shown, status=status))


def _refused(request: HttpRequest, exc: SignInRefusedError) -> HttpResponse:
    TOLD.tell(exc)
    seen = {name: text for name, text in exc.seen.items() if text}
    return _page(request, exc.status, problem=str(exc), code=exc.reason, seen=seen)


def _once_each(query: QueryDict) -> dict[str, str]:
    """Parameters by name.

    Raises:
        SignInRefusedError: one is there twice, so that others may read it otherwise.
    """
    if twice := [name for name in query if len(query.getlist(name)) > 1]:
        raise SignInRefusedError(Code.NOT_BEGUN, f"{twice[0][:80]} is given twice")
    return {name: str(query[name]) for name in query}


def _to(url: str) -> HttpResponse:
    return HttpResponseRedirect(url, status=HTTPStatus.SEE_OTHER)


def _end_before(request: HttpRequest) -> None:
    """End the session that a browser had before."""
    before = cookies.session_of(request)
    if before is not None:
        sessions.end(before)


def _had_session(request: HttpRequest) -> bool:
    """Whether a browser has the cookie of a session that is no more."""
    if not cookies.value_of(request):
        return False
    try:
        return cookies.session_of(request) is None
    except Error:  # Whoever sends the form is told then; the form itself needs no database.
        return False


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR"))


def _is_public_secure() -> bool:
    """Whether browsers come over https, by the address that the operator named."""
    public_url: str = settings.ENV.public_url
    return public_url.startswith("https://")


def _next(request: HttpRequest) -> str:
    """Where to go on: a path of ours, and of nobody else."""
    asked = request.POST.get("next") or request.GET.get("next") or "/"
    is_ours = asked.startswith("/") and not asked.startswith(("//", "/\\"))
    is_short = len(asked) <= _LONGEST_PATH
    return asked if is_ours and is_short and asked.isprintable() else "/"
