"""Periodic tasks of the fleet: write reports to the database, remove what is old."""

import redis
import structlog
from celery import shared_task
from django.utils import timezone

from gateways.drift import troubles
from gateways.reports import decisions, reports
from keeptrusts import counters
from keeptrusts.api.writes import kept

log = structlog.get_logger(__name__)


@shared_task(name="gateways.flush", time_limit=60)
def flush() -> None:
    """Write to the database, for all gateways, when each was last seen; tell of troubles."""
    try:
        reports.flush()
    except redis.RedisError as exc:
        log.warning("last reports not written to the database", error=str(exc))
        return  # Who was heard of is not known now, and nobody is called silent for that.
    troubles.look(timezone.now())


@shared_task(name="gateways.prune", time_limit=300)
def prune() -> None:
    """Remove decisions, values of counters and answers that are kept long enough."""
    counters.prune()
    kept.prune()
    if removed := decisions.prune():
        log.info("removed old decisions", count=removed)
