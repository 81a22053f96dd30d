"""Metrics of commit statuses: what was told by outcome, what is due, and what fails."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client import core

from commitstatus.models import CommitStatus
from keeptrusts import metrics

TOLD = "told"
MOST_NAMED = 100
"""Credentials that are named at most, those with the most links that fail."""

STATUSES = metrics.CounterMetric(
    "keeptrusts_commit_statuses_total",
    "Statuses of commits that were told, or not, by forge and outcome.",
    ("forge", "outcome"),
)


def ended(forge: str, error_code: str) -> None:
    """Count a status that was told, or failed with a code."""
    STATUSES.add(forge, error_code or TOLD)


def families() -> Iterator[core.Metric]:
    """The families of commit statuses for `/metrics`, first those that need no broker.

    Raises:
        redis.RedisError: the broker does not answer.
    """
    yield from _of_rows()
    yield STATUSES.family(metrics.totals())


def _of_rows() -> Iterator[core.Metric]:
    now = timezone.now()
    due = CommitStatus.objects.filter(look_at__lte=now).aggregate(
        n=Count("pk"), first=Min("look_at")
    )
    yield metrics.gauge(
        "keeptrusts_commit_statuses_due", "Links whose status is to be looked at now.", due["n"]
    )
    yield metrics.gauge(
        "keeptrusts_commit_statuses_due_for_seconds",
        "Seconds since the first of them was to be looked at.", _since(due["first"], now),
    )  # fmt: skip
    # A row may outlive its link, where a process of the release before removed that.
    failing = CommitStatus.objects.exclude(error_code="").filter(link__generation__gte=0)
    by_credential = failing.values_list("credential__name").annotate(links=Count("pk"))
    yield metrics.gauge(
        "keeptrusts_commit_statuses_failing",
        f"Links whose status cannot be told, by forge credential; of {MOST_NAMED} at most.",
        dict(by_credential.order_by("-links", "credential__name")[:MOST_NAMED]), "credential",
    )  # fmt: skip
    yield metrics.gauge(
        "keeptrusts_commit_statuses_failing_for_seconds",
        "Seconds since the first of them could not be told.",
        _since(failing.aggregate(first=Min("error_since"))["first"], now),
    )


def _since(at: datetime | None, now: datetime) -> float:
    return max(0.0, (now - at).total_seconds()) if at else 0.0
