"""Who may act on a remote, until when, and when it is next due.

A claim is a row's `claim_id` and `lease_until`; the broker's messages are hints. Whoever lost
its claim (its lease ran out, an edit intervened) writes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.models import Case, F, Min, Q, QuerySet, When
from django.utils import timezone

from gitrepos.models import GitRepo, Remote

POLL_LEASE_SECONDS = 60
SYNC_LEASE_SECONDS = 180
BATCH_SIZE = 50
MAX_BATCHES = 20
_MAX_BACKOFF_SECONDS = 3600
_SILENCE = timedelta(days=7)
_EPOCH = datetime.fromtimestamp(0, UTC)


class FenceLostError(Exception):
    """The claim ended: nothing that is in flight under it may be applied."""


@dataclass(frozen=True, slots=True)
class Fence:
    """A claim on one remote, checked again in each transaction that writes."""

    remote_id: UUID
    claim_id: UUID


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim on a batch of remotes."""

    id: UUID
    remote_ids: tuple[UUID, ...]


def due(now: datetime) -> list[Claim]:
    """Claim what is due, in batches ordered by host; two callers never get the same remote."""
    if not _due(now).exists():
        return []  # Without this, an idle tick would take SQLite's write lock every second.
    with transaction.atomic():
        rows = _due(now).order_by("next_poll_at")
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True)
        found = list(rows.values_list("host", "pk")[: BATCH_SIZE * MAX_BATCHES])
        ids = [pk for _, pk in sorted(found)]
        batches = [ids[at : at + BATCH_SIZE] for at in range(0, len(ids), BATCH_SIZE)]
        return [_claimed(batch, now) for batch in batches]


def _due(now: datetime) -> QuerySet[Remote]:
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
    return Remote.objects.filter(free, next_poll_at__lte=now)


def _claimed(ids: Sequence[UUID], now: datetime) -> Claim:
    claim = Claim(uuid4(), tuple(ids))
    lease = now + timedelta(seconds=POLL_LEASE_SECONDS)
    Remote.objects.filter(pk__in=ids).update(claim_id=claim.id, lease_until=lease)
    return claim


def hold(fence: Fence, now: datetime) -> Remote:
    """Lock the remote for the rest of the transaction.

    Raises: `FenceLostError` when the claim is another's by now, or its lease ran out.
    """
    row = Remote.objects.select_for_update().filter(pk=fence.remote_id).first()
    if row is None or row.claim_id != fence.claim_id:
        raise FenceLostError("another claim holds this remote")
    if row.lease_until is None or row.lease_until <= now:
        raise FenceLostError("the lease of this claim ran out")
    return row


def renew(fence: Fence) -> None:
    """Extend the lease for a sync. Raises: `FenceLostError`."""
    now = timezone.now()
    with transaction.atomic():
        row = hold(fence, now)
        row.lease_until = now + timedelta(seconds=SYNC_LEASE_SECONDS)
        row.save(update_fields=["lease_until"])


def settle(claim_id: UUID, remote_ids: Iterable[UUID]) -> None:
    """Give back the remotes of a claim in which nothing changed, in one transaction."""
    remote_ids = list(remote_ids)
    if not remote_ids:
        return
    now = timezone.now()
    with transaction.atomic():
        rows = list(
            # In one order everywhere, as an edit locks them, so that nobody waits in a ring.
            Remote.objects.select_for_update()
            .filter(pk__in=remote_ids, claim_id=claim_id, lease_until__gt=now)
            .order_by("pk")
        )
        behind, wanted = _behind(row.pk for row in rows), _wanted(row.pk for row in rows)
        expecting = _expecting((row.pk for row in rows), now)
        for row in rows:
            _give_back(row, now, ok=True, at_once=row.pk in behind, wanted=row.pk in wanted)
            _look_again(row, now, expecting)
        Remote.objects.bulk_update(rows, _GIVEN_BACK)


def finish(fence: Fence, *, ok: bool, at_once: bool = False, stalled: bool = False) -> None:
    """Give back one remote after a sync or a failure.

    A failure doubles the wait up to an hour; `stalled` waits for an edit or a request.
    `at_once` makes it due again without a wait, and so does a link that was edited or asked
    for meanwhile.

    Raises: `FenceLostError`.
    """
    now = timezone.now()
    with transaction.atomic():
        row = hold(fence, now)
        at_once = at_once or row.pk in _behind([row.pk])
        _give_back(row, now, ok=ok, at_once=at_once, wanted=row.pk in _wanted([row.pk]))
        _look_again(row, now, _expecting([row.pk], now))
        if stalled and not at_once:
            row.next_poll_at = None
            row.stalled = True
        row.save(update_fields=_GIVEN_BACK)


