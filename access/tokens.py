"""Making, finding, editing and revoking tokens: the only writer of `Token`."""

import hashlib
import ipaddress
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from access import people, roles, sights
from access.models import SignInRule, Token, Trust
from access.sights import Sight
from events import audit
from keeptrusts import counters, times
from keeptrusts.api.errors import ConflictError, FieldError, NotFoundError

COUNTER = "tokens"
_PREFIX = "kt_"
_HINT_LENGTH = 8
# Rows of a statement: databases bound its parameters.
_BATCH = 500
# The oldest first. `UNION` forgets what was found before, so no circle goes on.
_BELOW = """
WITH RECURSIVE below (id) AS (
  SELECT id FROM access_token WHERE made_by_id = %s
  UNION SELECT made.id FROM access_token AS made JOIN below ON made.made_by_id = below.id
)
SELECT access_token.* FROM access_token JOIN below ON access_token.id = below.id
ORDER BY access_token.created_at, access_token.id
"""
_AUDITED = (
    "name", "role", "note", "hint", "networks", "sight", "made_by_id", "expires_at",
    "emails", "signers",
)  # fmt: skip
_PERSONAL = ("emails", "signers")
_BOUNDED = ("role", "networks", "sight", "expires_at")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def create(
    name: str,
    *,
    role: str = roles.ADMIN,
    maker: Token | None = None,
    note: str = "",
    expires_at: datetime | None = None,
    networks: Sequence[str] = (),
    sight: Sight | None = None,
    emails: Sequence[str] = (),
    signers: Sequence[str] = (),
) -> tuple[Token, str]:
    """Make a token; returns it and its text, which is stored nowhere.

    It gives no more than its maker has: neither in role, nor in time, networks or sight. A maker of
    None is whoever can run `manage.py`.

    Raises:
        FieldError: it would, or would last longer than `KEEPTRUSTS_TOKEN_MAX_DAYS`.
    """
    fields = {
        "role": role,
        "networks": list(networks),
        "sight": sight.stored() if sight else None,
        "expires_at": expiry(expires_at, maker),
    }
    _check_bounds(fields, maker)
    text = _new_text()
    with transaction.atomic():
        counters.bump(COUNTER)
        _check_in_force(maker)
        fields |= {"emails": list(emails), "signers": list(signers)}
        return _store(text, name=name, note=note, made_by=maker, **fields), text


def edit(token_id: UUID, fields: Mapping[str, Any], *, editor: Token) -> Token:
    """Change `name`, `note`, `expires_at`, `emails` or `signers` of a token.

    Raises:
        FieldError: it would give more than its editor has, or says who its editor is.
        NotFoundError: no token has this id.
    """
    with transaction.atomic():
        token = _locked(token_id)
        if "expires_at" in fields:
            if not is_valid(token):
                raise FieldError("expires_at", "cannot be moved: this token has ended")
            fields = {**fields, "expires_at": expiry(fields["expires_at"], editor)}
            _check_bounds({**audit.fields(token, _BOUNDED), **fields}, editor)
        _check_not_own(token, fields, editor)
        before = audit.fields(token, _AUDITED)
        for name, value in fields.items():
            setattr(token, name, value)
        token.save()
        audit.record("token.edited", token.pk, before=before, after=audit.fields(token, _AUDITED))
        return token


def rotate(
    token_id: UUID, *, overlap: timedelta, asker: Token, asker_digest: str
) -> tuple[Token, str]:
    """Give a token a new text; the one before stays good for `overlap`.

    A text that was replaced replaces none, so that a rotation takes back a text that leaked.

    Raises:
        ConflictError: the asker's own text was replaced (`text_replaced`).
        FieldError: the token gives more than the asker has.
        NotFoundError: no token that is in force has this id.
    """
    with transaction.atomic():
        token = _locked(token_id)
        if not is_valid(token):
            raise NotFoundError("token in force with this id")
        _check_in_force(asker)
        if Token.objects.get(pk=asker.pk).digest != asker_digest:
            message = "The text of the token that asks was replaced; send the new one."
            raise ConflictError("text_replaced", message)
        if asker.pk != token.pk:
            _check_bounds(audit.fields(token, _BOUNDED), asker)
            token.given_to = list(dict.fromkeys([*token.given_to, str(asker.pk)]))
        text = _new_text()
        token.previous_digest, token.previous_until = token.digest, timezone.now() + overlap
        hint = token.hint
        token.digest, token.hint = digest(text), text[:_HINT_LENGTH]
        token.save()
        after = {"hint": token.hint, "previous_until": token.previous_until}
        audit.record("token.rotated", token.pk, before={"hint": hint}, after=after)
        return token, text


def bootstrap(text: str) -> bool:
    """Admit `text` as the first admin's token; False when a token was ever made.

    A revoked first token therefore cannot come back by a restart.
    """
    with transaction.atomic():
        counters.bump(COUNTER)
        if any_made():
            return False
        _store(text, name="bootstrap admin")
        return True


def any_made() -> bool:
    """True when a token was ever made, revoked and expired ones included."""
    return Token.objects.exists()


def find(text: str) -> Token | None:
    """The token with this text, revoked and expired ones included."""
    kept = digest(text)
    overlaps = Q(previous_digest=kept, previous_until__gt=timezone.now())
    return Token.objects.filter(Q(digest=kept) | overlaps).first()


def digests() -> list[str]:
    """The digests of all tokens that were not revoked."""
    return list(Token.objects.filter(revoked_at=None).values_list("digest", flat=True))


def is_valid(token: Token) -> bool:
    """True when a token is neither revoked nor expired."""
    expired = token.expires_at is not None and token.expires_at <= timezone.now()
    return token.revoked_at is None and not expired


