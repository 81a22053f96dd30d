"""Times as text, in the forms of RFC 3339 that answers, logs and messages have."""

from datetime import UTC, datetime


def exact(moment: datetime) -> str:
    """A time that has a zone, in UTC to the microsecond: `2026-01-31T09:30:00.000000Z`."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def to_the_second(moment: datetime) -> str:
    """A time that has a zone, in UTC, for people: `2026-01-31T09:30:00Z`."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
