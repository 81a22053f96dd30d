"""The only writer of events."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from events.models import Event

Kind = Event.Kind


def record(
    kind: Kind,
    message: str,
    *,
    git_repo: str = "",
    configuration: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
    """Add one event; to be called in the transaction that makes it true."""
    Event.objects.create(
        kind=kind,
        git_repo=git_repo,
        configuration=configuration,
        message=message[:2000],
        details=dict(details or {}),
        created_at=timezone.now(),
    )
