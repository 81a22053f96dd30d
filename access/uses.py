"""Times at which tokens were last used, to the hour: noted in Redis, written in bulk.

A request that reads writes nothing to the database.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import redis
import structlog
from django.utils import timezone

from access.models import Token
from keeptrusts.redis_client import client

log = structlog.get_logger(__name__)

_KEY = "keeptrusts:tokens:used"
_HOUR_SECONDS = 3600
# Of Redis, which others may write to: what was noted longer ago was written long since.
_OLDEST = timedelta(days=2)

# The hour in which each token was noted last, by this process.
_noted: dict[UUID, int] = {}


def note(token: Token) -> None:
    """Note that a token is used now; a failure of Redis is logged."""
    now = int(timezone.now().timestamp())
    hour = now // _HOUR_SECONDS
    if _noted.get(token.pk) == hour:
        return
    _noted[token.pk] = hour
    try:
        client().hset(_KEY, str(token.pk), now)
    except redis.RedisError as exc:
        log.warning("use of a token not recorded in Redis", error=str(exc))


def flush() -> int:
    """Write what was noted to the tokens; returns how many were used since the last time.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    values: Any = client().hgetall(_KEY)
    used = _read(values)
    changed = []
    for token in Token.objects.filter(pk__in=used):
        if token.last_used_at is None or token.last_used_at < used[token.pk]:
            token.last_used_at = used[token.pk]
            changed.append(token)
    Token.objects.bulk_update(changed, ["last_used_at"])
    if values:
        client().hdel(_KEY, *values)
    return len(changed)


def _read(values: Mapping[bytes, bytes]) -> dict[UUID, datetime]:
    """What Redis holds; anything that `note` did not write is left out."""
    now, read = timezone.now(), {}
    for name, value in values.items():
        try:
            moment = datetime.fromtimestamp(int(value), UTC)
            if now - _OLDEST < moment <= now:
                read[UUID(name.decode())] = moment
        except (ValueError, OverflowError, OSError):
            log.warning("unreadable row in Redis ignored", key=_KEY)
    return read
