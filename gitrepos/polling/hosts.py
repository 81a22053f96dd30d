"""Resting hosts and paused credentials, in rows that all workers share.

Their remotes stay due, keep their order and count no failure of their own. `probing` decides.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from django.db import transaction
from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Value, When, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from gitrepos.errors import RateLimitedError, RemoteError, UnreachableError
from gitrepos.models import Host, Pause, Remote
from gitrepos.polling import probing
from gitrepos.polling.probing import LONGEST_WAIT_SECONDS, PROBE_SECONDS, Due, Learnt, Scope, Seen
from keeptrusts import statements, times
from keeptrusts.database import compiled
from keeptrusts.processes.due import Moment

SETBACKS = F("failures") + F("put_off")

Trouble = Mapping[str, str]


class Polled(Protocol):
    """What of a remote says why it is not polled."""

    @property
    def host(self) -> str: ...
    @property
    def credential_digest(self) -> str: ...
    @property
    def next_poll_at(self) -> datetime | None: ...
    @property
    def asked(self) -> bool: ...
    @property
    def put_off(self) -> int: ...
    @property
    def limited_until(self) -> datetime | None: ...


def in_trouble() -> dict[Scope, datetime]:
    """The resting hosts and paused credentials, each with the moment until which it is so."""
    return ends(TROUBLES())


def ends(rows: Iterable[tuple[str, str, datetime]]) -> dict[Scope, datetime]:
    """The same, of the answer to `TROUBLES`."""
    return {(host, digest): end for host, digest, end in rows}


def _in_trouble() -> QuerySet[Any, Any]:
    rests = Host.objects.filter(cooling_until__isnull=False).values_list(
        "name", Value(None, CharField()), "cooling_until"
    )
    return rests.union(Pause.objects.values_list("host", "credential_digest", "until"))


TROUBLES = statements.tuples(_in_trouble)


def any_trouble() -> Q:
    """Whether there is any resting host or paused credential."""
    rests = Host.objects.filter(cooling_until__isnull=False)
    return Q(Exists(rests)) | Q(Exists(Pause.objects.all()))


def outside(
    rows: QuerySet[Remote], troubles: Mapping[Scope, datetime], *, lasting: datetime | None = None
) -> QuerySet[Remote]:
    """The remotes of `rows` that none of these troubles keeps waiting.

    With `lasting`, troubles that end by then keep nothing waiting.
    """
    # As on most days; the plan of the query is simpler then.
    return apart(rows, lasting=lasting) if troubles else rows


def apart(rows: QuerySet[Remote], *, lasting: datetime | Moment | None = None) -> QuerySet[Remote]:
    """The remotes of `rows` that no trouble keeps waiting, as `outside`."""
    rests, pauses = _rests(), _pauses()
    if lasting is not None:
        rests, pauses = rests.filter(cooling_until__gt=lasting), pauses.filter(until__gt=lasting)
    return rows.exclude(Exists(pauses)).exclude(Exists(rests), asked=False)


def probes(
    rows: QuerySet[Remote], troubles: Mapping[Scope, datetime], now: datetime, *, limit: int
) -> list[UUID]:
    """The next probe of each host and credential whose trouble is over, among `rows`, by id."""
    over = probing.over(troubles, now)
    if not over:  # Without it all that is due is looked through.
        return []
    credential = Case(When(paused=True, then=F("credential_digest")), default=Value("any"))
    place = Window(
        RowNumber(),
        partition_by=[F("host"), credential],
        order_by=[SETBACKS.asc(), F("asked").desc(), F("next_poll_at").asc()],
    )
    rows = rows.filter(host__in=over).annotate(paused=Exists(_pauses()))
    waiting = rows.filter(Q(paused=True) | Q(Exists(_rests()), asked=False))
    first = waiting.annotate(place=place).filter(place=1).order_by("next_poll_at")
    return list(first.values_list("pk", flat=True)[:limit])


def unprobed(now: Moment) -> QuerySet[Host]:
    """The resting hosts that `hurry` has to do with."""
    return Host.objects.filter(cooling_until__lte=now - probing.UNPROBED)


def hurry(
    free: QuerySet[Remote], due: QuerySet[Remote], troubles: Mapping[Scope, datetime], now: datetime
) -> None:
    """Make a remote of each host due that rests and was not probed for long.

    It is one of `free`, unless one of the host is in `due`. One that failed by itself waits for its
    back-off.
    """
    for host in probing.unprobed(troubles, now):
        if due.filter(host=host).exists():
            continue
        rows = free.filter(host=host, failures=0, asked=False, next_poll_at__gt=now)
        order = (SETBACKS.asc(), F("last_polled_at").asc(nulls_first=True))
        first = outside(rows, troubles, lasting=now).order_by(*order).first()
        if first is not None:
            Remote.objects.filter(pk=first.pk, next_poll_at__gt=now).update(next_poll_at=now)


def _rests() -> QuerySet[Host]:
    """The rest of a remote's host."""
    return Host.objects.filter(pk=OuterRef("host"), cooling_until__isnull=False)


