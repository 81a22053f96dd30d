"""Enrolment tokens, shared by groups of gateways: the only writer of `EnrolmentToken`."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from access.tokens import digest
from configurations.publish import publish
from events import audit
from gateways.models import EnrolmentToken, Gateway
from gateways.registry import gateways, tokens
from keeptrusts.api.errors import ConflictError, FieldError, LimitedError, NotFoundError

_LIFETIME = timedelta(days=30)
_LONGEST_LIFETIME = timedelta(days=366)
# A stolen token must not fill the registry before anybody looks.
_PACE = timedelta(seconds=0.25)
_AT_ONCE = 5
_AUDITED = ("name", "labels", "configuration_id", "max_uses", "expires_at")


def create(fields: Mapping[str, Any]) -> tuple[EnrolmentToken, str]:
    """Make a token. The second value is its text, which is not stored.

    `fields` are `name`, `labels`, `configuration_id`, `max_uses` and `expires_at`; without the last
    it lives for thirty days.

    Raises:
        FieldError: it would live for more than a year.
    """
    now = timezone.now()
    expires_at = fields["expires_at"] or now + _LIFETIME
    if expires_at > now + _LONGEST_LIFETIME:
        raise FieldError("expires_at", f"must be at most {_LONGEST_LIFETIME.days} days from now")
    with transaction.atomic():
        text, kept = tokens.enrolment_token()
        values = {**fields, "expires_at": expires_at, "created_at": now}
        row = EnrolmentToken.objects.create(digest=kept, **values)
        audit.record("enrolment_token.created", row.pk, after=audit.fields(row, _AUDITED))
        return row, text


def find(text: str) -> EnrolmentToken | None:
    """The token with this text; None for one that is unknown, revoked or expired."""
    return EnrolmentToken.objects.filter(_is_valid(), digest=digest(text)).first()


def enrol(token: EnrolmentToken, gateway_id: str, *, name: str) -> tuple[Gateway, str]:
    """Register a gateway with the labels and the configuration of a token, and count the use.

    Of many at the same time no more get through than the token has uses, and four a second.

    Raises:
        ConflictError: the token was used up (`enrolment_used_up`) or revoked meanwhile
            (`enrolment_ended`), or the id is not free.
        LimitedError: many enrolled just now (`enrolment_paced`).
    """
    with transaction.atomic():
        # The gateway comes first: its counters order all who write.
        made = gateways.register(
            gateway_id,
            fields={
                "name": name,
                "labels": token.labels,
                "configuration_id": token.configuration_id,
                "enrolled_by": token,
            },
        )
        _use(token.pk)
        return made


def revoke(token_id: UUID, *, descendants: bool) -> tuple[EnrolmentToken, list[str]]:
    """Revoke a token for good, and with `descendants` delete the gateways that it enrolled.

    Returns the ids of these; none are deleted without.

    Raises:
        NotFoundError: there is no such token.
    """
    with transaction.atomic():
        publish()  # As whoever enrols: either comes before the revocation, or is refused.
        row = EnrolmentToken.objects.select_for_update(of=("self",)).filter(pk=token_id).first()
        if row is None:
            raise NotFoundError("enrolment token with this id")
        if row.revoked_at is None:
            row.revoked_at = timezone.now()
            row.save(update_fields=["revoked_at"])
            after = {"revoked_at": row.revoked_at}
            audit.record(
                "enrolment_token.revoked", row.pk, before={"revoked_at": None}, after=after
            )
        return row, gateways.delete_enrolled(token_id) if descendants else []


def _use(token_id: UUID) -> None:
    """Count a use; the transaction has the counters, so that uses follow one another."""
    now = timezone.now()
    row = EnrolmentToken.objects.select_for_update(of=("self",)).filter(_is_valid(), pk=token_id)
    token = row.first()
    if token is None:
        message = "This enrolment token was revoked or expired just now; ask for a new one."
        raise ConflictError("enrolment_ended", message)
    if token.max_uses is not None and token.uses >= token.max_uses:
        message = f"This enrolment token was used {token.uses} times, as often as it may be; ask"
        raise ConflictError("enrolment_used_up", f"{message} for a new one.")
    paced_until = max(token.paced_until or now, now) + _PACE
    if paced_until > now + _AT_ONCE * _PACE:
        message = "Too many gateways enrol by this token at once; ask again in a few seconds."
        raise LimitedError("enrolment_paced", message, wait_seconds=1)
    token.uses, token.paced_until = token.uses + 1, paced_until
    token.save(update_fields=["uses", "paced_until"])


def _is_valid() -> Q:
    return Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=timezone.now()))
