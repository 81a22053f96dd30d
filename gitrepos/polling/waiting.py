"""Syncs that wait for a worker, and whose turn it is.

What a poll found stands in the row of its remote until a worker takes it. A message to the
workers names nobody: whoever gets one takes the sync whose turn it is by then.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Case, Max, Min, Q, QuerySet, Value, When
from django.utils import timezone

from gitrepos.models import Link, Remote
from gitrepos.polling import claims, hosts, measures
from gitrepos.polling.claims import Fence
from keeptrusts.processes.due import Moment

# What waits for longer is as urgent as what somebody asked for.
_LONG = timedelta(minutes=2)
# A sync that began before is forgotten: whose turn it was then says nothing now.
_REMEMBERED = timedelta(minutes=10)
# A message may be lost. Until then the workers may be on their way to it.
_OVERLOOKED = timedelta(seconds=2)
# What waits for longer is polled again, for newer commits.
WAITING_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Found:
    """What a poll found: where the refs stand, and which requests and edits it answers.

    `requests` has the `requested_seq` and `edits` the `generation` of links that were behind, by
    id, as it was before the forge was asked. `trace_id` is that of the first such request, or of
    the poll. `kills` counts the last syncs of the remote that never came to an end, because their
    process did.
    """

    heads: Mapping[str, str]
    requests: Mapping[UUID, int] = field(default_factory=dict)
    edits: Mapping[UUID, int] = field(default_factory=dict)
    trace_id: str = ""
    kills: int = 0

    def request(self, link: Link) -> int:
        """The last request for a sync of a link that came before the poll."""
        return self.requests.get(link.pk, link.served_seq)

    def is_before_edit(self, link: Link) -> bool:
        """True when the link was edited after the poll, and no sync has observed it."""
        return link.generation not in (link.observed_generation, self.edits.get(link.pk))

    def as_json(self) -> dict[str, Any]:
        """The form that stands in a remote's row."""
        return {
            "heads": dict(self.heads),
            "requests": {str(pk): number for pk, number in self.requests.items()},
            "edits": {str(pk): number for pk, number in self.edits.items()},
            "trace_id": self.trace_id,
            "kills": self.kills,
        }


def found(row: Mapping[str, Any]) -> Found:
    """What stands in a remote's row as `Found.as_json` wrote it."""
    requests, edits = (
        {UUID(pk): number for pk, number in row[name].items()} for name in ("requests", "edits")
    )
    return Found(row["heads"], requests, edits, row.get("trace_id", ""), row.get("kills", 0))


class Group(NamedTuple):
    """Remotes that wait, of one credential at one host; `since` is when the first began to."""

    urgent: bool
    host: str
    credential: str
    since: datetime


def next_group(groups: Iterable[Group], begun: Mapping[tuple[str, str], datetime]) -> Group | None:
    """The group whose turn it is; None when there is none. Pure.

    `begun` is when the last sync of a credential at a host began. What somebody waits for goes
    first. Then the turn goes round the hosts, at each host round its credentials: a thousand
    repositories of one give way to the one of another.
    """
    hosts_begun: dict[str, datetime] = {}
    for (host, _), at in begun.items():
        hosts_begun[host] = max(at, hosts_begun.get(host, at))

    def turn(group: Group) -> tuple[Any, ...]:
        never = group.since - _REMEMBERED
        at_host = hosts_begun.get(group.host, never)
        own = begun.get((group.host, group.credential), never)
        return (not group.urgent, at_host, own, group.since)

    return min(groups, key=turn, default=None)


def put(fence: Fence, what: Found) -> None:
    """Give back a remote that was polled; its sync waits, in the place that it has if it does.

    Raises:
        FenceLostError: the claim ended.
    """
    now = timezone.now()
    with transaction.atomic():
        row = claims.lock(fence, now)
        row.found = replace(what, kills=_kills(row)).as_json()
        row.waits_since = row.waits_since or now
        row.claim_id = None
        row.lease_until = now + timedelta(seconds=WAITING_SECONDS)
        row.save(update_fields=Remote.CLAIM)


def _kills(row: Remote) -> int:
    """The syncs so far that never ended: what they were to do still stands, and waits no more."""
    if not row.found:
        return 0
    return found(row.found).kills + (row.waits_since is None)


def take(claim_id: UUID, now: datetime) -> tuple[Fence, Found] | None:
    """Claim the remote whose turn it is for a sync; None when no sync waits."""
    passed: list[Group] = []
    rows = _waiting()
    while (group := _next(rows, now, passed)) is not None:
        with transaction.atomic():
            row = _first(_of(rows, group, now))
            if row is not None:
                measures.waited((now - row.waits_since).total_seconds())
                what = found(row.found)
                row.waits_since = None  # What was found stays, for a sync that is killed.
                row.claim_id, row.synced_at = claim_id, now
                row.lease_until = now + timedelta(seconds=claims.LEASE_SECONDS)
                row.save(update_fields=Remote.CLAIM)
                return Fence(row.pk, claim_id), what
        # Others are about to claim all of it.
        passed.append(group)
    return None


def overlooked(now: datetime | Moment) -> Iterable[QuerySet[Remote]]:
    """The remotes whose sync may begin, and that no worker may have been told of."""
    return (hosts.apart(_put_rows().filter(waits_since__lte=now - _OVERLOOKED)),)


def wake_late(now: datetime) -> None:
    """Bring times to `now` that lie ahead; a clock that was set back leaves such times.

    Until they were over, whoever has them would come after all others.
    """
    ahead = now + timedelta(seconds=claims.SKEW_SECONDS)
    Remote.objects.filter(waits_since__gt=ahead).update(waits_since=now)
    Remote.objects.filter(synced_at__gt=ahead).update(synced_at=now)


def _waiting() -> QuerySet[Remote]:
    """The remotes whose sync waits, and may begin.

    A paused credential fetches nothing, and a host that rests is asked for what somebody waits for
    alone. That ends with a poll that is answered: a fetch takes a minute to find a host silent.
    """
    return hosts.outside(_put_rows(), hosts.in_trouble())


def _put_rows() -> QuerySet[Remote]:
    return Remote.objects.filter(waits_since__isnull=False, claim_id__isnull=True)


def _urgent(now: datetime) -> Q:
    return Q(asked=True) | Q(waits_since__lte=now - _LONG)


def _of(rows: QuerySet[Remote], group: Group, now: datetime) -> QuerySet[Remote]:
    urgent = _urgent(now) if group.urgent else ~_urgent(now)
    rows = rows.filter(urgent, host=group.host, credential_digest=group.credential)
    return rows.order_by("waits_since")


def _first(rows: QuerySet[Remote]) -> Any:
    """The first row, locked; one that another worker is about to claim is skipped."""
    skips = connection.features.has_select_for_update_skip_locked
    return rows.select_for_update(skip_locked=skips).first()


def _next(rows: QuerySet[Remote], now: datetime, passed: Collection[Group]) -> Group | None:
    urgent = Case(When(_urgent(now), then=Value(True)), default=Value(False))
    grouped = rows.annotate(urgent=urgent).values("urgent", "host", "credential_digest")
    found = grouped.annotate(since=Min("waits_since")).values_list(
        "urgent", "host", "credential_digest", "since"
    )
    groups = [Group(*row) for row in found.order_by()]
    begun = (
        Remote.objects.filter(synced_at__gt=now - _REMEMBERED)
        .values("host", "credential_digest")
        .annotate(at=Max("synced_at"))
        .order_by()
    )
    last = {(row["host"], row["credential_digest"]): row["at"] for row in begun}
    return next_group((group for group in groups if group not in passed), last)
