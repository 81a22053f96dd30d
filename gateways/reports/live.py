"""What changes too often for the database: what each gateway was handed, and when it was seen.

Kept in Redis, a hash for each, gateway id to JSON. It may be lost with Redis: the database has
what was true a minute ago, and every gateway says the rest again with its next report.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
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

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Name = Annotated[str, msgspec.Meta(max_length=100, pattern=r"\A[^\x00]*\Z")]
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_Row = TypeVar("_Row", "Handed", "LastReport")


class Handed(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True):
    """What a gateway was told last, by pull or by push."""

    content_hash: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    publish_seq: _Count
    at: _Moment


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
    return _all(_HANDED, Handed)


class LastReport(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True):
    """The last report: when it came, how it is told from one that says something else, and what
    it said that may reach the database late."""

    at: _Moment
    essence: str
    counters: Annotated[Mapping[_Name, _Count], msgspec.Meta(max_length=50)]
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
    return None if before is None else _read(before, LastReport)


def forget_seen(gateway_id: str) -> None:
    """Have the next report reach the database, whatever it says. Raises: `redis.RedisError`."""
    client().hdel(_SEEN, gateway_id)


def seen() -> dict[str, LastReport]:
    """The last report of each gateway. Raises: `redis.RedisError`."""
    return _all(_SEEN, LastReport)


def is_first(configuration_id: str, version: int) -> bool:
    """Whether nobody asked this of a version before. Raises: `redis.RedisError`."""
    name = f"{_BEGUN}:{configuration_id}:{version}"
    return bool(client().set(name, 1, nx=True, ex=_BEGUN_SECONDS))


def _all(name: str, kind: type[_Row]) -> dict[str, _Row]:
    found: Any = client().hgetall(name)
    read = ((key.decode(errors="replace"), _read(value, kind)) for key, value in found.items())
    return {key: row for key, row in read if row is not None}


def _read(value: bytes, kind: type[_Row]) -> _Row | None:
    """A row as it was written. One that was not written here counts as lost."""
    try:
        return msgspec.json.decode(value, type=kind)
    except msgspec.DecodeError as exc:
        log.warning("Redis holds what was not written here", kind=kind.__name__, error=str(exc))
        return None
