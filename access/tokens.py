"""Making, finding and revoking tokens: the only writer of `Token`."""

import hashlib
import secrets
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from access.models import Token
from keeptrusts import counters
from keeptrusts.api.errors import NotFoundError

COUNTER = "tokens"
_PREFIX = "kt_"
_HINT_LENGTH = 8


def create(name: str, *, expires_at: datetime | None = None) -> tuple[Token, str]:
    """Make a token; returns it and its text, which is stored nowhere."""
    text = _PREFIX + secrets.token_urlsafe(32)
    return _store(text, name, expires_at), text


def bootstrap(text: str) -> bool:
    """Admit `text` as the first admin's token; False when a token was ever made.

    A revoked first token therefore cannot come back by a restart.
    """
    with transaction.atomic():
        counters.bump(COUNTER)
        if any_made():
            return False
        _store(text, "bootstrap admin", None)
        return True


def any_made() -> bool:
    """True when a token was ever made, revoked and expired ones included."""
    return Token.objects.exists()


def find(text: str) -> Token | None:
    """The token with this text, revoked and expired ones included."""
    return Token.objects.filter(digest=digest(text)).first()


def is_valid(token: Token) -> bool:
    """True when a token is neither revoked nor expired."""
    expired = token.expires_at is not None and token.expires_at <= timezone.now()
    return token.revoked_at is None and not expired


def revoke(token_id: UUID) -> Token:
    """End a token for good; revoking twice changes nothing.

    Raises:
        NotFoundError: no token has this id.
    """
    with transaction.atomic():
        counters.bump(COUNTER)
        token = Token.objects.select_for_update().filter(pk=token_id).first()
        if token is None:
            raise NotFoundError("token with this id")
        if token.revoked_at is None:
            token.revoked_at = timezone.now()
            token.save(update_fields=["revoked_at"])
        return token


def digest(text: str) -> str:
    """The sha256 of a token in hex, which is what is stored."""
    return hashlib.sha256(text.encode()).hexdigest()


def _store(text: str, name: str, expires_at: datetime | None) -> Token:
    with transaction.atomic():
        counters.bump(COUNTER)
        return Token.objects.create(
            name=name,
            digest=digest(text),
            hint=text[:_HINT_LENGTH],
            created_at=timezone.now(),
            expires_at=expires_at,
        )
