"""The heartbeat of beat and a worker: the time of the last tick, kept in Redis.

It is vouched for: who writes to Redis can hide it, and not make one up.
"""

import math
import re
import time

from keeptrusts import sealing
from keeptrusts.redis_client import client

_KEY = "keeptrusts:tick"
_KEPT_SECONDS = 60
STALE_SECONDS = 10.0
# The clocks of two machines may differ by this. A heartbeat from further ahead could be shown
# again and again until its time.
_SKEW_SECONDS = 60.0
_TIME = re.compile(rb"[0-9]{1,11}\.[0-9]{3}")


def beat() -> None:
    """Record that a tick ran now."""
    now = f"{time.time():.3f}".encode()
    client().set(_KEY, sealing.vouch(now, row=_KEY), ex=_KEPT_SECONDS)


def age_seconds() -> float | None:
    """Seconds since the last tick; None when no tick was recorded in the last minute.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    stored = client().get(_KEY)
    if not isinstance(stored, bytes):
        return None
    try:
        at = sealing.vouched(stored, row=_KEY)
    except sealing.SealError:
        return None
    age = time.time() - float(at) if _TIME.fullmatch(at) else -math.inf
    return max(0.0, age) if age > -_SKEW_SECONDS else None


def is_alive() -> bool:
    """Whether a tick ran within the last ten seconds.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    age = age_seconds()
    return age is not None and age < STALE_SECONDS
