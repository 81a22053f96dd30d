"""Hints of changes to the process of event streams, over Redis' pub/sub.

A hint may be lost: the change counters decide, and are read every two seconds.
"""

import redis
import structlog
from django.db import transaction

from keeptrusts.redis_client import client

log = structlog.get_logger(__name__)

CHANNEL = "keeptrusts:changes"


def announce_on_commit() -> None:
    """Send a hint once the running transaction is committed."""
    transaction.on_commit(_announce)


def _announce() -> None:
    try:
        client().publish(CHANNEL, b"")
    except redis.RedisError as exc:
        log.warning("hint of a change not sent; gateways get it within seconds", error=str(exc))