def _pauses() -> QuerySet[Pause]:
    """The pause of a remote's credential."""
    digest = OuterRef("credential_digest")
    return Pause.objects.filter(host=OuterRef("host"), credential_digest=digest)


def chosen(due: Iterable[Due], troubles: Mapping[Scope, datetime], now: datetime) -> list[Due]:
    """The remotes to poll now; no other caller gets the same probe.

    To be called in the claim's transaction.
    """
    return [
        one
        for one in probing.choose(due, troubles, now)
        if all(_begin(scope, troubles[scope], now) for scope in probing.in_trouble(one, troubles))
    ]


def _begin(scope: Scope, seen: datetime, now: datetime) -> bool:
    host, digest = scope
    until = now + timedelta(seconds=PROBE_SECONDS)
    if digest is None:
        return Host.objects.filter(pk=host, cooling_until=seen).update(cooling_until=until) == 1
    pause = Pause.objects.filter(host=host, credential_digest=digest, until=seen)
    return pause.update(until=until, probed=True) == 1


def seen(remote: Remote, error: RemoteError | None) -> Seen:
    """The result of a poll of a remote that was as this row has it before."""
    polled_at, limited_until = remote.last_polled_at, remote.limited_until
    return Seen(
        remote_id=remote.pk,
        host=remote.host,
        credential=remote.credential_digest,
        error=error,
        asked=remote.asked,
        well=polled_at is not None and remote.setbacks == 0,
        # Where only fetches are refused, checks may have been answered since.
        told_at=min(polled_at, limited_until) if polled_at and limited_until else None,
        refused_at=remote.refused_at,
    )


def note(answers: Sequence[Seen], asked_at: datetime) -> Learnt:
    """Update hosts and credentials by the results of polls that began at `asked_at` or later."""
    names = {one.host for one in answers}
    if all(one.answered for one in answers) and not _are_known(names):
        return Learnt({}, {})
    with transaction.atomic():
        rows = Host.objects.select_for_update().filter(pk__in=names).order_by("pk")
        rests = {row.pk: probing.Rest(tuple(row.unreached), row.cooling_until) for row in rows}
        paused = Pause.objects.select_for_update().filter(host__in=names).order_by("pk")
        pauses: dict[Scope, probing.PauseState] = {
            (row.host, row.credential_digest): probing.PauseState(row.until, row.probed)
            for row in paused
        }
        now = timezone.now()
        learnt = probing.learn(
            answers, rests, pauses,
            answered=_answered, limited=_others_limited, asked_at=asked_at, now=now,
        )  # fmt: skip
        _write_rests(rests, learnt.rests)
        _write_pauses(pauses, learnt.pauses)
    # Only now: a claim locks remotes first, then the rows of their hosts.
    refused = [remote_id for remote_id, until in learnt.put_off.items() if until]
    if refused:
        Remote.objects.filter(pk__in=refused).update(refused_at=now)
    if learnt.heard:
        _follow(learnt.heard, now)
    return learnt


def limited(remote: Remote, error: RateLimitedError) -> datetime:
    """Note a fetch that was rate limited after its check was answered; returns until when."""
    note([seen(remote, error)], timezone.now())
    return probing.until(error, timezone.now())


def _are_known(names: set[str]) -> bool:
    return not names.isdisjoint(row["known"] for row in _all_known())


_all_known = compiled(
    lambda: Host.objects.values(known=F("name")).union(Pause.objects.values(known=F("host")))
)


def _answered(scope: Scope, since: datetime) -> bool:
    host, digest = scope
    rows = Remote.objects.filter(host=host, failures=0, put_off=0, last_polled_at__gte=since)
    return (rows if digest is None else rows.filter(credential_digest=digest)).exists()