def is_digest_of(token: Token, kept: str) -> bool:
    """Whether a token, as it was read, still has the text of this digest."""
    overlaps = token.previous_until is not None and token.previous_until > timezone.now()
    return kept == token.digest or (kept == token.previous_digest and overlaps)


def is_from(token: Token | Trust | SignInRule, address: str) -> bool:
    """Whether a token, a JWT of a trust, or a session by a rule may be used from an address."""
    if not token.networks:
        return True
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return any((mapped or found) in ipaddress.ip_network(one) for one in token.networks)


def descendants(token_id: UUID) -> list[Token]:
    """The tokens that a token made, and those that these made, the oldest first.

    Raises:
        NotFoundError: no token has this id.
    """
    if not Token.objects.filter(pk=token_id).exists():
        raise NotFoundError("token with this id")
    return _made_below(token_id)


def revoke(token_id: UUID, *, with_descendants: bool = False) -> Token:
    """End a token for good; revoking twice changes nothing. What it made stays, unless asked.

    Raises:
        NotFoundError: no token has this id.
    """
    with transaction.atomic():
        token = _locked(token_id)
        below = _made_below(token_id) if with_descendants else ()
        now = timezone.now()
        ending = [one for one in (token, *below) if one.revoked_at is None]
        for start in range(0, len(ending), _BATCH):
            ids = [one.pk for one in ending[start : start + _BATCH]]
            Token.objects.filter(pk__in=ids).update(revoked_at=now)
        for one in ending:
            one.revoked_at = now
        change = {"revoked_at": None}, {"revoked_at": now}
        audit.record_all("token.revoked", [(str(one.pk), *change) for one in ending])
        return token


def check_gives(fields: Mapping[str, Any], maker: Token) -> None:
    """Check that a credential with these fields gives no more than its maker has, and that the
    maker is in force, behind the lock of the counter.

    Raises:
        ConflictError: the maker has ended (`token_ended`).
        FieldError: it gives more.
    """
    _check_in_force(maker)
    _check_bounds(fields, maker)


def digest(text: str) -> str:
    """The sha256 of a token in hex, which is what is stored."""
    return hashlib.sha256(text.encode()).hexdigest()


def _new_text() -> str:
    return _PREFIX + secrets.token_urlsafe(32)


def _locked(token_id: UUID) -> Token:
    counters.bump(COUNTER)
    token = Token.objects.select_for_update(of=("self",)).filter(pk=token_id).first()
    if token is None:
        raise NotFoundError("token with this id")
    return token


def _made_below(token_id: UUID) -> list[Token]:
    """What a token made, and what that made, the oldest first; one query for any line."""
    own = Token._meta.pk.get_db_prep_value(token_id, connection)
    return list(Token.objects.raw(_BELOW, [own]))


def _check_in_force(maker: Token | None) -> None:
    """Check a maker as it is now, behind the lock of the counter: it may be revoked meanwhile."""
    if maker is not None and not is_valid(Token.objects.get(pk=maker.pk)):
        raise ConflictError("token_ended", "The token that asks was revoked or has ended.")


def expiry(asked: datetime | None, maker: Token | None) -> datetime | None:
    """When a credential ends: as asked, else with its maker, or at the longest that is allowed.

    Raises:
        FieldError: it asks for more.
    """
    most = settings.ENV.token_max_days
    latest = timezone.now() + timedelta(days=most) if most else None
    if asked is not None:
        if latest is not None and asked > latest:
            message = f"must lie within {most} days, by KEEPTRUSTS_TOKEN_MAX_DAYS"
            raise FieldError("expires_at", message)
        return asked
    ends = [end for end in (latest, maker.expires_at if maker else None) if end is not None]
    return min(ends, default=None)


def _check_not_own(token: Token, fields: Mapping[str, Any], editor: Token) -> None:
    """Nobody says of themselves who they are: neither by a token, nor by one that it made."""
    own = [name for name in _PERSONAL if name in fields and fields[name] != getattr(token, name)]
    if own and token.pk in {editor.pk, *(one.pk for one in people.makers(editor))}:
        message = "are changed by another admin's token, and not by this one or one that it made"
        raise FieldError(own[0], message)


def _check_bounds(fields: Mapping[str, Any], maker: Token | None) -> None:
    if maker is None:
        return
    if not roles.covers(maker.role, fields["role"]):
        message = f"gives more than the role of the token that asks, which is {maker.role}"
        raise FieldError("role", message)
    ends = fields["expires_at"]
    if maker.expires_at is not None and (ends is None or ends > maker.expires_at):
        message = f"must not lie after {times.to_the_second(maker.expires_at)}, when the token ends"
        raise FieldError("expires_at", f"{message} that asks")
    if maker.networks and not _are_within(fields["networks"], maker.networks):
        message = f"must lie within those of the token that asks, {', '.join(maker.networks)}"
        raise FieldError("networks", message)
    if not sights.covers(sights.read(maker.sight), sights.read(fields.get("sight"))):
        raise FieldError("sight", "must lie within that of the token that asks")


def _are_within(networks: Sequence[str], others: Sequence[str]) -> bool:
    outer = [ipaddress.ip_network(one) for one in others]
    inner = [ipaddress.ip_network(one) for one in networks]
    return bool(inner) and all(any(_is_within(one, other) for other in outer) for one in inner)


def _is_within(one: Network, other: Network) -> bool:
    return one.version == other.version and one.subnet_of(other)  # type: ignore[arg-type]


def _store(text: str, **fields: Any) -> Token:
    with transaction.atomic():
        counters.bump(COUNTER)
        token = Token.objects.create(
            digest=digest(text), hint=text[:_HINT_LENGTH], created_at=timezone.now(), **fields
        )
        audit.record("token.created", token.pk, after=audit.fields(token, _AUDITED))
        return token
