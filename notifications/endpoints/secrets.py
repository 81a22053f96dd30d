"""Sealed values of an endpoint: its url, and what signs."""

from datetime import datetime

from django.db import transaction

from keeptrusts.sealing import Rotation, seal, unseal
from notifications.models import Endpoint

_SEALED = ("url", "secret", "previous_secret")


def sealed(endpoint: Endpoint, column: str, text: str) -> str:
    """The sealed form of a text for a column; empty for an empty one."""
    return seal(text, row=_row(endpoint, column)) if text else ""


def opened(endpoint: Endpoint, column: str) -> str:
    """What a column holds; empty where it holds nothing.

    Raises:
        SealError: no configured key opens it.
    """
    text = getattr(endpoint, column)
    return unseal(text, row=_row(endpoint, column)) if text else ""


def signing(endpoint: Endpoint, now: datetime) -> list[str]:
    """The secrets that sign at a time, the newest first.

    Raises:
        SealError: no configured key opens one.
    """
    until = endpoint.previous_until
    columns = ("secret", "previous_secret") if until and until > now else ("secret",)
    return [secret for column in columns if (secret := opened(endpoint, column))]


def reseal(done: Rotation) -> None:
    """Seal all of it under the first key of `KEEPTRUSTS_SECRET_KEY`."""
    with transaction.atomic():
        for row in Endpoint.objects.select_for_update().order_by("pk"):
            for column in filter(lambda name: getattr(row, name), _SEALED):
                new = done.renew(getattr(row, column), row=_row(row, column))
                setattr(row, column, new)
            row.save(update_fields=_SEALED)


def _row(endpoint: Endpoint, column: str) -> str:
    return f"notification-endpoint:{endpoint.pk} {column}"
