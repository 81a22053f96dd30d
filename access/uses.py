"""Times at which tokens were last used, to the hour: noted in Redis, written in bulk.

The first use of a token is written at once, so that one in use is nowhere told to be unused;
whatever is used again writes nothing to the database when it reads.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import redis
import structlog
from django.db import DatabaseError
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
    """Note that a token is used now; a failure of Redis or of the database is logged."""
    moment = timezone.now()
    now = int(moment.timestamp())
    hour = now // _HOUR_SECONDS
    if _noted.get(token.pk) == hour:
        return
    _noted[token.pk] = hour
    if token.last_used_at is None:
        _write_first(token, moment)
    try:
        client().hset(_KEY, str(token.pk), now)
    except redis.RedisError as exc:
        log.warning("use of a token not recorded in Redis", error=str(exc))


def _write_first(token: Token, now: datetime) -> None:
    """Write a first use, which another process may have written as well."""
    try:
        Token.objects.filter(pk=token.pk, last_used_at=None).update(last_used_at=now)
    except DatabaseError as exc:  # It is written with the others, then.
        log.warning("first use of a token not written", error=str(exc))


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
