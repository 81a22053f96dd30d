"""Enrolment tokens, shared by groups of gateways: the only writer of `EnrolmentToken`."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from access.tokens import digest
from gateways.models import EnrolmentToken
from gateways.registry import tokens
from keeptrusts.api.errors import NotFoundError


def create(fields: Mapping[str, Any]) -> tuple[EnrolmentToken, str]:
    """Make a token. The second value is its text, which is not stored.

    `fields` are `name`, `labels`, `configuration_id` and `expires_at`.
    """
    with transaction.atomic():
        text, kept = tokens.enrolment_token()
        return EnrolmentToken.objects.create(digest=kept, created_at=timezone.now(), **fields), text


def find(text: str) -> EnrolmentToken | None:
    """The token with this text; None for one that is unknown, revoked or expired."""
    row = EnrolmentToken.objects.filter(digest=digest(text), revoked_at=None).first()
    if row is None or (row.expires_at is not None and row.expires_at <= timezone.now()):
        return None
    return row


def revoke(token_id: UUID) -> EnrolmentToken:
    """Revoke a token for good. Gateways that enrolled with it stay.

    Raises:
        NotFoundError: there is no such token.
    """
    with transaction.atomic():
        row = EnrolmentToken.objects.select_for_update(of=("self",)).filter(pk=token_id).first()
        if row is None:
            raise NotFoundError("enrolment token with this id")
        if row.revoked_at is None:
            row.revoked_at = timezone.now()
            row.save(update_fields=["revoked_at"])
        return row
