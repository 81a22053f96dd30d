"""Cookies of sessions and sign-ins: over https `__Host-` ones, over http on loopback alone."""

import hashlib
import hmac
import re
import secrets

from django.http import HttpRequest, HttpResponse

from access import sessions
from access.models import Session
from access.signin import tickets

_HOST_ONLY, _TICKET = "__Host-", "keeptrusts-sign-in-"
_MOST_TICKETS = 4
# What may stand in a command that somebody copies.
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]+")


def value_of(request: HttpRequest) -> str:
    """The value of a request's cookie; empty without one."""
    return sessions.cookie_of(request.COOKIES, _host(request))


def session_of(request: HttpRequest) -> Session | None:
    """The session of a request, if it has one that is not over."""
    value = value_of(request)
    return sessions.find(value) if value else None


def put(response: HttpResponse, value: str, *, is_secure: bool) -> None:
    """Have a browser keep a session's cookie until it ends."""
    name = sessions.SECURE_COOKIE if is_secure else sessions.PLAIN_COOKIE
    response.set_cookie(name, value, secure=is_secure, httponly=True, samesite="Lax")


def take(response: HttpResponse) -> None:
    """Have a browser forget its cookie."""
    for name, is_secure in ((sessions.SECURE_COOKIE, True), (sessions.PLAIN_COOKIE, False)):
        response.set_cookie(name, "", max_age=0, secure=is_secure, httponly=True, samesite="Lax")


def put_ticket(response: HttpResponse, state: str, value: str, *, is_secure: bool) -> None:
    """Have a browser keep a ticket of a sign-in by a provider, beside those of other tabs.

    It comes back from the provider's site with a link that is followed, and with nothing else.
    """
    response.set_cookie(
        _ticket_name(state, is_secure=is_secure), value, max_age=tickets.LASTS_SECONDS,
        secure=is_secure, httponly=True, samesite="Lax",
    )  # fmt: skip


def ticket_of(request: HttpRequest, state: str, *, is_secure: bool) -> str:
    """The ticket of a state that a browser kept; empty without one."""
    return request.COOKIES.get(_ticket_name(state, is_secure=is_secure), "")


def take_ticket(response: HttpResponse, state: str, *, is_secure: bool) -> None:
    """Have a browser forget a ticket."""
    response.set_cookie(
        _ticket_name(state, is_secure=is_secure), "", max_age=0, secure=is_secure, httponly=True,
        samesite="Lax",
    )  # fmt: skip


def old_tickets(request: HttpRequest) -> list[str]:
    """The names of a browser's tickets, all but a few: whoever begins again and again has many."""
    found = [name for name in request.COOKIES if name.removeprefix(_HOST_ONLY).startswith(_TICKET)]
    return found[: max(0, len(found) - _MOST_TICKETS)]


def form_token(value: str) -> str:
    """What the forms of a session send back, which no other site can read."""
    return hmac.new(value.encode(), b"form", hashlib.sha256).hexdigest()


def is_own_origin(request: HttpRequest) -> bool:
    """Whether a browser says that a request comes from a page of this host."""
    _, _, place = request.headers.get("Origin", "").partition("://")
    return bool(place) and place == _host(request)


def is_own_form(request: HttpRequest) -> bool:
    """Whether a form was sent by a page of ours, and of this session where there is one."""
    value = value_of(request)
    if not is_own_origin(request):
        return False
    return not value or secrets.compare_digest(
        request.POST.get("form_token", "").encode(), form_token(value).encode()
    )


def is_secure(request: HttpRequest) -> bool:
    """Whether a form came over https, by what the browser says of the page that it stood on."""
    return request.headers.get("Origin", "").startswith("https://")


def may_sign_in(request: HttpRequest) -> bool:
    """Whether a cookie would be safe: over https, or from loopback to loopback."""
    return is_secure(request) or sessions.is_loopback(_host(request))


def looks_plain(request: HttpRequest) -> bool:
    """Whether a page is shown over http to another machine, where nobody may sign in.

    A proxy that ends TLS says so in `X-Forwarded-Proto`, which steers this warning alone.
    """
    forwarded = request.headers.get("X-Forwarded-Proto", "") == "https"
    return not forwarded and not request.is_secure() and not sessions.is_loopback(_host(request))


def origin(request: HttpRequest) -> str:
    """The address of this control plane as a browser has it, for commands to copy.

    Behind a name that is not loopback it is https, without which nobody signs in.
    """
    host = _host(request)
    if not _HOST.fullmatch(host):
        return "https://keeptrusts.example"
    return f"{'http' if sessions.is_loopback(host) else 'https'}://{host}"


def _ticket_name(state: str, *, is_secure: bool) -> str:
    return f"{_HOST_ONLY if is_secure else ''}{_TICKET}{tickets.name_of(state)}"


def _host(request: HttpRequest) -> str:
    return request.headers.get("Host", "")
