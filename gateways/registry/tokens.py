"""Tokens of gateways, as texts. Each carries the fingerprint of the signing key."""

import secrets

from access.tokens import digest
from gateways.models import EnrolmentToken, Gateway
from gateways.signing import keys

UNKNOWN = (
    "This token is unknown, or ended when it was rotated; send the gateway's own, which begins with"
    " ktg_."
)


def gateway_token() -> tuple[str, str]:
    """A new token of a gateway, and the digest of it that is stored."""
    return _token("ktg")


def enrolment_token() -> tuple[str, str]:
    """A new enrolment token, and the digest of it that is stored."""
    return _token("kte")


def _token(kind: str) -> tuple[str, str]:
    text = f"{kind}_{keys.ensure()}.{secrets.token_urlsafe(32)}"
    return text, digest(text)


def digests() -> list[str]:
    """The digests of all tokens of gateways, and of enrolment tokens that were not revoked."""
    there = Gateway.objects.filter(deleted_at=None).values_list("digest", flat=True)
    enrolling = EnrolmentToken.objects.filter(revoked_at=None).values_list("digest", flat=True)
    return [*there, *enrolling]
