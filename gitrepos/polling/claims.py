"""Claims on remotes: who has one to work at, and gives it back.

A claim is a row's `claim_id` and `lease_until`; the broker's messages are hints. A worker whose
claim ended (the lease ran out, an edit came between) writes nothing.
"""

import contextlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Greatest, Least, Power
from django.utils import timezone

from gitrepos.errors import RateLimitedError
from gitrepos.models import Link, Remote
from gitrepos.polling import hosts, schedule
from gitrepos.polling.gate import Gate
from gitrepos.polling.probing import LONGEST_WAIT_SECONDS, MOST_DOUBLED, Due, Seen
from gitrepos.polling.turns import after, next_turn
from keeptrusts import statements
from keeptrusts.processes.due import Moment
from keeptrusts.statements import BoundQuery, together

# What a dead worker costs. A living one renews its leases, see `leases`, for as long as a poll or
# a sync may take.
LEASE_SECONDS = 30
POLL_SECONDS = 60
SYNC_SECONDS = 180
BATCH_SIZE = 500
_PROBES_AT_ONCE = 100
# The clocks of two workers may differ by this.
SKEW_SECONDS = 60


class FenceLostError(Exception):
    """The claim ended: work in flight under it must not be applied."""


@dataclass(frozen=True, slots=True)
class Fence:
    """A claim on one remote, checked in each transaction that writes."""

    remote_id: UUID
    claim_id: UUID


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim on a batch of remotes; with `more`, others may be due as well.

    Its remotes have places at the gate until they leave.
    """

    id: UUID
    remote_ids: tuple[UUID, ...]
    more: bool = False
    gate: Gate = field(default_factory=Gate)


def due(now: datetime, gate: Gate | None = None) -> Claim | None:
    """Claim the most overdue remotes, a batch at most; two callers never get the same one.

    Remotes that somebody asked for get up to half of the batch, however long others have waited.
    Remotes of a resting host, of a paused credential or without a place at the gate stay due.
    """
    gate = gate or Gate()
    troubles = hosts.in_trouble()
    free = _free(now, gate.shut())
    rows = hosts.outside(free.filter(next_poll_at__lte=now), troubles, lasting=now)
    limit = min(BATCH_SIZE, gate.room())
    if limit > 0:
        hosts.hurry(free, rows, troubles, now)
    if limit <= 0 or not rows.exists():
        return None  # Without this, an idle tick would take SQLite's write lock every second.
    with transaction.atomic():
        remotes = _first(hosts.outside(rows, troubles), limit)
        more = len(remotes) == BATCH_SIZE
        if probes := hosts.probes(rows, troubles, now, limit=_PROBES_AT_ONCE):
            remotes += _some(rows.filter(pk__among=probes), _PROBES_AT_ONCE)
        chosen = hosts.chosen(remotes, troubles, now)
        with gate.entering((one.host, one.remote_id) for one in chosen) as ids:
            claim = Claim(uuid4(), tuple(ids), more, gate)
            lease = now + timedelta(seconds=LEASE_SECONDS)
            Remote.objects.filter(pk__among=ids).update(claim_id=claim.id, lease_until=lease)
    return claim if claim.remote_ids else None


def due_rows(now: Moment) -> Iterable[QuerySet[Any]]:
    """What a tick is told of: rows of remotes that `due` may claim, or hosts that it hurries."""
    rows = _free(now).filter(next_poll_at__lte=now)
    return hosts.apart(rows, lasting=now), hosts.unprobed(now)


def _first(rows: QuerySet[Remote], limit: int) -> list[Due]:
    """The most overdue remotes, up to half of them asked for."""
    asked = _some(rows.filter(asked=True).order_by("next_poll_at"), (limit + 1) // 2)
    others = rows.exclude(pk__among=[one.remote_id for one in asked]) if asked else rows
    return asked + _some(others.order_by("next_poll_at"), limit - len(asked))


def _some(rows: QuerySet[Remote], limit: int) -> list[Due]:
    """The first rows, locked; rows that another caller is about to claim are skipped."""
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(skip_locked=True)
    facts = ("pk", "host", "credential_digest", "asked", hosts.SETBACKS, "next_poll_at")
    return [Due(*row) for row in rows.values_list(*facts)[:limit]]


def _free(now: datetime | Moment, closed: Collection[str] = ()) -> QuerySet[Remote]:
    # A lease longer than the longest, which the release before wrote for a whole sync, was written
    # by a clock that was set back since.
    longest = now + timedelta(seconds=SYNC_SECONDS + SKEW_SECONDS)
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=now) | Q(lease_until__gt=longest)
    unlimited = Q(limited_until__isnull=True) | Q(limited_until__lte=now)
    rows = Remote.objects.filter(free, unlimited)
    return rows.exclude(host__in=closed) if closed else rows


def lock(fence: Fence, now: datetime) -> Remote:
    """Lock the remote for the rest of the transaction.

    Raises:
        FenceLostError: another claim holds the remote, or the lease ran out.
    """
    return held(_locked(pk=fence.remote_id), fence, now)


def locking(fence: Fence) -> BoundQuery[list[Remote]]:
    """The question that locks the remote; `held` takes its answer."""
    return _locked.of(pk=fence.remote_id)


def held(found: Sequence[Remote], fence: Fence, now: datetime) -> Remote:
    """The locked remote, if the claim holds it.

    Raises:
        FenceLostError: another claim holds the remote, or the lease ran out.
    """
    row = found[0] if found else None
    if row is None or row.claim_id != fence.claim_id:
        raise FenceLostError("another claim holds this remote")
    if not lasts(row, now):
        raise FenceLostError("the lease of this claim ran out")
    return row


_locked = statements.objects(lambda pk: Remote.objects.select_for_update().filter(pk=pk), pk=UUID)


def lasts(row: Remote, now: datetime) -> bool:
    """Whether the lease of a remote's claim has not run out."""
    return row.lease_until is not None and row.lease_until > now


