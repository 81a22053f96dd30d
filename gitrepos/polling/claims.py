"""Who may act on a remote, until when, and when it is next due.

A claim is a row's `claim_id` and `lease_until`; the broker's messages are hints. Whoever lost
its claim (its lease ran out, an edit intervened) writes nothing.
"""

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.models import Case, Exists, F, Min, OuterRef, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Greatest
from django.utils import timezone

from gitrepos.errors import RateLimitedError
from gitrepos.models import Link, Remote
from gitrepos.polling import hosts
from gitrepos.polling.gate import Gate
from gitrepos.polling.probing import LONGEST_WAIT_SECONDS, Due, Seen, wait
from gitrepos.polling.turns import after, next_turn

POLL_LEASE_SECONDS = 60
SYNC_LEASE_SECONDS = 180
BATCH_SIZE = 500
_PROBES_AT_ONCE = 100
_OUTCOME = (
    "claim_id", "lease_until", "last_polled_at", "failures", "put_off", "limited_until", "stalled",
    "next_poll_at", "asked",
)  # fmt: skip
# What the clocks of two workers may differ by.
SKEW_SECONDS = 60
_SILENCE = timedelta(days=7)


class FenceLostError(Exception):
    """The claim ended: nothing that is in flight under it may be applied."""


@dataclass(frozen=True, slots=True)
class Fence:
    """A claim on one remote, checked again in each transaction that writes."""

    remote_id: UUID
    claim_id: UUID


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim on a batch of remotes; `more` says that others may be due as well.

    Its remotes have places at the gate until they leave.
    """

    id: UUID
    remote_ids: tuple[UUID, ...]
    more: bool = False
    gate: Gate = field(default_factory=Gate)


def due(now: datetime, gate: Gate | None = None) -> Claim | None:
    """Claim the most overdue remotes, a batch at most; two callers never get the same one.

    Up to half are those that somebody asked for, however long others have waited. Those that wait
    for a host that rests or a credential that pauses, or have no place at the gate, stay due.
    """
    gate = gate or Gate()
    troubles = hosts.in_trouble()
    rows = hosts.outside(_due(now, gate.shut()), troubles, lasting=now)
    limit = min(BATCH_SIZE, gate.room())
    if limit <= 0 or not rows.exists():
        return None  # Without this, an idle tick would take SQLite's write lock every second.
    with transaction.atomic():
        found = _first(hosts.outside(rows, troubles), limit)
        more = len(found) == BATCH_SIZE
        if troubles:
            probes = [row.pk for row in hosts.probes(rows, _PROBES_AT_ONCE)]
            found += _some(rows.filter(pk__in=probes), _PROBES_AT_ONCE)
        chosen = hosts.chosen(found, troubles, now)
        with gate.entering((one.host, one.remote_id) for one in chosen) as ids:
            claim = Claim(uuid4(), tuple(ids), more, gate)
            lease = now + timedelta(seconds=POLL_LEASE_SECONDS)
            Remote.objects.filter(pk__in=ids).update(claim_id=claim.id, lease_until=lease)
    return claim if claim.remote_ids else None


def _first(rows: QuerySet[Remote], limit: int) -> list[Due]:
    """The most overdue, up to half of them asked for."""
    asked = _some(rows.filter(asked=True).order_by("next_poll_at"), (limit + 1) // 2)
    others = rows.exclude(pk__in=[one.remote_id for one in asked])
    return asked + _some(others.order_by("next_poll_at"), limit - len(asked))


def _some(rows: QuerySet[Remote], limit: int) -> list[Due]:
    """The first, locked; those that another caller is about to claim are passed over."""
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(skip_locked=True)
    facts = ("pk", "host", "credential_digest", "asked", hosts.SETBACKS, "next_poll_at")
    return [Due(*row) for row in rows.values_list(*facts)[:limit]]


def _due(now: datetime, closed: Collection[str]) -> QuerySet[Remote]:
    # A lease longer than any is one of a clock that was set back since.
    longest = now + timedelta(seconds=SYNC_LEASE_SECONDS + SKEW_SECONDS)
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=now) | Q(lease_until__gt=longest)
    told = Q(limited_until__isnull=True) | Q(limited_until__lte=now)
    rows = Remote.objects.filter(free, told, next_poll_at__lte=now)
    return rows.exclude(host__in=closed) if closed else rows


def lock(fence: Fence, now: datetime) -> Remote:
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
        row = lock(fence, now)
        row.lease_until = now + timedelta(seconds=SYNC_LEASE_SECONDS)
        row.save(update_fields=["lease_until"])


def settle(claim_id: UUID, remote_ids: Collection[UUID]) -> None:
    """Give back the remotes of a claim in which nothing changed, all at once."""
    if not remote_ids:
        return
    now = timezone.now()
    with _held_batch(claim_id, remote_ids, now) as rows:
        links = Link.objects.filter(remote=OuterRef("pk"), suspended=False)
        behind = links.filter(Link.behind())
        refused = links.filter(error_code=RateLimitedError.code)  # Its fetches are, not its checks.
        told = Case(When(Exists(refused), then=F("limited_until")), default=Value(None))
        turn = Case(
            When(~Exists(links), then=Value(None)),  # Its last link was suspended meanwhile.
            When(Exists(behind), then=Value(now)),
            When(Exists(links.filter(Link.expecting(now))), then=Value(_soon(now))),
            default=next_turn(now),
        )
        rows.update(
            claim_id=None, lease_until=None, last_polled_at=now, failures=0, put_off=0,
            limited_until=told, stalled=False, next_poll_at=turn, asked=Exists(behind),
        )  # fmt: skip


def release(claim_id: UUID, remote_ids: Collection[UUID]) -> None:
    """Give back the remotes of a claim that could not be asked: they are due as they were."""
    if not remote_ids:
        return
    with _held_batch(claim_id, remote_ids, timezone.now()) as rows:
        rows.update(claim_id=None, lease_until=None)


def learn(claim_id: UUID, answers: Sequence[Seen], asked_at: datetime) -> set[UUID]:
    """Give back the remotes that failed, or were not asked, for no reason of their own.

    `asked_at` is when the first of them was asked. Returns which they are.
    """
    unasked = {one.remote_id for one in answers if one.unasked}
    put_off = hosts.note(answers, asked_at).put_off
    release(claim_id, unasked)
    if put_off:
        _put_off(claim_id, put_off)
    return unasked | put_off.keys()


def _put_off(claim_id: UUID, remotes: Mapping[UUID, datetime | None]) -> None:
    """Their links show no failure; each waits until it was told to, or else for its back-off.

    Who asked keeps the place.
    """
    now = timezone.now()
    with _held_batch(claim_id, remotes.keys(), now) as rows:
        for row in rows:
            told = remotes[row.pk]
            row.claim_id = row.lease_until = None
            row.last_polled_at = now
            row.put_off += 1
            row.limited_until = told
            if row.next_poll_at is not None and not row.asked:
                row.next_poll_at = told or now + wait(row.interval_seconds, row.setbacks)
            row.save(update_fields=_OUTCOME)


@contextlib.contextmanager
def _held_batch(
    claim_id: UUID, remote_ids: Collection[UUID], now: datetime
) -> Iterator[QuerySet[Remote]]:
    """Those that the claim still holds, locked for one transaction."""
    with transaction.atomic():
        mine = Remote.objects.filter(pk__in=remote_ids, claim_id=claim_id, lease_until__gt=now)
        # In one order everywhere, as an edit locks them, so that nobody waits in a ring. And
        # apart from the update: a statement that waited for a lock sees the locked row anew,
        # but not what the other transaction wrote beside it, such as a request for a sync.
        locked = list(mine.select_for_update().order_by("pk").values_list("pk", flat=True))
        yield Remote.objects.filter(pk__in=locked)


def finish(
    fence: Fence,
    *,
    ok: bool,
    at_once: bool = False,
    stalled: bool = False,
    limited_until: datetime | None = None,
) -> None:
    """Give back one remote after a sync or a failure.

    A failure doubles the wait up to an hour; `stalled` waits for an edit or a request.
    `at_once` makes it due again without a wait, and so does a link that was edited or asked
    for meanwhile. Nothing does before `limited_until`.

    Raises: `FenceLostError`.
    """
    now = timezone.now()
    with transaction.atomic():
        row = lock(fence, now)
        row.claim_id = row.lease_until = None
        row.last_polled_at = now
        row.failures, row.put_off = (0, 0) if ok else (row.failures + 1, row.put_off)
        if ok or limited_until:
            row.limited_until = limited_until
        links = row.links.filter(suspended=False)
        row.asked = links.filter(Link.behind()).exists()
        at_once = at_once or row.asked
        row.stalled = stalled and not at_once
        if row.stalled or not links.exists():  # Its last link was suspended meanwhile.
            row.next_poll_at = None
        elif at_once:
            row.next_poll_at = now
        elif links.filter(Link.expecting(now)).exists():
            row.next_poll_at = _soon(now, row.failures)
        else:
            row.next_poll_at = _next_poll_at(row, now)
        row.save(update_fields=_OUTCOME)


def _soon(now: datetime, failures: int = 0) -> datetime:
    """When to look again for a push that was announced and that the forge does not show yet."""
    return now + timedelta(seconds=2 ** min(failures, 6))


def _next_poll_at(row: Remote, now: datetime) -> datetime | Combinable:
    if not row.failures:
        return next_turn(now)
    return max(now + wait(row.interval_seconds, row.setbacks), row.limited_until or now)


def ask(remote: Remote, now: datetime) -> None:
    """Make it due, before those that are due by their turn. Who asks again keeps its place."""
    remote.next_poll_at = min(remote.next_poll_at or now, now)
    remote.asked = True


def reschedule(remote: Remote) -> None:
    """Take interval and turn from the links as they are now; due at once if one is behind.

    To be called in the transaction that changed a link, with `remote` locked.
    """
    now = timezone.now()
    asked = interval(remote, now)
    remote.stalled = remote.asked = False
    remote.failures = 0
    remote.interval_seconds = asked or remote.interval_seconds
    if asked is None:
        remote.next_poll_at = None
    elif remote.links.filter(Link.behind()).exists():
        ask(remote, now)
    else:
        remote.next_poll_at = next_turn(now)
    remote.save(update_fields=["stalled", "failures", "interval_seconds", "next_poll_at", "asked"])


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


def wake_late(now: datetime) -> int:
    """Give those a turn that wait longer than anything does; returns how many.

    Whoever's clock is set back has written times that lie far ahead. What somebody asked for
    waits for nothing.
    """
    well = When(failures=0, put_off=0, then=F("interval_seconds"))
    longest = Case(well, default=Greatest(F("interval_seconds"), LONGEST_WAIT_SECONDS))
    late = Q(next_poll_at__gt=after(now, longest + SKEW_SECONDS)) | Q(
        asked=True, next_poll_at__gt=now + timedelta(seconds=SKEW_SECONDS)
    )
    turn = Case(When(asked=True, then=Value(now)), default=next_turn(now))
    return Remote.objects.filter(late).update(next_poll_at=turn)


def forget_all() -> int:
    """End every claim. Only for a start at which no other worker can be alive."""
    return Remote.objects.filter(claim_id__isnull=False).update(claim_id=None, lease_until=None)
