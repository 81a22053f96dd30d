"""The texts that gateways authenticate with. Each carries the pin of the signing key."""

import secrets

from access.tokens import digest
from gateways.signing import keys


def gateway_token() -> tuple[str, str]:
    """A new token of one gateway, and the digest that is kept of it."""
    return _token("ktg")


def enrolment_token() -> tuple[str, str]:
    """A new token that a group enrols with, and the digest that is kept of it."""
    return _token("kte")


def _token(kind: str) -> tuple[str, str]:
    text = f"{kind}_{keys.ensure()}.{secrets.token_urlsafe(32)}"
    return text, digest(text)