def _others_limited(scope: Scope, remote_id: UUID) -> bool:
    host, digest = scope
    rows = Remote.objects.filter(host=host, credential_digest=digest)
    return rows.filter(limited_until__gt=timezone.now()).exclude(pk=remote_id).exists()


def silent(remote: Remote) -> bool:
    """True when a remote is one of those that could not reach their host since it answered."""
    host = Host.objects.filter(pk=remote.host).first()
    return host is not None and str(remote.pk) in host.unreached


def _write_rests(before: Mapping[str, probing.Rest], after: Mapping[str, probing.Rest]) -> None:
    if gone := before.keys() - after.keys():
        Host.objects.filter(pk__in=gone).delete()
    changed = [
        Host(name=name, unreached=list(rest.unreached), cooling_until=rest.until)
        for name, rest in sorted(after.items())
        if rest != before.get(name)
    ]
    Host.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["unreached", "cooling_until"],
    )


def _write_pauses(
    before: Mapping[Scope, probing.PauseState], after: Mapping[Scope, probing.PauseState]
) -> None:
    for host, digest in before.keys() - after.keys():
        Pause.objects.filter(host=host, credential_digest=digest).delete()
    changed = [
        Pause(host=host, credential_digest=digest or "", until=pause.until, probed=pause.probed)
        for (host, digest), pause in sorted(after.items())
        if pause != before.get((host, digest))
    ]
    Pause.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["host", "credential_digest"],
        update_fields=["until", "probed"],
    )


def _follow(hosts: Mapping[str, Collection[str]], now: datetime) -> None:
    """Make the remotes due that were put off while their host rested, or found it silent first."""
    put_off = Q(host__in=hosts.keys(), put_off__gt=0, failures=0)
    first = Q(pk__in=[pk for unreached in hosts.values() for pk in unreached], failures__gt=0)
    waiting = Remote.objects.filter(put_off | first, limited_until=None)
    with transaction.atomic():
        rows = waiting.filter(next_poll_at__gt=now).select_for_update().order_by("pk")
        ids = list(rows.values_list("pk", flat=True))  # Locked in the order of all batches.
        Remote.objects.filter(pk__in=ids).update(next_poll_at=now)


def troubles(now: datetime) -> dict[Scope, Trouble]:
    """The code and message that links of a resting host or a paused credential show."""
    return {
        (host, digest): _resting(host) if digest is None else _pausing(host, digest, until)
        for (host, digest), until in in_trouble().items()
        if digest is None or until > now
    }


def trouble_of(remote: Polled, troubles: Mapping[Scope, Trouble], now: datetime) -> Trouble | None:
    """The reason why a due remote is not polled, or None."""
    due = remote.next_poll_at is not None and remote.next_poll_at <= now
    if not due and not remote.put_off:
        return None
    if paused := troubles.get((remote.host, remote.credential_digest)):
        return paused
    if remote.limited_until is not None and remote.limited_until > now:
        return _limited(remote.host, "for this repository", remote.limited_until)
    return None if remote.asked else troubles.get((remote.host, None))


def _resting(host: str) -> Trouble:
    message = (
        f"{host} could not be reached for several repositories; one of them is polled every"
        f" {PROBE_SECONDS} s, and the others follow when it answers."
    )
    return {"code": UnreachableError.code, "message": message}


def _pausing(host: str, digest: str, until: datetime) -> Trouble:
    return _limited(host, "with this credential" if digest else "without a credential", until)


def _limited(host: str, which: str, until: datetime) -> Trouble:
    message = f"{host} asks for fewer requests {which}; it is polled again after"
    return {"code": RateLimitedError.code, "message": f"{message} {times.to_the_second(until)}."}


def forget_unused() -> None:
    """Delete the hosts and pauses that no remote has any more."""
    on_host = Remote.objects.filter(host=OuterRef("pk"))
    Host.objects.exclude(Exists(on_host)).delete()
    digest = OuterRef("credential_digest")
    users = Remote.objects.filter(host=OuterRef("host"), credential_digest=digest)
    Pause.objects.exclude(Exists(users)).delete()


def wake_late(now: datetime) -> None:
    """Shorten pauses beyond the longest; a clock that was set back leaves such times."""
    longest = now + timedelta(seconds=LONGEST_WAIT_SECONDS)
    Host.objects.filter(cooling_until__gt=longest).update(cooling_until=now)
    Pause.objects.filter(until__gt=longest).update(until=longest)
    Remote.objects.filter(limited_until__gt=longest).update(limited_until=longest)