def extend(claim_id: UUID, remote_ids: Collection[UUID]) -> None:
    """Extend the leases of those remotes that a claim still holds."""
    with _held_batch(claim_id, remote_ids, timezone.now()) as ids:
        # It may have waited for what the worker itself had locked.
        Remote.objects.filter(pk__among=ids).update(
            lease_until=timezone.now() + timedelta(seconds=LEASE_SECONDS)
        )


def settle(claim_id: UUID, remote_ids: Collection[UUID]) -> None:
    """Give back the unchanged remotes of a claim, in one update where their links are quiet too."""
    if not remote_ids:
        return
    now = timezone.now()
    with _held_batch(claim_id, remote_ids, now) as ids:
        rows = Remote.objects.filter(pk__among=ids)
        is_quiet = _are_quiet(ids, now)
        # What is looked for beside each row of many takes most of the time of the update.
        columns = _QUIET | {"next_poll_at": next_turn(now)} if is_quiet else _by_links(now)
        rows.update(
            claim_id=None, lease_until=None, last_polled_at=now, failures=0, put_off=0,
            stalled=False, found=None, waits_since=None, **columns,
        )  # fmt: skip


_QUIET: dict[str, Any] = {"limited_until": None, "asked": False}


def _are_quiet(ids: Collection[UUID], now: datetime) -> bool:
    """Whether each of these remotes has links that are polled, and none that asks for more."""
    links = Link.objects.filter(Link.polled(), remote__id__among=ids)
    busy = Link.behind() | Link.expecting(now) | Q(error_code=RateLimitedError.code)
    found = links.aggregate(remotes=Count("remote", distinct=True), busy=Count("pk", filter=busy))
    return found == {"remotes": len(ids), "busy": 0}


def _by_links(now: datetime) -> dict[str, Any]:
    """What of a remote follows from its links, as expressions over its row."""
    links = Link.objects.filter(Link.polled(), remote=OuterRef("pk"))
    behind = links.filter(Link.behind())
    refused = links.filter(error_code=RateLimitedError.code)  # Fetches, not checks.
    turn = Case(
        # Its last link is settled, or was suspended meanwhile.
        When(~Exists(links), then=Value(None)),
        When(Exists(behind), then=Value(now)),
        When(Exists(links.filter(Link.expecting(now))), then=Value(schedule.soon(now))),
        default=next_turn(now),
    )
    limited_until = Case(When(Exists(refused), then=F("limited_until")), default=Value(None))
    return {"limited_until": limited_until, "asked": Exists(behind), "next_poll_at": turn}


def release(claim_id: UUID, remote_ids: Collection[UUID]) -> None:
    """Give back remotes of a claim that were not polled; they are due as before."""
    if not remote_ids:
        return
    with _held_batch(claim_id, remote_ids, timezone.now()) as ids:
        Remote.objects.filter(pk__among=ids).update(claim_id=None, lease_until=None)


def learn(claim_id: UUID, answers: Sequence[Seen], asked_at: datetime) -> set[UUID]:
    """Give back the remotes whose failure, or missing poll, is that of their host or credential.

    `asked_at` is when the first of them was polled. Returns their ids.
    """
    unasked = {one.remote_id for one in answers if one.unasked}
    put_off = hosts.note(answers, asked_at).put_off
    release(claim_id, unasked)
    if put_off:
        _put_off(claim_id, put_off)
    return unasked | put_off.keys()


