"""DRF authentication by the `Authorization: Bearer` header."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, cast

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from access import roles, sessions, sights, tokens, uses
from access.bearers import Bearer
from access.models import Session, Token
from access.signin import admission
from access.trusts import admission as trusts
from access.trusts import jwt
from access.trusts.refusals import TOLD, JWTRefusedError
from keeptrusts import counters
from keeptrusts.api import acting
from keeptrusts.api.acting import Actor

_CACHE_SIZE = 1024
NARROWED = (
    "A token that is narrowed to some configurations may not do this, which may be about others as"
    " well; use one that is not narrowed."
)

_known: OrderedDict[tuple[str, int], Token] = OrderedDict()


class BearerAuthentication(BaseAuthentication):
    """Finds the token of a request, and reads all change counters in the same query.

    The counters are read before any row of the answer, so a body may be newer than its ETag
    but never older. A token is remembered in the process for as long as the counter of tokens
    stands still: a revocation is in force at once, and a known token costs no query.
    A JWT that meets a trust is looked for among the trusts alone; why it meets none, only the log
    says.
    """

    def authenticate(self, request: Request) -> tuple[Bearer, Mapping[str, int]]:
        """Whose request it is, and the change counters.

        Raises:
            NotAuthenticated: there is no bearer token.
            AuthenticationFailed: the token is unknown, revoked or expired, or a JWT meets no trust.
        """
        session: Session | None = request.META.get(sessions.OF_REQUEST)
        if session is not None:
            bearer = by_session(session, _address(request))
            acting.begin(Actor(bearer.kind, bearer.id, bearer.name))
            return bearer, counters.read()
        text = bearer_text(request)
        check_given(text)
        counts = counters.read()
        count, changes = counts.get(tokens.COUNTER, 0), request.method not in SAFE_METHODS
        bearer = admit(text, count=count, address=_address(request), changes=changes)
        acting.begin(Actor(bearer.kind, bearer.id, bearer.name))
        return bearer, counts

    def authenticate_header(self, request: Request) -> str:
        """The `WWW-Authenticate` value; with it DRF answers 401, not 403."""
        return "Bearer"


class MayAct(BasePermission):
    """A permission by the role of the bearer; each view names the action of each method."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.user, Bearer):
            return False
        method = str(request.method).lower()
        if method == "options" or not hasattr(view, method):
            return True  # What is not there is answered with 405, to whoever has a token.
        demand(request, view.action_of(request))
        if bearer(request).sight is not None and view.narrowing_of(request) == sights.REFUSED:
            raise PermissionDenied(NARROWED, code="narrowed")
        return True


def check_given(text: str) -> None:
    """Check that a request has a bearer token at all.

    Raises:
        NotAuthenticated: it has none.
    """
    if not text:
        raise NotAuthenticated("Send the header: Authorization: Bearer TOKEN.")


def admit(text: str, *, count: int, address: str, changes: bool) -> Bearer:
    """Whose token a text is, at the `count` of the counter of tokens, from an address.

    `changes`: it is used for more than reading.

    Raises:
        AuthenticationFailed: the token is unknown, revoked or expired, or a JWT meets no trust.
    """
    refusal: JWTRefusedError | None = None
    if jwt.is_meant(text) and (tokens.digest(text), count) not in _known:
        try:
            return _by_trust(text, count=count, address=address, changes=changes)
        except JWTRefusedError as exc:
            refusal = exc
    token = _find(text, count)
    if token is None and refusal is not None:
        TOLD.tell(refusal)
    return _by_token(_valid(token, tokens.digest(text)), address)


def signed_in(text: str, address: str) -> str:
    """The value of the cookie of a session that a token's text begins.

    Raises:
        AuthenticationFailed: the token is unknown, revoked or expired, or not for this address.
    """
    token = _valid(tokens.find(text), tokens.digest(text))
    _by_token(token, address)
    return sessions.begin(token, text)


def by_session(session: Session, address: str) -> Bearer:
    """Whose session it is, as its token or the rules of sign-in are now.

    Raises:
        AuthenticationFailed: the token is revoked, has expired, or has another text; or no rule
            lets the person in any more.
    """
    if session.person is None:
        return _by_token(_valid(session.token, session.token_digest), address)
    found = admission.bearer(session, address)
    if found is None:
        raise AuthenticationFailed("No rule lets you in any more; sign in again.")
    return found


def by_cookie(value: str, address: str) -> Bearer:
    """Whose session a cookie's value is of.

    Raises:
        AuthenticationFailed: there is no such session, or its token is good no more.
    """
    session = sessions.find(value)
    if session is None:
        raise AuthenticationFailed("This session is over; sign in again.")
    return by_session(session, address)


def demand(request: Request, action: str) -> None:
    """Check that the bearer's role may do something.

    Raises:
        PermissionDenied: it may not; the message says which roles may.
    """
    asks = bearer(request)
    if not asks.may(action):
        able = ", ".join(roles.with_action(action))
        raise PermissionDenied(
            f"A token of the role {asks.role} may not do this ({action}); use one of {able}."
        )


def bearer(request: Request) -> Bearer:
    """Whose request it is, of one that passed `MayAct`."""
    asks: Any = request.user
    assert isinstance(asks, Bearer)
    return asks


def bearer_text(request: Request) -> str:
    """The bearer token's text in the headers; empty without one."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def credential_digest(request: Request) -> str:
    """The sha256 of the text that a request is made with, in hex."""
    session: Session | None = request.META.get(sessions.OF_REQUEST)
    return session.token_digest if session else tokens.digest(bearer_text(request))


def counts(request: Request) -> Mapping[str, int]:
    """The change counters as they stood before the request's first other query."""
    counted: Any = request.auth
    return cast(Mapping[str, int], counted)


def _find(text: str, count: int) -> Token | None:
    key = (tokens.digest(text), count)
    token = _known.get(key) or tokens.find(text)
    if token is not None:
        _known[key] = token
        while len(_known) > _CACHE_SIZE:
            _known.popitem(last=False)
    return token


def _by_token(token: Token, address: str) -> Bearer:
    if not tokens.is_from(token, address):
        raise AuthenticationFailed("This token may not be used from this address.")
    uses.note(token)
    return Bearer("token", str(token.pk), token.name, token.role, sights.read(token.sight))


def _by_trust(text: str, *, count: int, address: str, changes: bool) -> Bearer:
    trust, subject = trusts.admit(text, count=count, address=address, changes=changes)
    return Bearer("trust", str(trust.pk), subject, trust.role, sights.read(trust.sight))


def _address(request: Request) -> str:
    address: str = request.META.get("REMOTE_ADDR", "")
    return address


def _valid(token: Token | None, digest: str) -> Token:
    if token is None or not tokens.is_digest_of(token, digest):
        raise AuthenticationFailed(
            "This token is not known; send one of /v1/tokens, not a gateway's. A JWT needs a trust,"
            " and the control plane's log says why one is refused."
        )
    if token.revoked_at is not None:
        raise AuthenticationFailed("This token is revoked.")
    if token.expires_at is not None and token.expires_at <= timezone.now():
        raise AuthenticationFailed("This token has expired.")
    return token
