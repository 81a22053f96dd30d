"""Record of server faults: in the log, in this process, and in Redis for `/healthz` of all.

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
# A health check finds these itself, and also that they are over.
_FOUND = {failures.REFUSING.message}
if settings.DATABASES["default"]["ENGINE"] == "keeptrusts.postgres":
    _FOUND.add(failures.READ_ONLY.message)
_LASTING = {
    f.message for f in vars(failures).values() if isinstance(f, Failure) and f.lasts
} - _FOUND

# What this process met, by server, and when by the monotonic clock: Redis may forget it.
_own: dict[str, tuple[str, float]] = {}


def met(exc: BaseException) -> Failure | None:
    """Record the fault of a server behind an exception, and return it; None for a bug."""
    failure = failures.of(exc)
    if failure is not None:
        log.warning(f"{failure.server} failed", error=str(exc))
        if failure.message in _LASTING:
            _note(failure)
    return failure


def _note(failure: Failure) -> None:
    _own[failure.server] = (failure.message, time.monotonic())
    try:
        client().set(_KEY, failure.message, ex=_KEPT_SECONDS)
    except redis.RedisError as exc:
        log.warning("failure not recorded in Redis", error=str(exc))


def last_here() -> str:
    """The message of a lasting fault of the database that this process met in the last half minute.

    Empty without one.
    """
    return _recent("database")


def _recent(server: str) -> str:
    message, at = _own.get(server, ("", 0.0))
    return message if message and time.monotonic() - at < _KEPT_SECONDS else ""


def last() -> str:
    """The message of a lasting fault in the last half minute; empty without one.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    for server in tuple(_own):
        if words := _recent(server):
            return words
    value = client().get(_KEY)
    words = value.decode(errors="replace") if isinstance(value, bytes) else ""
    return words if words in _LASTING else ""  # Others may write there.
