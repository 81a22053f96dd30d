"""The only writer of events."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from events.models import Event
from keeptrusts import times
from keeptrusts.messaging import hints

Kind = Event.Kind


def record(
    kind: Kind,
    message: str,
    *,
    git_repo: str = "",
    configuration: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
    """Add one event, in the transaction that makes it true.

    Times in `details` are stored in the format in which the API shows times.
    """
    Event.objects.create(
        kind=kind,
        git_repo=git_repo,
        configuration=configuration,
        message=message[:2000],
        details={name: _shown(value) for name, value in (details or {}).items()},
        created_at=timezone.now(),
    )
    hints.announce_on_commit()


def _shown(value: Any) -> Any:
    return times.exact(value) if isinstance(value, datetime) else value