def _put_off(claim_id: UUID, remotes: Mapping[UUID, datetime | None]) -> None:
    """Give back remotes; each waits until the moment given for it, or else for its back-off.

    Their links show no failure. A remote that somebody asked for keeps its place.
    """
    now = timezone.now()
    with _held_batch(claim_id, remotes.keys(), now) as ids:
        alike = defaultdict(list)
        for pk in ids:
            alike[remotes[pk]].append(pk)
        keeps = Q(next_poll_at__isnull=True) | Q(asked=True)
        for until, some in alike.items():
            later = Value(until) if until else _backed_off(now)
            Remote.objects.filter(pk__among=some).update(
                claim_id=None, lease_until=None, found=None, waits_since=None, last_polled_at=now,
                put_off=F("put_off") + 1, limited_until=until,
                next_poll_at=Case(When(keeps, then=F("next_poll_at")), default=later),
            )  # fmt: skip


def _backed_off(now: datetime) -> Combinable:
    """The end of `probing.wait` after one more setback, as an expression over a remote's row."""
    links = Link.objects.filter(Link.polled(), remote=OuterRef("pk"))
    often = links.order_by("poll_interval_seconds").values("poll_interval_seconds")[:1]
    seconds = Coalesce(Subquery(often), F("interval_seconds"))
    doubled = seconds * Power(2, Least(hosts.SETBACKS, MOST_DOUBLED))
    return after(now, Least(doubled, Greatest(seconds, LONGEST_WAIT_SECONDS)))


@contextlib.contextmanager
def _held_batch(
    claim_id: UUID, remote_ids: Collection[UUID], now: datetime
) -> Iterator[Sequence[UUID]]:
    """The remotes that the claim still holds, by id, locked for one transaction."""
    with transaction.atomic():
        mine = Remote.objects.filter(pk__among=remote_ids, claim_id=claim_id, lease_until__gt=now)
        # In one order everywhere, as an edit locks them, so that nobody waits in a ring. And
        # apart from the update: a statement that waited for a lock sees the locked row anew,
        # but not what the other transaction wrote beside it, such as a request for a sync.
        yield list(mine.select_for_update().order_by("pk").values_list("pk", flat=True))


def finish(
    fence: Fence,
    *,
    ok: bool,
    at_once: bool = False,
    stalled: bool = False,
    keeps_pace: bool = False,
    limited_until: datetime | None = None,
) -> None:
    """Give back one remote after a sync or a failure.

    Each failure doubles the wait, up to an hour, or to a minute where its host is silent; one that
    `keeps_pace` does not count. With `stalled` it waits for an edit or a request. `at_once` makes
    it due at once, and so does a link that was edited or asked to sync meanwhile. It is never
    polled before `limited_until`.

    Raises:
        FenceLostError: the claim ended.
    """
    now = timezone.now()
    with transaction.atomic():
        locked, standing = together(locking(fence), schedule.standing(fence.remote_id, now))
        row = held(locked, fence, now)
        failures = row.failures if keeps_pace else row.failures + 1
        row.failures, row.put_off = (0, 0) if ok else (failures, row.put_off)
        if ok or limited_until:
            row.limited_until = limited_until
        _end(row, now, standing, at_once=at_once, stalled=stalled)


def give_back(row: Remote, now: datetime, *, at_once: bool) -> None:
    """Give back a remote after a sync that went well, as `finish` does, in its own transaction.

    `row` is locked, and the sync's link is written.
    """
    row.failures, row.put_off, row.limited_until = 0, 0, None
    [standing] = together(schedule.standing(row.pk, now))
    _end(row, now, standing, at_once=at_once, stalled=False)


def _end(
    row: Remote, now: datetime, standing: Sequence[Any], *, at_once: bool, stalled: bool
) -> None:
    row.claim_id = row.lease_until = row.found = row.waits_since = None
    row.last_polled_at = now
    schedule.plan(row, now, standing, at_once=at_once, stalled=stalled)
    statements.write(row, [*Remote.CLAIM, *Remote.SCHEDULE])


def wake_late(now: datetime) -> int:
    """Reschedule remotes that are due later than the longest wait; returns how many.

    A clock that was set back leaves such times. A remote that somebody asked for is due now.
    """
    well = When(failures=0, put_off=0, then=F("interval_seconds"))
    longest = Case(well, default=Greatest(F("interval_seconds"), LONGEST_WAIT_SECONDS))
    late = Q(next_poll_at__gt=after(now, longest + SKEW_SECONDS)) | Q(
        asked=True, next_poll_at__gt=now + timedelta(seconds=SKEW_SECONDS)
    )
    turn = Case(When(asked=True, then=Value(now)), default=next_turn(now))
    return Remote.objects.filter(late).update(next_poll_at=turn)


def forget_all() -> int:
    """End every claim; only for a start at which no other worker can run."""
    return Remote.objects.filter(claim_id__isnull=False).update(claim_id=None, lease_until=None)
