"""Which hosts are left alone for a while, and why.

A host cools down when it asks for fewer calls, or when three of its remotes in a row could not
reach it. What is due there stays due, keeps its order and counts no failure.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from gitrepos.errors import (
    BusyError,
    RateLimitedError,
    RemoteError,
    TimedOutError,
    UnreachableError,
)
from gitrepos.models import Host, Remote

_ENOUGH = 3
_COOL_SECONDS = 60
_MAX_COOL_SECONDS = 3600
# Longer than a check may take: until its answer is there, the probe is the only one.
_PROBE_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Reached:
    """How a host did by a remote that was asked at `asked_at`."""

    host: str
    remote_id: UUID
    asked_at: datetime
    error: RemoteError | None


def resting(now: datetime) -> list[str]:
    """Hosts that cool down."""
    return list(Host.objects.filter(cooling_until__gt=now).values_list("pk", flat=True))


def probing(found: Sequence[tuple[str, UUID]], now: datetime) -> list[tuple[str, UUID]]:
    """Of remotes that are due, by host and id: of a host that has cooled down the first alone.

    To be called in the claim's transaction.
    """
    troubled = Host.objects.filter(pk__in={host for host, _ in found}, cooling_until__isnull=False)
    may_probe = {host.pk: _is_prober(host, now) for host in troubled}
    taken = []
    for host, remote_id in found:
        if may_probe.get(host, True):
            taken.append((host, remote_id))
        if host in may_probe:
            may_probe[host] = False
    return taken


def _is_prober(host: Host, now: datetime) -> bool:
    """Whether this caller, and no other, may try a host again."""
    cooled = Host.objects.filter(pk=host.pk, cooling_until=host.cooling_until)
    until = now + timedelta(seconds=_PROBE_SECONDS)
    due = host.cooling_until is not None and host.cooling_until <= now
    return due and cooled.update(cooling_until=until, code="") == 1


def note(seen: Collection[Reached]) -> set[UUID]:
    """Learn from how hosts did; returns the remotes whose failure is not their own."""
    answered = {one.host for one in seen if not isinstance(one.error, _OF_HOSTS)}
    # Who asked for a pause is not asked again because an answer was still on its way.
    well = Host.objects.filter(pk__in=answered).exclude(code=RateLimitedError.code)
    if well.exists():
        well.delete()
    put_off, unreached = set(), defaultdict(list)
    for one in seen:
        if isinstance(one.error, RateLimitedError):
            rest(one.host, one.error)
        if isinstance(one.error, RateLimitedError | BusyError):
            put_off.add(one.remote_id)
        elif isinstance(one.error, _OF_HOSTS) and one.host not in answered:
            unreached[one.host].append(one)
    down = [failed for host, failed in unreached.items() if _is_down(host, failed)]
    return put_off.union(one.remote_id for failed in down for one in failed)


def rest(host: str, error: RateLimitedError) -> None:
    """Leave a host alone for as long as it asks, an hour at most; a minute where it names none."""
    until = timezone.now() + timedelta(seconds=_seconds(error))
    with transaction.atomic():
        row, _ = Host.objects.select_for_update().get_or_create(pk=host)
        row.cooling_until = max(row.cooling_until or until, until)
        row.code = error.code
        row.save()


def troubles(now: datetime) -> dict[str, dict[str, str]]:
    """What the links of the hosts that cool down show: code and message, by host."""
    rows = Host.objects.filter(cooling_until__gt=now).exclude(code="")
    return {row.pk: {"code": row.code, "message": _told(row)} for row in rows}


def _told(row: Host) -> str:
    until = f"{row.cooling_until:%Y-%m-%dT%H:%M:%SZ}"
    if row.code == RateLimitedError.code:
        return f"{row.pk} asks for fewer calls; it is asked again after {until}."
    return (
        f"{row.pk} could not be reached for any of its repositories; it is tried again at {until}."
    )


def forget_unused() -> None:
    """Drop the hosts that no remote is on any more."""
    remotes = Remote.objects.filter(host=OuterRef("pk"))
    Host.objects.exclude(Exists(remotes)).delete()


def wake_late(now: datetime) -> None:
    """Shorten pauses that are longer than any: a clock was set back since."""
    longest = now + timedelta(seconds=_MAX_COOL_SECONDS)
    Host.objects.filter(cooling_until__gt=longest).update(cooling_until=longest)


_OF_HOSTS = (RateLimitedError, UnreachableError, TimedOutError)


def _seconds(error: RateLimitedError) -> int:
    asked = error.retry_after_seconds
    return _COOL_SECONDS if asked is None else min(max(asked, 1), _MAX_COOL_SECONDS)


def _is_down(host: str, failed: Collection[Reached]) -> bool:
    """Count these against a host that has not answered since they were asked."""
    since = min(one.asked_at for one in failed)
    if Remote.objects.filter(host=host, failures=0, last_polled_at__gte=since).exists():
        return False
    with transaction.atomic():
        row, _ = Host.objects.select_for_update().get_or_create(pk=host)
        ids = dict.fromkeys([*row.unreached, *(str(one.remote_id) for one in failed)])
        row.unreached = list(ids)[:_ENOUGH]
        is_down = row.cooling_until is not None or len(row.unreached) == _ENOUGH
        if is_down:
            row.cooling_until = timezone.now() + timedelta(seconds=_COOL_SECONDS)
            row.code = UnreachableError.code
        row.save()
    return is_down
