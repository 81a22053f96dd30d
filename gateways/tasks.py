"""What beat has done about the fleet: reports into the database, old decisions out of it."""

import redis
import structlog
from celery import shared_task

from gateways.reports import decisions, reports

log = structlog.get_logger(__name__)


@shared_task(name="gateways.flush", time_limit=60)
def flush() -> None:
    """Write when gateways were seen last, once a minute, for all of them."""
    try:
        reports.flush()
    except redis.RedisError as exc:
        log.warning("when gateways were seen is not written", error=str(exc))


@shared_task(name="gateways.prune", time_limit=300)
def prune() -> None:
    """Remove decisions that are older than they are kept."""
    if removed := decisions.prune():
        log.info("removed old decisions", count=removed)
