"""Whether beat and a worker are alive: the tick, which needs both, says so in Redis."""

import re
import time
from typing import Any

from keeptrusts.redis_client import client

_KEY = "keeptrusts:tick"
_KEPT_SECONDS = 60
_STALE_SECONDS = 10.0
_TIME = re.compile(rb"[0-9]{1,11}\.[0-9]{3}")


def beat() -> None:
    """Note that a tick ran now."""
    client().set(_KEY, f"{time.time():.3f}", ex=_KEPT_SECONDS)


def age_seconds() -> float | None:
    """Seconds since the last tick, or None when there was none for a minute.

    What is no time is none of ours. Raises: `redis.RedisError`.
    """
    at: Any = client().get(_KEY)
    return max(0.0, time.time() - float(at)) if at and _TIME.fullmatch(at) else None


def is_alive() -> bool:
    """Whether a tick ran within the last ten seconds. Raises: `redis.RedisError`."""
    age = age_seconds()
    return age is not None and age < _STALE_SECONDS
