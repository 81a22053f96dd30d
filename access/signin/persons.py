"""People whom a provider named: the only writer of `KnownPerson`."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from access.models import KnownPerson
from access.signin import rules
from keeptrusts.api.printable import printable

_MOST_OF_EMAIL = 254
_MOST_OF_NAME = 200


def noted(issuer: str, claims: Mapping[str, Any]) -> KnownPerson:
    """The row of whom verified claims speak of, as the provider speaks of them now.

    Who it is `sub` says alone: an address may get another owner.
    """
    now = timezone.now()
    told = {"email": _email(claims), "says": _says(claims), "last_at": now}
    person, _ = KnownPerson.objects.update_or_create(
        issuer=issuer, subject=claims["sub"],
        defaults=told, create_defaults={**told, "first_at": now},
    )  # fmt: skip
    return person


def _email(claims: Mapping[str, Any]) -> str:
    found = next(iter(rules.texts(claims, "email")), "")
    return found if len(found) <= _MOST_OF_EMAIL and found == printable(found) else ""


def _says(claims: Mapping[str, Any]) -> str:
    value = claims.get("preferred_username")
    return printable(value, keeps_lines=False)[:_MOST_OF_NAME] if isinstance(value, str) else ""
