"""Syncs that wait for a worker, and whose turn it is.

What a poll found stands in the row of its remote until a worker takes it. A message to the
workers names nobody: whoever gets one takes the sync whose turn it is by then.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Case, Max, Min, Q, QuerySet, Value, When
from django.utils import timezone

from gitrepos.models import Link, Remote
from gitrepos.polling import claims, hosts, measures
from gitrepos.polling.claims import Fence
from gitrepos.polling.probing import Scope
from keeptrusts import statements
from keeptrusts.processes.due import Moment

Troubles = Mapping[Scope, datetime]

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


def put(claim_id: UUID, what: Mapping[UUID, Found]) -> Collection[UUID]:
    """Give back remotes of a claim that were polled; their syncs wait, in the places they have.

    Returns those that the claim still held.
    """
    now = timezone.now()
    with transaction.atomic():
        rows = [row for row in _held(claim=claim_id, ids=list(what)) if claims.lasts(row, now)]
        for row in rows:
            row.found = replace(what[row.pk], kills=_kills(row)).as_json()
            row.waits_since = row.waits_since or now
            row.claim_id = None
            row.lease_until = now + timedelta(seconds=WAITING_SECONDS)
        statements.write_all(rows, Remote.CLAIM)
    return [row.pk for row in rows]


def _held_by(claim: UUID, ids: Sequence[UUID]) -> QuerySet[Remote]:
    rows = Remote.objects.select_for_update().filter(pk__among=ids, claim_id=claim)
    return rows.order_by("pk")  # As everywhere, so that nobody waits in a ring.


_held = statements.objects(_held_by, claim=UUID, ids=list[UUID])


def _kills(row: Remote) -> int:
    """The syncs so far that never ended: what they were to do still stands, and waits no more."""
    if not row.found:
        return 0
    return found(row.found).kills + (row.waits_since is None)


def take(claim_id: UUID, now: datetime) -> tuple[Fence, Found] | None:
    """Claim the remote whose turn it is for a sync; None when no sync waits."""
    passed: list[Group] = []
    rows, groups, begun = statements.together(
        hosts.TROUBLES.of(), _all_groups.of(late=now - _LONG), _begun.of(since=now - _REMEMBERED)
    )
    if troubles := hosts.ends(rows):
        groups = _groups(troubles, now - _LONG)
    waiting = [Group(*row) for row in groups]
    last = {(host, credential): at for host, credential, at in begun}
    while (group := next_group((one for one in waiting if one not in passed), last)) is not None:
        with transaction.atomic():
            row = _first(troubles, group, now)
            if row is not None:
                measures.waited((now - row.waits_since).total_seconds())
                what = found(row.found)
                row.waits_since = None  # What was found stays, for a sync that is killed.
                row.claim_id, row.synced_at = claim_id, now
                row.lease_until = now + timedelta(seconds=claims.LEASE_SECONDS)
                statements.write(row, Remote.CLAIM)
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


def _waiting(troubles: Troubles) -> QuerySet[Remote]:
    """The remotes whose sync waits, and may begin.

    A paused credential fetches nothing, and a host that rests is asked for what somebody waits for
    alone. That ends with a poll that is answered: a fetch takes a minute to find a host silent.
    """
    return hosts.outside(_put_rows(), troubles)


def _put_rows() -> QuerySet[Remote]:
    return Remote.objects.filter(waits_since__isnull=False, claim_id__isnull=True)


def _urgent(late: datetime) -> Q:
    return Q(asked=True) | Q(waits_since__lte=late)


def _first(troubles: Troubles, group: Group, now: datetime) -> Any:
    """The first row of a group, locked; one that another worker is about to claim is skipped."""
    named: dict[str, Any] = {
        "host": group.host,
        "credential": group.credential,
        "late": now - _LONG,
    }
    if troubles:
        found = list(_of(troubles, group.urgent, **named))
    else:
        found = (_urgent_of if group.urgent else _other_of)(**named)
    return found[0] if found else None


def _of(
    troubles: Troubles, is_urgent: bool, *, host: str, credential: str, late: datetime
) -> QuerySet[Remote]:
    urgent = _urgent(late) if is_urgent else ~_urgent(late)
    rows = _waiting(troubles).filter(urgent, host=host, credential_digest=credential)
    skips = connection.features.has_select_for_update_skip_locked
    return rows.select_for_update(skip_locked=skips).order_by("waits_since")[:1]


_KINDS: dict[str, Any] = {"host": str, "credential": str, "late": datetime}
_urgent_of = statements.objects(partial(_of, {}, True), **_KINDS)
_other_of = statements.objects(partial(_of, {}, False), **_KINDS)


def _groups(troubles: Troubles, late: datetime) -> QuerySet[Remote, Any]:
    """What waits, by group."""
    urgent = Case(When(_urgent(late), then=Value(True)), default=Value(False))
    rows = _waiting(troubles).annotate(urgent=urgent).values("urgent", "host", "credential_digest")
    found = rows.annotate(since=Min("waits_since")).order_by()
    return found.values_list("urgent", "host", "credential_digest", "since")


_all_groups = statements.tuples(partial(_groups, {}), late=datetime)


def _last_begun(since: datetime) -> QuerySet[Remote, Any]:
    """When the last sync of each credential at a host began."""
    rows = Remote.objects.filter(synced_at__gt=since).values("host", "credential_digest")
    found = rows.annotate(at=Max("synced_at")).order_by()
    return found.values_list("host", "credential_digest", "at")


_begun = statements.tuples(_last_begun, since=datetime)
