"""The heartbeat of beat and a worker: the time of the last tick, kept in Redis."""

import re
import time
from typing import Any

from keeptrusts.redis_client import client

_KEY = "keeptrusts:tick"
_KEPT_SECONDS = 60
_STALE_SECONDS = 10.0
_TIME = re.compile(rb"[0-9]{1,11}\.[0-9]{3}")


def beat() -> None:
    """Record that a tick ran now."""
    client().set(_KEY, f"{time.time():.3f}", ex=_KEPT_SECONDS)


def age_seconds() -> float | None:
    """Seconds since the last tick; None when no tick was recorded in the last minute.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    at: Any = client().get(_KEY)
    return max(0.0, time.time() - float(at)) if at and _TIME.fullmatch(at) else None


def is_alive() -> bool:
    """Whether a tick ran within the last ten seconds.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    age = age_seconds()
    return age is not None and age < _STALE_SECONDS
