"""The overview of all links, for operators: a summary and metrics."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q
from django.utils import timezone
from prometheus_client import core

from configurations import queries
from configurations.seen import ALL, Seen
from gitrepos.links import narrowing
from gitrepos.links.conditions import STATUSES, with_status
from gitrepos.models import GitCredential, Link, LinkedFile, Remote
from gitrepos.polling import hosts, measures
from keeptrusts import metrics

_QUEUES = ("tick", "sync", "preview")


@dataclass(frozen=True, slots=True)
class Overview:
    """The number of links by status, of claimed and due remotes, and the hosts in trouble.

    `due_seconds` is how long the most overdue remote has waited to be claimed, `oldest_failure`
    the link that has failed for the longest time, `refused` the number of configurations in force
    that the present rules would refuse.
    """

    statuses: dict[str, int]
    claimed: int
    due: int
    due_seconds: float
    syncs_waiting: int
    syncs_wait_seconds: float
    cooling: list[dict[str, str]]
    oldest_failure: dict[str, Any] | None
    refused: int


def read(seen: Seen = ALL) -> Overview:
    """Read the overview from the rows."""
    now = timezone.now()
    links = narrowing.links(seen)
    remotes = _remotes(now, links)
    return Overview(
        statuses=_statuses(links),
        claimed=remotes["claimed"],
        due=remotes["due"],
        due_seconds=(now - (remotes["first"] or now)).total_seconds(),
        syncs_waiting=remotes["waiting"],
        syncs_wait_seconds=(now - (remotes["waits_since"] or now)).total_seconds(),
        cooling=[{"host": host, **trouble} for (host, _), trouble in hosts.troubles(now).items()],
        oldest_failure=_oldest_failure(links),
        refused=queries.refused(seen).count(),
    )


def summary(seen: Seen = ALL) -> dict[str, Any]:
    """The body of `GET /v1/git-repos/summary`: the overview, and figures of the last hour.

    These are of all links, and so are the hosts that rest: null and none where not all are seen.

    Raises:
        redis.RedisError: the broker does not answer.
    """
    now, hour = read(seen), metrics.recent()
    links = sum(now.statuses.values()) - now.statuses["suspended"]
    forges = (*measures.FORGES, measures.OTHER)
    checks = sum(measures.CALLS.sum(hour, forge, "check") for forge in forges)
    link_hours = links * hour.seconds / 3600
    of_all = {
        "lateness_seconds": {
            "p50": measures.LATENESS.quantile(hour, 0.5),
            "p99": measures.LATENESS.quantile(hour, 0.99),
        },
        "forge_calls_per_repo_hour": checks / link_hours if link_hours else None,
        "hosts_cooling": now.cooling,
    }
    if seen.is_narrowed:
        of_all = {**dict.fromkeys(of_all), "hosts_cooling": []}
    return {
        "statuses": now.statuses,
        "in_flight": now.claimed,
        "due": now.due,
        "due_for_seconds": now.due_seconds,
        "syncs_waiting": now.syncs_waiting,
        "syncs_wait_for_seconds": now.syncs_wait_seconds,
        **of_all,
        "oldest_failure": now.oldest_failure,
        "refused_in_force": now.refused,
    }


def families() -> Iterator[core.Metric]:
    """The metric families of this package for `/metrics`, first those that need no broker.

    Raises:
        redis.RedisError: the broker does not answer.
    """
    yield from _of_rows(read())
    yield metrics.gauge(
        "keeptrusts_git_credentials", "Stored credentials by what is left of their time.",
        _credentials(), "state",
    )  # fmt: skip
    queues = {name: float(metrics.broker().llen(name)) for name in _QUEUES}
    yield metrics.gauge("keeptrusts_queue_depth", "Messages that wait, by queue.", queues, "queue")
    counted = metrics.totals()
    yield from (measure.family(counted) for measure in measures.ALL)


def _of_rows(now: Overview) -> Iterator[core.Metric]:
    yield metrics.gauge("keeptrusts_git_repos", "Links by status.", now.statuses, "status")
    since = now.oldest_failure["since"] if now.oldest_failure else timezone.now()
    for name, text, number in (
        ("keeptrusts_polls_in_flight", "Remotes that are claimed now.", now.claimed),
        ("keeptrusts_remotes_due", "Remotes that are due and not claimed.", now.due),
        ("keeptrusts_due_for_seconds", "Seconds since the first was due.", now.due_seconds),
        ("keeptrusts_syncs_waiting", "Changed remotes that wait for a sync.", now.syncs_waiting),
        (
            "keeptrusts_syncs_wait_for_seconds",
            "Seconds since the first of them began to wait.",
            now.syncs_wait_seconds,
        ),
        (
            "keeptrusts_hosts_cooling",
            "Hosts that rest or pause a credential.",
            len({row["host"] for row in now.cooling}),
        ),
        ("keeptrusts_refused_in_force", "Refused by the present rules, in force.", now.refused),
        (
            "keeptrusts_failing_for_seconds",
            "Seconds since the link that fails for the longest time began to.",
            (timezone.now() - since).total_seconds(),
        ),
        (
            "keeptrusts_quarantined_files",
            "Files that are refused as git has them.",
            LinkedFile.objects.filter(LinkedFile.refused(), link__suspended=False)
            .filter(outcome=LinkedFile.Outcome.QUARANTINED)
            .count(),
        ),
    ):
        yield metrics.gauge(name, text, number)


def _credentials() -> dict[str, float]:
    over = Q(expires_at__lte=timezone.now())
    expiring = Q(expiring=True) & ~over
    return GitCredential.objects.aggregate(
        valid=Count("pk", ~over & ~expiring), expiring=Count("pk", expiring),
        expired=Count("pk", over),
    )  # fmt: skip


def _remotes(now: datetime, links: Q) -> dict[str, Any]:
    claimed = Q(lease_until__gt=now, claim_id__isnull=False)
    waiting = Q(waits_since__isnull=False, claim_id__isnull=True)
    due = Q(next_poll_at__lte=now) & ~claimed & ~waiting
    # Of a remote with several links once.
    some = Q(pk__in=Link.objects.filter(links).values("remote")) if links else Q()
    return Remote.objects.filter(Q(next_poll_at__lte=now) | claimed | waiting, some).aggregate(
        claimed=Count("pk", claimed),
        due=Count("pk", due),
        first=Min("next_poll_at", filter=due),
        waiting=Count("pk", waiting),
        waits_since=Min("waits_since", filter=waiting),
    )


def _statuses(links: Q) -> dict[str, int]:
    rows = with_status(Link.objects.filter(links)).values_list("status")
    return dict.fromkeys(STATUSES, 0) | dict(rows.annotate(Count("pk")).order_by())


def _oldest_failure(links: Q) -> dict[str, Any] | None:
    rows = Link.objects.filter(links, suspended=False, error_since__isnull=False)
    row = rows.order_by("error_since").first()
    if row is None:
        return None
    return {"id": row.pk, "url": row.url, "code": row.error_code, "since": row.error_since}
