"""Sessions in browsers: begun with a token and never longer than it, or of a person."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from access import people, tokens
from access.models import KnownPerson, Session, Token
from events import audit
from keeptrusts.api import acting
from keeptrusts.api.acting import Actor

# In the environment of a request that the console makes within the process: whose it is.
OF_REQUEST = "keeptrusts.session"

# The names of its cookie over https, and over http on loopback.
SECURE_COOKIE, PLAIN_COOKIE = "__Host-keeptrusts", "keeptrusts"
_LASTS = timedelta(hours=12)


def cookie_of(cookies: Mapping[str, str], host: str) -> str:
    """The value of the session's cookie among those of a request to a host; empty without one.

    That of http counts on loopback alone. Elsewhere a host beside this one, or whoever answers for
    it over http, could plant it, and have somebody work in a session of theirs.
    """
    plain = cookies.get(PLAIN_COOKIE) if is_loopback(host) else ""
    return cookies.get(SECURE_COOKIE) or plain or ""


def is_loopback(host: str) -> bool:
    """Whether a header `Host` names the machine itself."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or name.endswith(".localhost") or ip_address(name).is_loopback
    except ValueError:
        return False


def begin(token: Token, text: str) -> str:
    """Begin a session with a token by its text; returns the value of its cookie."""
    return _begun(token=token, token_digest=tokens.digest(text), ends_at=token.expires_at)


def begin_of(person: KnownPerson, claims: Mapping[str, Sequence[str]], *, rule: str) -> str:
    """Begin a session of a person, whom a provider says some claims of and a rule lets in.

    Returns the value of its cookie.
    """
    return _begun(person=person, claims=claims, after={"rule": rule, "claims": claims})


def find(value: str) -> Session | None:
    """The session of a cookie's value, with its token or person; None when there is none or it is
    over.

    One of neither is of a kind that another release began, and none here.
    """
    found = Session.objects.select_related("token", "person").filter(pk=tokens.digest(value))
    known = Q(token__isnull=False) | Q(person__isnull=False)
    return found.filter(known, expires_at__gt=timezone.now()).first()


def end(session: Session) -> None:
    """End a session, now."""
    with transaction.atomic():
        if Session.objects.filter(pk=session.pk).delete()[0]:
            _record("session.ended", session)


def prune() -> None:
    """Forget sessions that are over."""
    Session.objects.filter(expires_at__lte=timezone.now()).delete()


def _begun(
    *, ends_at: datetime | None = None, after: Mapping[str, Any] | None = None, **columns: Any
) -> str:
    value, now = secrets.token_urlsafe(32), timezone.now()
    latest = now + _LASTS
    with transaction.atomic():
        session = Session.objects.create(
            pk=tokens.digest(value), created_at=now,
            expires_at=min(latest, ends_at or latest), **columns,
        )  # fmt: skip
        _record("session.begun", session, after)
    return value


def _record(action: str, session: Session, after: Mapping[str, Any] | None = None) -> None:
    """Add to the audit log what somebody does with a session of their own."""
    actor = _owner(session)
    with acting.acting_as(actor):
        audit.record(action, actor.id, after=after)


def _owner(session: Session) -> Actor:
    if session.person is not None:
        return Actor(people.PERSON, str(session.person.pk), people.called(session.person))
    assert session.token is not None
    return Actor(people.TOKEN, str(session.token.pk), session.token.name)