_GIVEN_BACK = [
    "claim_id", "lease_until", "last_polled_at", "failures", "stalled", "next_poll_at",
]  # fmt: skip


def _give_back(row: Remote, now: datetime, *, ok: bool, at_once: bool, wanted: bool) -> None:
    row.claim_id = row.lease_until = None
    row.last_polled_at = now
    row.failures = 0 if ok else row.failures + 1
    row.stalled = False
    row.next_poll_at = now if at_once else _next_poll_at(row, now)
    if not wanted:  # Its last link was suspended meanwhile.
        row.next_poll_at = None


def _look_again(row: Remote, now: datetime, expecting: set[UUID]) -> None:
    """A push was announced that the forge does not show yet: look each second, or back off."""
    if row.pk in expecting and row.next_poll_at is not None:
        soon = now + timedelta(seconds=2 ** min(row.failures, 10))
        row.next_poll_at = min(row.next_poll_at, soon)


def _expecting(remote_ids: Iterable[UUID], now: datetime) -> set[UUID]:
    rows = GitRepo.objects.filter(
        GitRepo.expecting(now), suspended=False, remote__in=list(remote_ids)
    )
    return set(rows.values_list("remote_id", flat=True))


def _behind(remote_ids: Iterable[UUID]) -> set[UUID]:
    rows = GitRepo.objects.filter(GitRepo.behind(), remote__in=list(remote_ids))
    return set(rows.values_list("remote_id", flat=True))


def _wanted(remote_ids: Iterable[UUID]) -> set[UUID]:
    rows = GitRepo.objects.filter(suspended=False, remote__in=list(remote_ids))
    return set(rows.values_list("remote_id", flat=True))


def _next_poll_at(row: Remote, now: datetime) -> datetime:
    if not row.failures:
        return next_slot(row.pk, row.interval_seconds, now)
    wait = row.interval_seconds * 2 ** min(row.failures - 1, 20)
    longest = max(_MAX_BACKOFF_SECONDS, row.interval_seconds)
    return now + timedelta(seconds=min(wait, longest))


def next_slot(remote_id: UUID, interval_seconds: int, now: datetime) -> datetime:
    """The first moment after `now` that is this remote's turn.

    Its phase within the interval comes from its id and never moves, so remotes spread evenly
    without jitter, a missed turn is skipped, and none drifts towards a herd.
    """
    interval_us = interval_seconds * 1_000_000
    phase = remote_id.int % interval_us
    now_us = (now - _EPOCH) // timedelta(microseconds=1)
    turn = (now_us - phase) // interval_us + 1
    return _EPOCH + timedelta(microseconds=turn * interval_us + phase)


def reschedule(remote: Remote) -> None:
    """Take interval and turn from the links as they are now; due at once if one is behind.

    To be called in the transaction that changed a link, with `remote` locked.
    """
    now = timezone.now()
    asked = interval(remote, now)
    remote.stalled = False
    remote.failures = 0
    remote.interval_seconds = asked or remote.interval_seconds
    if asked is None:
        remote.next_poll_at = None
    elif remote.pk in _behind([remote.pk]):
        remote.next_poll_at = now
    else:
        remote.next_poll_at = next_slot(remote.pk, remote.interval_seconds, now)
    remote.save(update_fields=["stalled", "failures", "interval_seconds", "next_poll_at"])


def interval(remote: Remote, now: datetime) -> int | None:
    """The seconds between polls that its links ask for; None when all are suspended.

    A link with `webhook_poll_interval_seconds` asks for that one while webhooks come.
    """
    heard = When(
        ~silent(now), webhook_poll_interval_seconds__isnull=False,
        then=F("webhook_poll_interval_seconds"),
    )  # fmt: skip
    pace = Min(Case(heard, default=F("poll_interval_seconds")))
    found: int | None = remote.links.filter(suspended=False).aggregate(pace=pace)["pace"]
    return found


def silent(now: datetime) -> Q:
    """Links that no genuine webhook reached for a week."""
    heard = Q(last_delivery_at__isnull=False, last_delivery_at__gt=now - _SILENCE)
    return ~heard


def retry_stalled() -> int:
    """Make every stalled remote due: what stalls depends on settings read at the start."""
    return Remote.objects.filter(stalled=True).update(stalled=False, next_poll_at=timezone.now())


def forget_all() -> int:
    """End every claim. Only for a start at which no other worker can be alive."""
    return Remote.objects.filter(claim_id__isnull=False).update(claim_id=None, lease_until=None)
