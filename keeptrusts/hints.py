"""Telling the process that pushes to gateways that there is news, over Redis' pub/sub.

A hint may be lost: the change counters are the truth, and are read again every two seconds.
"""

from functools import lru_cache

import redis
import structlog
from django.conf import settings
from django.db import transaction

log = structlog.get_logger(__name__)

CHANNEL = "keeptrusts:changes"
_TIMEOUT_SECONDS = 2.0


def announce_on_commit() -> None:
    """Tell of the running transaction's changes once they can be read."""
    transaction.on_commit(_announce)


def _announce() -> None:
    try:
        _client(settings.REDIS_URL).publish(CHANNEL, b"")
    except redis.RedisError as exc:
        log.warning("no hint of a change was sent; it is found within seconds", error=str(exc))


@lru_cache(maxsize=1)
def _client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(
        url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS
    )
