"""Pins, which keep a version in force whatever git says: pin, release, expiry."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from configurations import versions
from configurations.models import Configuration
from configurations.publish import publish
from configurations.requests import guard
from configurations.versions import Origin
from events import audit, log
from keeptrusts.api.errors import ConflictError, FieldError
from keeptrusts.processes.due import Moment


def pin(
    configuration_id: str,
    *,
    number: int | None,
    origin: Origin,
    reason: str,
    expires_at: datetime | None,
) -> None:
    """Pin the version in force, or put version `number` in force and pin that.

    Pinning again changes version, reason and expiry.

    Raises:
        NotFoundError: there is no such configuration or version.
        ConflictError: the configuration is archived (`archived`), or needs a second person
            (`second_person_needed`).
        FieldError: the expiry has passed.
    """
    now = timezone.now()
    if expires_at is not None and expires_at <= now:
        raise FieldError("expires_at", "must lie in the future")
    with transaction.atomic():
        seq = publish()
        row = versions.locked(configuration_id)
        versions.check_active(row)
        before, upon = versions.audited(row), guard.standing(row)
        facts = () if number is None else versions.bring_back(row, number, origin, seq=seq)
        row.pinned_at, row.pin_expires_at, row.updated_at = now, expires_at, now
        row.pin_reason, row.pin_actor = reason, origin.actor
        after = versions.audited(row)
        guard.content(row, "pin", before, after, upon=upon)
        row.save(force_update=True)
        audit.record("configuration.pinned", row.pk, before=before, after=after, facts=facts)
        details = {"actor": origin.actor, "reason": reason, "version": row.version}
        _record(log.Kind.PINNED, row, f"{origin.actor} pinned it: {reason}", **details)


def release(configuration_id: str, *, actor: str) -> None:
    """End a pin; the file in git comes into force with the next sync.

    Raises:
        NotFoundError: there is no such configuration.
        ConflictError: it is not pinned (`not_pinned`), or needs a second person
            (`second_person_needed`).
    """
    with transaction.atomic():
        publish()
        row = versions.locked(configuration_id)
        if row.pinned_at is None:
            raise ConflictError("not_pinned", f"{row.pk!r} is not pinned.")
        _release(row, f"{actor} released the pin.", actor=actor, by_person=True)


def expired(now: datetime, *, limit: int) -> list[str]:
    """The ids of configurations whose pin has expired, the longest ago first."""
    rows = Configuration.objects.filter(pin_expires_at__lte=now).order_by("pin_expires_at", "pk")
    return list(rows.values_list("pk", flat=True)[:limit])


def due_rows(now: Moment) -> Iterable[QuerySet[Any]]:
    """What the end of pins is told of: those whose time has passed."""
    return (Configuration.objects.filter(pin_expires_at__lte=now),)


def is_expired(configuration_id: str, now: datetime) -> bool:
    """True when a configuration has a pin that has expired."""
    return Configuration.objects.filter(pk=configuration_id, pin_expires_at__lte=now).exists()


def expire(configuration_id: str) -> None:
    """End a pin that has expired; nothing happens if it was released or renewed meanwhile."""
    with transaction.atomic():
        publish()
        row = versions.locked(configuration_id)
        if row.pin_expires_at is None or row.pin_expires_at > timezone.now():
            transaction.set_rollback(True)
            return
        _release(row, "The pin expired.", actor="")


def _release(row: Configuration, message: str, *, actor: str, by_person: bool = False) -> None:
    details, before = {"actor": actor, "reason": row.pin_reason}, versions.audited(row)
    upon = guard.standing(row)
    row.pinned_at = row.pin_expires_at = None
    row.pin_reason = row.pin_actor = ""
    if row.content_hash != row.git_hash:
        row.git_hash = ""  # So the next sync puts the file in git in force.
    row.updated_at, after = timezone.now(), versions.audited(row)
    guard.content(row, "unpin", before, after, upon=upon, guarded=by_person and row.four_eyes)
    row.save(force_update=True)
    audit.record("configuration.unpinned", row.pk, before=before, after=after)
    _record(log.Kind.UNPINNED, row, message, **details)


def _record(kind: log.Kind, row: Configuration, message: str, **details: object) -> None:
    log.record(kind, message, git_repo=row.owner, configuration=row.pk, details=details)
