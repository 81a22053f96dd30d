"""What changes too often for the database: what each gateway was handed, and when it was seen.

Kept in Redis, a hash for each, gateway id to JSON. It may be lost with Redis: the database has
what was true a minute ago, and every gateway says the rest again with its next report.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import redis
import structlog
from django.utils import timezone

from gateways.statements import Desired
from keeptrusts.redis_client import client

log = structlog.get_logger(__name__)

_HANDED = "keeptrusts:fleet:handed"


@dataclass(frozen=True, slots=True)
class Handed:
    """What a gateway was told last, by pull or by push."""

    content_hash: str
    publish_seq: int
    at: datetime


def note_handed(statements: Iterable[Desired]) -> None:
    """Remember what gateways were told, or log that it cannot be: they are told all the same."""
    now = timezone.now()
    facts: Any = {
        said.gateway: orjson.dumps([said.content_hash, said.publish_seq, now])
        for said in statements
    }
    try:
        client().hset(_HANDED, mapping=facts)
    except redis.RedisError as exc:
        log.warning("what gateways were told is not noted", error=str(exc))


def handed() -> dict[str, Handed]:
    """What each gateway was told last. Raises: `redis.RedisError`."""
    return {key: Handed(value[0], value[1], _time(value[2])) for key, value in _all(_HANDED)}


def _all(name: str) -> Iterable[tuple[str, Any]]:
    found: Any = client().hgetall(name)
    return ((key.decode(), orjson.loads(value)) for key, value in found.items())


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
