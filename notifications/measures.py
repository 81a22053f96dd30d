"""Metrics of notifications: attempts by outcome, what was given up, and how endpoints stand."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client import core

from keeptrusts import metrics
from notifications.models import Endpoint, Notification

DELIVERED = "delivered"
REACHED, FAILING, DISABLED, GONE = "reached", "failing", "disabled", "gone"
STATES = (REACHED, FAILING, DISABLED, GONE)
"""States of an endpoint: reached as far as is known, failing so that an event told of it, disabled
by a person, and by its own 410."""

ATTEMPTS = metrics.CounterMetric(
    "keeptrusts_notification_attempts_total",
    "Attempts at notification endpoints, by form and by what came of them.",
    ("form", "outcome"),
)
GIVEN_UP = metrics.CounterMetric(
    "keeptrusts_notifications_given_up_total", "Notifications of events that were given up."
)


def attempted(form: str, error: str) -> None:
    """Count an attempt at an endpoint of a form; without an error it was delivered."""
    ATTEMPTS.add(form, error or DELIVERED)


def gave_up(notifications: int) -> None:
    """Count notifications that are given up, once the transaction that does it has ended."""
    if notifications:
        transaction.on_commit(partial(GIVEN_UP.add, amount=notifications))


def families() -> Iterator[core.Metric]:
    """The families of notifications for `/metrics`, first those that need no broker.

    Raises:
        redis.RedisError: the broker does not answer.
    """
    now, endpoints = timezone.now(), Endpoint.objects.defer("url", "secret", "previous_secret")
    rows = list(endpoints)  # 100 at most.
    states = {row.pk: _state(row) for row in rows}
    numbers = Counter(states.values())
    yield metrics.gauge(
        "keeptrusts_notification_endpoints", "Notification endpoints by state.",
        {state: numbers[state] for state in STATES}, "state",
    )  # fmt: skip
    yield metrics.gauge(
        "keeptrusts_notification_endpoint_failing_seconds",
        "Seconds since the first of the attempts that failed, of endpoints that fail.",
        {
            row.name: _seconds(row.failing_since, now)
            for row in rows
            if row.failing_since and states[row.pk] == FAILING
        },
        "endpoint",
    )
    yield from _waiting(states, now)
    counted = metrics.totals()
    yield from (measure.family(counted) for measure in (ATTEMPTS, GIVEN_UP))


def _waiting(states: Mapping[UUID, str], now: datetime) -> Iterator[core.Metric]:
    # Of what waits alone there are indexes; most of the time nothing does.
    waits = Notification.objects.filter(status=Notification.Status.WAITING).values_list("endpoint")
    counts, since = dict.fromkeys(STATES, 0.0), dict.fromkeys(STATES, 0.0)
    for endpoint_id, count, first in waits.annotate(Count("pk"), Min("created_at")).order_by():
        if state := states.get(endpoint_id):  # Else it was made meanwhile.
            counts[state] += count
            since[state] = max(since[state], _seconds(first, now))
    yield metrics.gauge(
        "keeptrusts_notifications_waiting",
        "Notifications that wait, by the state of their endpoint.", counts, "state",
    )  # fmt: skip
    yield metrics.gauge(
        "keeptrusts_notifications_wait_for_seconds",
        "Seconds since the first of them began to wait.", since, "state",
    )  # fmt: skip


def _state(row: Endpoint) -> str:
    if not row.enabled:
        return GONE if row.gone else DISABLED
    return FAILING if row.told_at else REACHED


def _seconds(since: datetime, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds())
