"""Record of server faults: in the log, and in Redis for `/healthz` of every web process.

A health check writes nothing to the database, so only real writes notice that its disk is full.
"""

import time

import redis
import structlog
from django.conf import settings

from keeptrusts.redis_client import client
from keeptrusts.servers import failures
from keeptrusts.servers.failures import Failure

log = structlog.get_logger(__name__)

_KEY = "keeptrusts:outage"
_KEPT_SECONDS = 30
_met_here: tuple[str, float] = ("", 0.0)
# A health check finds these itself, and also that they are over.
_FOUND = {failures.REFUSING.message}
if settings.DATABASES["default"]["ENGINE"] == "keeptrusts.postgres":
    _FOUND.add(failures.READ_ONLY.message)
_LASTING = {
    f.message for f in vars(failures).values() if isinstance(f, Failure) and f.lasts
} - _FOUND


def met(exc: BaseException) -> Failure | None:
    """Record the fault of a server behind an exception, and return it; None for a bug."""
    failure = failures.of(exc)
    if failure is not None:
        log.warning(f"{failure.server} failed", error=str(exc))
        if failure.message in _LASTING:
            _note(failure)
    return failure


def _note(failure: Failure) -> None:
    global _met_here
    if failure.server == "database":
        _met_here = (failure.message, time.monotonic())
    try:
        client().set(_KEY, failure.message, ex=_KEPT_SECONDS)
    except redis.RedisError as exc:
        log.warning("failure not recorded in Redis", error=str(exc))


def last_here() -> str:
    """The message of a lasting fault of the database that this process met in the last half minute.

    Empty without one.
    """
    message, at = _met_here
    return message if time.monotonic() - at < _KEPT_SECONDS else ""


def last() -> str:
    """The message of a lasting fault in the last half minute; empty without one.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    value = client().get(_KEY)
    words = value.decode(errors="replace") if isinstance(value, bytes) else ""
    return words if words in _LASTING else ""  # Others may write there.
