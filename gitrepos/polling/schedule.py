"""The schedule of polls: what links ask for, and what edits and webhooks change of it."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, F, Min, Q, QuerySet, When
from django.utils import timezone

from gitrepos.models import Link, Remote
from gitrepos.polling import hosts
from gitrepos.polling.probing import wait
from gitrepos.polling.turns import turn
from keeptrusts import statements
from keeptrusts.statements import BoundQuery, together

_SILENCE = timedelta(days=7)


def plan(row: Remote, now: datetime, found: Sequence[Any], *, at_once: bool, stalled: bool) -> None:
    """Set when a remote is polled next, by what its links ask for; the caller writes it.

    `found` is the answer to `standing`. With `stalled` it waits for an edit or a request, unless it
    is due `at_once`.
    """
    pace, unheard, behind, expecting = found[0] if found else _UNPOLLED
    row.asked = bool(behind)
    at_once = at_once or row.asked
    row.stalled = stalled and not at_once
    row.interval_seconds = pace or row.interval_seconds
    if row.stalled or pace is None:
        row.next_poll_at = None
    elif at_once:
        row.next_poll_at = now
    elif expecting:
        row.next_poll_at = soon(now, row.failures)
    else:
        row.next_poll_at = _next_poll_at(row, now, unheard)


def _asked_of(remote: Remote, now: datetime) -> tuple[Any, ...]:
    """What the links of a remote ask for: the seconds between polls, and without webhooks, or None
    where none of them is polled; and how many are behind, and expect a push.

    A link with `webhook_poll_interval_seconds` asks for that interval while webhooks come.
    """
    [found] = together(standing(remote.pk, now))
    return found[0] if found else _UNPOLLED


def standing(remote_id: UUID, now: datetime) -> BoundQuery[Sequence[tuple[Any, ...]]]:
    """The question for what the links of a remote ask for; `plan` takes its answer."""
    return _standing.of(remote=remote_id, now=now, since=now - _SILENCE)


def _turn(remote: Remote, now: datetime) -> datetime:
    return turn(now, interval_seconds=remote.interval_seconds, phase_us=remote.phase_us)


def _standing_of(remote: UUID, now: datetime, since: datetime) -> QuerySet[Link, Any]:
    links = Link.objects.filter(Link.polled(), remote=remote).order_by().values("remote")
    # A link that is settled has no pace any more.
    return links.annotate(
        pace=_pace_since(since),
        unheard=Min("poll_interval_seconds"),
        many_behind=Count("pk", filter=Link.behind()),
        many_expecting=Count("pk", filter=Link.expecting(now)),
    ).values_list("pace", "unheard", "many_behind", "many_expecting")


_UNPOLLED: tuple[Any, ...] = (None, None, 0, 0)
_standing = statements.tuples(_standing_of, remote=UUID, now=datetime, since=datetime)


def soon(now: datetime, failures: int = 0) -> datetime:
    """The next poll for a push that a webhook announced and the forge does not show yet."""
    return now + timedelta(seconds=2 ** min(failures, 6))


def _next_poll_at(row: Remote, now: datetime, unheard_seconds: int) -> datetime:
    """The next poll; what a webhook said was not seen after a failure, so the pace is without."""
    if not row.failures:
        return _turn(row, now)
    later = wait(unheard_seconds, row.setbacks, silent=hosts.silent(row))
    return max(now + later, row.limited_until or now)


def ask(remote: Remote, now: datetime) -> None:
    """Make a remote due now, before the scheduled ones; one that was due already keeps its place.

    `remote` is locked.
    """
    _ask(remote, now)
    remote.stalled = False
    statements.write(remote, Remote.SCHEDULE)


def _ask(remote: Remote, now: datetime) -> None:
    remote.next_poll_at = min(remote.next_poll_at or now, now)
    remote.asked = True


def make_due(remote_ids: Collection[UUID], now: datetime) -> None:
    """Make remotes due now whose way to the forge was changed, unless no link is polled."""
    polled = Link.objects.filter(Link.polled(), remote__in=remote_ids)
    due = polled.values("remote")
    Remote.objects.filter(pk__in=due).update(next_poll_at=now, stalled=False, failures=0)


def outdate(links: QuerySet[Link]) -> None:
    """Count an edit of each of these links: what began before it writes nothing for them."""
    links.update(generation=F("generation") + 1)


def set_pace(remote: Remote, now: datetime, *, is_asked: bool) -> None:
    """Set a remote's interval from its links; its next poll stays, unless it `is_asked` for.

    By that its failures are forgotten. `remote` is locked.
    """
    if is_asked:
        _ask(remote, now)
        remote.stalled, remote.failures = False, 0
    interval, *_ = _asked_of(remote, now)
    remote.interval_seconds = interval or remote.interval_seconds
    statements.write(remote, Remote.SCHEDULE)


def reschedule(remote: Remote) -> None:
    """Set a remote's interval and next poll from its links; it is due at once if one is behind.

    While its sync waits it stays due, to be looked at again.

    To be called in the transaction that changed a link, with `remote` locked.
    """
    now = timezone.now()
    interval, _, behind, _ = _asked_of(remote, now)
    remote.stalled = remote.asked = False
    remote.failures = 0
    remote.interval_seconds = interval or remote.interval_seconds
    if interval is None:
        remote.next_poll_at = None
    elif behind:
        _ask(remote, now)
    else:
        remote.next_poll_at = _turn(remote, now) if remote.waits_since is None else now
    statements.write(remote, Remote.SCHEDULE)


def _pace_since(since: datetime) -> Min:
    heard = When(
        ~_silent_since(since), webhook_poll_interval_seconds__isnull=False,
        then=F("webhook_poll_interval_seconds"),
    )  # fmt: skip
    return Min(Case(heard, default=F("poll_interval_seconds")))


def silent(now: datetime) -> Q:
    """Links without a genuine webhook for a week."""
    return _silent_since(now - _SILENCE)


def _silent_since(since: datetime) -> Q:
    return ~Q(last_delivery_at__isnull=False, last_delivery_at__gt=since)


def retry_stalled() -> int:
    """Make every stalled remote due, since the settings that stalled it may have changed."""
    return Remote.objects.filter(stalled=True).update(stalled=False, next_poll_at=timezone.now())
