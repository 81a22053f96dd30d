"""What changes too often for the database: what each gateway was handed, and when it was seen.

Kept in Redis, a hash for each, gateway id to JSON. It may be lost with Redis: the database has
what was true a minute ago, and every gateway says the rest again with its next report.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import redis
import structlog
from django.utils import timezone

from gateways.signing.statements import Desired
from keeptrusts.redis_client import client

log = structlog.get_logger(__name__)

_HANDED = "keeptrusts:fleet:handed"
_SEEN = "keeptrusts:fleet:seen"
_BEGUN = "keeptrusts:fleet:begun"
_BEGUN_SECONDS = 86_400


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


@dataclass(frozen=True, slots=True)
class LastReport:
    """The last report: when it came, how it is told from one that says something else, and what
    it said that may reach the database late."""

    at: datetime
    essence: str
    counters: Mapping[str, int]
    stream: bool


def swap_seen(gateway_id: str, seen: LastReport) -> LastReport | None:
    """Note a report; returns the one before, None when there is none.

    Raises: `redis.RedisError`.
    """
    row = orjson.dumps([seen.at, seen.essence, seen.counters, seen.stream])
    pipe = client().pipeline()
    pipe.hget(_SEEN, gateway_id)
    pipe.hset(_SEEN, gateway_id, row)
    before, _ = pipe.execute()
    return None if before is None else _seen(orjson.loads(before))


def forget_seen(gateway_id: str) -> None:
    """Have the next report reach the database, whatever it says. Raises: `redis.RedisError`."""
    client().hdel(_SEEN, gateway_id)


def seen() -> dict[str, LastReport]:
    """The last report of each gateway. Raises: `redis.RedisError`."""
    return {key: _seen(value) for key, value in _all(_SEEN)}


def is_first(configuration_id: str, version: int) -> bool:
    """Whether nobody asked this of a version before. Raises: `redis.RedisError`."""
    name = f"{_BEGUN}:{configuration_id}:{version}"
    return bool(client().set(name, 1, nx=True, ex=_BEGUN_SECONDS))


def _seen(row: Any) -> LastReport:
    at, essence, counters, stream = row
    return LastReport(_time(at), essence, counters, stream)


def _all(name: str) -> Iterable[tuple[str, Any]]:
    found: Any = client().hgetall(name)
    return ((key.decode(), orjson.loads(value)) for key, value in found.items())


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
