"""Whether beat and a worker are alive: the tick, which needs both, says so in Redis."""

import time

from django.core.cache import cache

_KEY = "keeptrusts:tick"
_STALE_SECONDS = 10.0


def beat() -> None:
    """Note that a tick ran now."""
    cache.set(_KEY, time.time(), timeout=60)


def age_seconds() -> float | None:
    """Seconds since the last tick, or None when there was none for a minute."""
    at = cache.get(_KEY)
    return None if at is None else max(0.0, time.time() - at)


def is_alive() -> bool:
    """Whether a tick ran within the last ten seconds."""
    age = age_seconds()
    return age is not None and age < _STALE_SECONDS
