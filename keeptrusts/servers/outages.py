"""Errors of servers, as the edges take them: into the log, and into `/healthz` of every web.

A disk that is full shows when something is written, and a health check writes nothing.
"""

import redis
import structlog

from keeptrusts.redis_client import client
from keeptrusts.servers import failures
from keeptrusts.servers.failures import Failure

log = structlog.get_logger(__name__)

_KEY = "keeptrusts:outage"
_KEPT_SECONDS = 30
_LASTING = {f.message for f in vars(failures).values() if isinstance(f, Failure) and f.lasts}


def met(exc: BaseException) -> Failure | None:
    """The fault of a server behind an exception, which is noted; None when there is none: a bug."""
    failure = failures.of(exc)
    if failure is not None:
        log.warning(f"{failure.server} failed", error=str(exc))
        if failure.message in _LASTING:
            _note(failure)
    return failure


def _note(failure: Failure) -> None:
    try:
        client().set(_KEY, failure.message, ex=_KEPT_SECONDS)
    except redis.RedisError as exc:
        log.warning("the failure is not noted", error=str(exc))


def last() -> str:
    """What was wrong with the database in the last half minute; empty when nothing was.

    Raises: `redis.RedisError`.
    """
    value = client().get(_KEY)
    words = value.decode(errors="replace") if isinstance(value, bytes) else ""
    return words if words in _LASTING else ""  # Others may write there, too.
