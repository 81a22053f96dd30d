"""Sessions of people in browsers: begun with a token, and never longer than it."""

import secrets
from collections.abc import Mapping
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from access import tokens
from access.models import Session, Token
from events import audit
from keeptrusts.api import acting
from keeptrusts.api.acting import Actor

# In the environment of a request that the console makes within the process: whose it is.
OF_REQUEST = "keeptrusts.session"

# The names of its cookie over https, and over http on loopback.
SECURE_COOKIE, PLAIN_COOKIE = "__Host-keeptrusts", "keeptrusts"
_LASTS = timedelta(hours=12)


def cookie_of(cookies: Mapping[str, str]) -> str:
    """The value of the session's cookie among those of a request; empty without one."""
    return cookies.get(SECURE_COOKIE) or cookies.get(PLAIN_COOKIE) or ""


def begin(token: Token, text: str) -> str:
    """Begin a session with a token by its text; returns the value of its cookie."""
    value = secrets.token_urlsafe(32)
    now = timezone.now()
    with transaction.atomic():
        Session.objects.create(
            pk=tokens.digest(value), token=token, token_digest=tokens.digest(text),
            created_at=now, expires_at=min(now + _LASTS, token.expires_at or now + _LASTS),
        )  # fmt: skip
        _record("session.begun", token)
    return value


def find(value: str) -> Session | None:
    """The session of a cookie's value, with its token; None when there is none or it is over."""
    found = Session.objects.select_related("token").filter(pk=tokens.digest(value))
    return found.filter(expires_at__gt=timezone.now()).first()


def end(session: Session) -> None:
    """End a session, now."""
    with transaction.atomic():
        if Session.objects.filter(pk=session.pk).delete()[0]:
            _record("session.ended", session.token)


def prune() -> None:
    """Forget sessions that are over."""
    Session.objects.filter(expires_at__lte=timezone.now()).delete()


def _record(action: str, token: Token) -> None:
    """Add to the audit log what the holder of a token does with a session of its own."""
    with acting.acting_as(Actor("token", str(token.pk), token.name)):
        audit.record(action, token.pk)
