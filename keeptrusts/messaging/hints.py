"""Telling the process that pushes to gateways that there is news, over Redis' pub/sub.

A hint may be lost: the change counters are the truth, and are read again every two seconds.
"""

import redis
import structlog
from django.db import transaction

from keeptrusts.redis_client import client

log = structlog.get_logger(__name__)

CHANNEL = "keeptrusts:changes"


def announce_on_commit() -> None:
    """Tell of the running transaction's changes once they can be read."""
    transaction.on_commit(_announce)


def _announce() -> None:
    try:
        client().publish(CHANNEL, b"")
    except redis.RedisError as exc:
        log.warning("no hint of a change was sent; it is found within seconds", error=str(exc))
