"""How all links stand at this moment: what an operator looks at first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q
from django.utils import timezone

from gitrepos import hosts
from gitrepos.conditions import STATUSES, with_status
from gitrepos.models import GitRepo, Remote
from keeptrusts import metrics

_QUEUES = ("tick", "sync")


@dataclass(frozen=True, slots=True)
class Standing:
    """Links by status, remotes by what they wait for, and the hosts that are left alone.

    `due_seconds` is how long the most overdue remote has waited to be claimed, `oldest_failure`
    the link that has failed for the longest time.
    """

    statuses: dict[str, int]
    queues: dict[str, int]
    claimed: int
    due: int
    due_seconds: float
    cooling: list[dict[str, str]]
    oldest_failure: dict[str, Any] | None


def read() -> Standing:
    """Look at the rows, and at the broker's queues. Raises: `redis.RedisError`."""
    now = timezone.now()
    remotes = _remotes(now)
    return Standing(
        statuses=_statuses(),
        queues={name: metrics.broker().llen(name) for name in _QUEUES},
        claimed=remotes["claimed"],
        due=remotes["due"],
        due_seconds=(now - (remotes["first"] or now)).total_seconds(),
        cooling=[{"host": host, **trouble} for (host, _), trouble in hosts.troubles(now).items()],
        oldest_failure=_oldest_failure(),
    )


def _remotes(now: datetime) -> dict[str, Any]:
    held = Q(lease_until__gt=now)
    due = Q(next_poll_at__lte=now) & ~held
    return Remote.objects.filter(Q(next_poll_at__lte=now) | held).aggregate(
        claimed=Count("pk", held), due=Count("pk", due), first=Min("next_poll_at", filter=due)
    )


def _statuses() -> dict[str, int]:
    rows = with_status(GitRepo.objects.all()).values_list("status")
    return dict.fromkeys(STATUSES, 0) | dict(rows.annotate(Count("pk")).order_by())


def _oldest_failure() -> dict[str, Any] | None:
    rows = GitRepo.objects.filter(suspended=False, error_since__isnull=False)
    row = rows.order_by("error_since").first()
    if row is None:
        return None
    return {"id": row.pk, "url": row.url, "code": row.error_code, "since": row.error_since}
