"""Making notifications of events, each event once: the transaction that makes them marks it.

There is no place in the table up to which it was read, so an event whose number is lower and whose
transaction ended later is not missed. Of two events about one subject the writers of which wait for
one another, the first is seen by whoever sees the second.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from configurations.models import Configuration
from events.models import Event
from gitrepos.models import Link, LinkedFile
from keeptrusts import times
from notifications import measures
from notifications.endpoints import filters
from notifications.endpoints.filters import Subject, Wish
from notifications.forms.told import Told, plain
from notifications.models import Endpoint, Notification
from notifications.queue import order
from notifications.sending.outcomes import GIVEN_UP_AFTER

AT_ONCE = 500
MOST_WAITING = 10_000
"""What may wait at an endpoint; beyond it the oldest are given up."""
_LONGEST_MESSAGE = 2000
_EVER = datetime.min.replace(tzinfo=UTC)
_STATUS = Notification.Status
# Of nobody else in this database: the first bytes of a name.
_LOCK = int.from_bytes(b"notifier") >> 1


def take(now: datetime) -> int:
    """Make notifications of events that have none yet; returns how many events that were.

    Returns 0 where another process does it now.
    """
    if not Event.objects.filter(notified=False).exists():
        return 0
    with transaction.atomic():
        return _take(now) if _is_alone() else 0


def _take(now: datetime) -> int:
    endpoints = list(Endpoint.objects.select_for_update(of=("self",)).order_by("pk"))
    events = list(Event.objects.filter(notified=False).order_by("pk")[:AT_ONCE])
    wishes = [(one, _wish(one, now)) for one in endpoints if one.enabled]
    if wishes:
        subjects, places = _subjects(events), _places(events)
        for endpoint, wish in wishes:
            heard = [
                event
                for event, subject in zip(events, subjects, strict=True)
                if filters.hears(wish, subject)
            ]
            put(endpoint, [_row(endpoint, event, places, now) for event in heard], now)
    Event.objects.filter(pk__in=[event.pk for event in events]).update(notified=True)
    return len(events)


def put(endpoint: Endpoint, rows: Sequence[Notification], now: datetime) -> None:
    """Add rows, in their order, behind all that waits at an endpoint, whose row is held."""
    if not rows:
        return
    busy = order.busy(endpoint.pk, rows)
    for row in rows:
        own = order.subjects(row)
        row.next_attempt_at = None if own & busy else now
        busy |= own
    Notification.objects.bulk_create(rows)
    _bound(endpoint, now)


def _bound(endpoint: Endpoint, now: datetime) -> None:
    """Give up the oldest of what waits beyond the bound."""
    excess = order.waiting(endpoint.pk).count() - MOST_WAITING
    if excess > 0:
        oldest = order.waiting(endpoint.pk).order_by("number").values_list("number", flat=True)
        over = {"status": _STATUS.GAVE_UP, "settled_at": now, "next_attempt_at": None}
        Notification.objects.filter(number__in=list(oldest[:excess])).update(claim=None, **over)
        measures.gave_up(excess)
        order.mend(endpoint.pk, now)


def _is_alone() -> bool:
    """Whether nobody else makes notifications until the transaction ends."""
    if connection.vendor != "postgresql":
        return True  # Of SQLite's writers there is one.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _wish(endpoint: Endpoint, now: datetime) -> Wish:
    since = endpoint.created_at
    if since > now:  # The clock was set back: what is not taken yet happened since, nearly all.
        since = _EVER
    return Wish(str(endpoint.pk), since, endpoint.kinds, endpoint.git_repos, endpoint.labels)


def _subjects(events: Iterable[Event]) -> list[Subject]:
    """What events are about, with the labels of now."""
    events = list(events)
    fed = _fed({event.git_repo for event in events if not event.configuration})
    named = {event.configuration for event in events} | {one for ids in fed.values() for one in ids}
    labels = dict(Configuration.objects.filter(pk__in=named).values_list("pk", "labels"))
    return [
        Subject(
            event.kind,
            event.created_at,
            event.git_repo,
            str(event.details.get("notification_endpoint", "")),
            [
                labels[name]
                for name in ([event.configuration] if event.configuration else fed[event.git_repo])
                if name in labels
            ],
        )
        for event in events
    ]


def _fed(git_repos: Collection[str]) -> dict[str, set[str]]:
    """The configurations that links feed."""
    fed: dict[str, set[str]] = {name: set() for name in git_repos}
    rows = LinkedFile.objects.filter(link__in=filter(None, git_repos))
    for link_id, name in rows.exclude(configuration="").values_list("link_id", "configuration"):
        fed[str(link_id)].add(name)
    return fed


def _places(events: Iterable[Event]) -> Mapping[str, str]:
    """The urls and paths of links, for people."""
    ids = {event.git_repo for event in events if event.git_repo}
    rows = Link.objects.filter(pk__in=ids).values_list("pk", "url", "root")
    return {str(pk): f"{url} {root}".strip() for pk, url, root in rows}


def _row(
    endpoint: Endpoint, event: Event, places: Mapping[str, str], now: datetime
) -> Notification:
    told = Told(
        kind=event.kind,
        at=times.exact(event.created_at),
        event=event.pk,
        git_repo=event.git_repo,
        configuration=event.configuration,
        message=plain(event.message, _LONGEST_MESSAGE),
        details=event.details,
        repository=places.get(event.git_repo, ""),
        page=page(event.git_repo, event.configuration),
    )
    return made(
        endpoint, told, now, lasts=GIVEN_UP_AFTER, other=_other(event.details), event=event.pk
    )


def made(
    endpoint: Endpoint,
    told: Told,
    now: datetime,
    *,
    lasts: timedelta,
    other: str = "",
    event: int | None = None,
) -> Notification:
    """A row that is tried for as long as it `lasts`, from now on."""
    return Notification(
        endpoint=endpoint,
        event=event,
        kind=told.kind,
        git_repo=told.git_repo,
        configuration=told.configuration,
        other=other,
        told=told.stored(),
        give_up_at=now + lasts,
        created_at=now,
    )


def page(git_repo: str, configuration: str) -> str:
    """The page of the console about a subject; empty where nobody said where the console is."""
    base = settings.ENV.public_url
    if not base:
        return ""
    if configuration:
        return f"{base}/configurations/{configuration}"
    return f"{base}/repositories/{git_repo}" if git_repo else f"{base}/events"


def _other(details: Mapping[str, object]) -> str:
    """A subject that is neither a link nor a configuration, such as a gateway."""
    for name in ("gateway", "credential", "client_key", "notification_endpoint"):
        if isinstance(found := details.get(name), str):
            return f"{name}:{found}"[:300]
    return ""
