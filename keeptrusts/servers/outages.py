"""Record of server faults: in the log, in this process, and in Redis for `/healthz` of all.

A health check writes nothing to the database, so only real writes notice that its disk is full.
"""

import time

import redis
import structlog

from keeptrusts.redis_client import client
from keeptrusts.servers import failures
from keeptrusts.servers.failures import Failure

log = structlog.get_logger(__name__)

_KEY = "keeptrusts:outage"
_KEPT_SECONDS = 30
_LASTING = {f.message for f in vars(failures).values() if isinstance(f, Failure) and f.lasts}

# What this process met, and when by the monotonic clock: Redis may forget it.
_own = ("", 0.0)


def met(exc: BaseException) -> Failure | None:
    """Record the fault of a server behind an exception, and return it; None for a bug."""
    failure = failures.of(exc)
    if failure is not None:
        log.warning(f"{failure.server} failed", error=str(exc))
        if failure.message in _LASTING:
            _note(failure)
    return failure


def _note(failure: Failure) -> None:
    global _own
    _own = (failure.message, time.monotonic())
    try:
        client().set(_KEY, failure.message, ex=_KEPT_SECONDS)
    except redis.RedisError as exc:
        log.warning("failure not recorded in Redis", error=str(exc))


def last() -> str:
    """The message of a lasting fault in the last half minute; empty without one.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    words, at = _own
    if words and time.monotonic() - at < _KEPT_SECONDS:
        return words
    value = client().get(_KEY)
    words = value.decode(errors="replace") if isinstance(value, bytes) else ""
    return words if words in _LASTING else ""  # Others may write there.
