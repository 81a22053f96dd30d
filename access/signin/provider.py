"""The provider's endpoints: what its configuration says, kept for a while in the process.

Whoever wants to sign in may have it asked, so it is asked by one thread at a time, and once in some
seconds at most while it fails.
"""

import re
import time
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock
from urllib.parse import urlsplit

from django.conf import settings

from access.signin.refusals import Code, SignInRefusedError
from access.trusts import issuers, keys
from access.trusts.issuers import IssuerAwayError
from access.trusts.keys import BadDocumentError
from keeptrusts.env.provider import Provider

_FRESH_SECONDS = 600.0
_REST_SECONDS = 5.0
_WAIT_SECONDS = 6.0
_MOST_WAITING = 4
_URL = re.compile(r"https?://[\x21\x23-\x5b\x5d-\x7e]{1,2000}")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """A provider's endpoints.

    `by_header` says that a client proves itself in a header, else in the body. `names_itself` says
    that each answer to a browser names the issuer (RFC 9207).
    """

    authorization: str
    token: str
    by_header: bool
    names_itself: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    """What became of asking a provider: its endpoints, or why there are none."""

    issuer: str
    at: float
    endpoints: Endpoints | None
    why: str = ""


_lock = Lock()
_waiting = BoundedSemaphore(_MOST_WAITING)
_asked: _Asked | None = None


def configured() -> Provider:
    """The provider of the settings.

    Raises:
        SignInRefusedError: there is none.
    """
    provider: Provider | None = settings.ENV.provider
    if provider is None:
        raise SignInRefusedError(Code.NO_PROVIDER)
    return provider


def endpoints(issuer: str) -> Endpoints:
    """The endpoints of an issuer, as it gave them within ten minutes.

    Raises:
        SignInRefusedError: it does not say, or did not five seconds ago.
    """
    global _asked
    if not _turn():
        raise SignInRefusedError(Code.PROVIDER_AWAY, f"{issuer} is asked, and too many wait for it")
    try:
        if not _is_kept(issuer):
            _asked = _ask(issuer)
        found = _asked
    finally:
        _lock.release()
    if found is None or found.endpoints is None:
        raise SignInRefusedError(Code.PROVIDER_AWAY, found.why if found else "")
    return found.endpoints


def read(data: bytes, *, issuer: str) -> Endpoints:
    """The endpoints that an issuer's configuration names.

    Raises:
        BadDocumentError: it is of another issuer, or names none that can be used.
    """
    document = keys.configuration(data, issuer=issuer)
    names = ("authorization_endpoint", "token_endpoint")
    authorization, token = (keys.named_url(document, name, issuer=issuer) for name in names)
    for name, url in zip(names, (authorization, token), strict=True):
        if not _URL.fullmatch(url) or not urlsplit(url).hostname or urlsplit(url).fragment:
            raise BadDocumentError(f"its {name} is no url")
    methods = document.get("token_endpoint_auth_methods_supported")
    by_header = not isinstance(methods, list) or "client_secret_basic" in methods
    names_itself = document.get("authorization_response_iss_parameter_supported") is True
    return Endpoints(authorization, token, by_header, names_itself)


def _turn() -> bool:
    """Take the lock. A few wait for it, so that a provider that hangs does not hold all threads."""
    if _lock.acquire(blocking=False):
        return True
    if not _waiting.acquire(blocking=False):
        return False
    try:
        return _lock.acquire(timeout=_WAIT_SECONDS)
    finally:
        _waiting.release()


def _is_kept(issuer: str) -> bool:
    if _asked is None or _asked.issuer != issuer:
        return False
    lasts = _FRESH_SECONDS if _asked.endpoints else _REST_SECONDS
    return time.monotonic() - _asked.at < lasts


def _ask(issuer: str) -> _Asked:
    try:
        found = read(issuers.configuration(issuer), issuer=issuer)
    except (IssuerAwayError, BadDocumentError) as exc:
        return _Asked(issuer, time.monotonic(), None, f"{issuer}: {exc}")
    return _Asked(issuer, time.monotonic(), found)
