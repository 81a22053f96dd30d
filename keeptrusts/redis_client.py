"""The connection pool to Redis of this process, and the time limits of its clients."""

from functools import lru_cache
from typing import Any

import redis
from django.conf import settings

# Longer than any answer takes and than Celery's workers wait for a message; shorter than a
# request may wait for a server that is gone.
TIMEOUT_SECONDS = 2.0
TIMEOUTS: dict[str, Any] = {
    "socket_timeout": TIMEOUT_SECONDS,
    "socket_connect_timeout": TIMEOUT_SECONDS,
}


def client() -> "redis.Redis":
    """A client for the server of `REDIS_URL`; safe among threads and after a fork."""
    return _client(settings.REDIS_URL)


@lru_cache(maxsize=1)
def _client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, **TIMEOUTS)
