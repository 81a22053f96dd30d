"""Publishing over Redis' pub/sub of what may be lost, without waiting for a Redis that is gone."""

import time

import redis
import structlog

from keeptrusts.redis_client import client

log = structlog.get_logger(__name__)

# After a failure nothing is tried for so long: each try may wait until its time limit.
_REST_SECONDS = 5.0

_resting_until = 0.0


def publish(channel: str, data: bytes) -> None:
    """Publish a message, if Redis answers; a failure is logged."""
    global _resting_until
    if time.monotonic() < _resting_until:
        return
    try:
        client().publish(channel, data)
    except redis.RedisError as exc:
        _resting_until = time.monotonic() + _REST_SECONDS
        log.warning("not published; it is heard of within seconds", channel=channel, error=str(exc))
