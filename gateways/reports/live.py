"""Last reports and handed contents, which change too often for the database, in Redis.

Each is a hash of gateway id to JSON with a MAC, and may be lost with Redis: the database has the
state of a minute ago, and every gateway repeats the rest with its next report. Redis may also hand
out an older row, so nothing is believed of a row but what its own time and essence tell.
"""

import secrets
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Protocol, TypeVar, cast

import msgspec
import orjson
import redis
import structlog
from django.conf import settings
from django.utils import timezone

from keeptrusts import sealing
from keeptrusts.redis_client import client

log = structlog.get_logger(__name__)

_HANDED = "keeptrusts:fleet:handed"
_SEEN = "keeptrusts:fleet:seen"
_CHANGE = "keeptrusts:fleet:change"
_BEGUN = "keeptrusts:fleet:begun"
_BEGUN_SECONDS = 86_400
_SPENT = "keeptrusts:fleet:spent"
_HOUR_MS = 3_600_000
# The key has the time at which nothing of what was taken is left.
_SPEND = """
local now, cost, hour = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local debt = math.max(0, tonumber(redis.call('GET', KEYS[1]) or '0') - now)
if debt > 0 and debt + cost > hour then
  return math.ceil(math.max(1000, math.min(debt, debt + cost - hour)) / 1000)
end
redis.call('SET', KEYS[1], string.format('%.0f', now + debt + cost), 'PX', debt + cost + 1000)
return 0
"""
_AHEAD = "keeptrusts:fleet:ahead"
_AHEAD_SECONDS = 600

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Name = Annotated[str, msgspec.Meta(max_length=100, pattern=r"\A[^\x00]*\Z")]
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_Row = TypeVar("_Row", "Handed", "LastReport")

# Of each hash the secret keys, and each row as it was stored and as it was read with these: from
# one reading to the next most are the same, and to vouch for one takes longer than to compare it.
_last_read: dict[str, tuple[object, Mapping[bytes, tuple[bytes, Any]]]] = {}


class _Statement(Protocol):
    """What is read of a statement."""

    @property
    def gateway(self) -> str: ...
    @property
    def content_hash(self) -> str: ...
    @property
    def publish_seq(self) -> int: ...


class Handed(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True):
    """The content that was last handed to a gateway, by pull or by push."""

    content_hash: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    publish_seq: _Count
    at: _Moment


def note_handed(statements: Iterable[_Statement]) -> None:
    """Record the contents that were handed to gateways; a failure of Redis is logged."""
    now = timezone.now()
    rows: Any = {
        statement.gateway: _row(
            _HANDED, statement.gateway, [statement.content_hash, statement.publish_seq, now]
        )
        for statement in statements
    }
    try:
        pipe = client().pipeline()
        pipe.hset(_HANDED, mapping=rows)
        pipe.set(_CHANGE, _new_mark())
        pipe.execute()
    except redis.RedisError as exc:
        log.warning("handed contents not recorded in Redis", error=str(exc))


def handed() -> dict[str, Handed]:
    """The content that was last handed to each gateway.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    return _all(_HANDED, Handed)


class HandedRows:
    """What was last handed to gateways, as it stood in Redis; a row is read when it is needed."""

    def __init__(self, stored: Mapping[bytes, bytes]) -> None:
        self._stored = stored

    def other(self, gateway_id: str, content_hash: str | None) -> Handed | None:
        """What a gateway was handed; None where there is nothing, or this very content.

        Of most gateways the database says the same by now, and what says no more need not be
        vouched for, which takes ten times as long as to see that.
        """
        stored = self._stored.get(gateway_id.encode())
        if stored is None:
            return None
        if content_hash and stored.startswith(f'["{content_hash}",'.encode(), sealing.MAC_DIGITS):
            return None
        return _read(_HANDED, gateway_id, stored, Handed)


def handed_rows() -> HandedRows:
    """What was last handed to gateways, as it stands now.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    values: Any = client().hgetall(_HANDED)
    return HandedRows(values)


class LastReport(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True):
    """The last report of a gateway: its time, its essence, and fields that may be written late.

    A report with another `essence` (`reports.Essence` as text) is written at once.
    """

    at: _Moment
    essence: str
    counters: Annotated[Mapping[_Name, _Count], msgspec.Meta(max_length=50)]
    stream: bool


def swap_seen(reports: Mapping[str, LastReport]) -> dict[str, LastReport]:
    """Record reports by gateway, and return those before them, where there are any.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    names = list(reports)
    rows: Any = {
        name: _row(_SEEN, name, [seen.at, seen.essence, seen.counters, seen.stream])
        for name, seen in reports.items()
    }
    pipe = client().pipeline()
    pipe.hmget(_SEEN, names)
    pipe.hset(_SEEN, mapping=rows)
    values, _ = pipe.execute()
    if len(values) != len(names):
        raise redis.InvalidResponse("an answer for other gateways")
    found = zip(names, values, strict=True)
    read = ((name, _read(_SEEN, name, value, LastReport)) for name, value in found if value)
    return {name: row for name, row in read if row is not None}


def change() -> bytes | None:
    """The mark of the last change of reports or handed contents; None where it is not known.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    found: Any = client().get(_CHANGE)
    return cast(bytes | None, found)


def mark_change() -> None:
    """Mark that reports were recorded to the end; a failure of Redis is logged.

    Whoever keeps what it read before does so for seconds, so that a lost mark makes it late.
    """
    try:
        client().set(_CHANGE, _new_mark())
    except redis.RedisError as exc:
        log.warning("a change of reports is not marked: no Redis", error=str(exc))


def _new_mark() -> bytes:
    return secrets.token_bytes(8)  # A number would begin anew with Redis.


def forget_seen(*gateway_ids: str) -> None:
    """Forget the last reports, so that the next ones are written to the database.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    if gateway_ids:
        client().hdel(_SEEN, *gateway_ids)


def seen() -> dict[str, LastReport]:
    """The last report of each gateway.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    return _all(_SEEN, LastReport)


def is_first(configuration_id: str, version: int) -> bool:
    """Whether this is the first call for a version, within a day.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    name = f"{_BEGUN}:{configuration_id}:{version}"
    return bool(client().set(name, 1, nx=True, ex=_BEGUN_SECONDS))


def is_first_ahead(gateway_id: str, what: str) -> bool:
    """Whether this is the first call for a gateway's policy or keys (`what`) in ten minutes.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    name = f"{_AHEAD}:{what}:{gateway_id}"
    return bool(client().set(name, 1, nx=True, ex=_AHEAD_SECONDS))


def spend(gateway_id: str, *, share_of_hour: float) -> int:
    """Take a share of what a gateway may send in an hour; 0, or the seconds to wait for it.

    What was taken grows back evenly, so that a full hour's worth may come at once. More than that
    passes only when nothing was taken before.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    cost_ms = round(share_of_hour * _HOUR_MS)
    name = f"{_SPENT}:{gateway_id}"
    return int(client().eval(_SPEND, 1, name, time.time_ns() // 1_000_000, cost_ms, _HOUR_MS))


def _all(name: str, kind: type[_Row]) -> dict[str, _Row]:
    values: Any = client().hgetall(name)
    keys, before = _last_read.get(name, (None, {}))
    if keys != settings.ENV.secret_keys:
        before = {}
    found = {}
    for key, stored in values.items():
        if (last := before.get(key)) is not None and last[0] == stored:
            found[key] = last
        else:
            found[key] = stored, _read(name, key.decode(errors="replace"), stored, kind)
    _last_read[name] = settings.ENV.secret_keys, found
    rows = ((key.decode(errors="replace"), row) for key, (_, row) in found.items())
    return {key: row for key, row in rows if row is not None}


def _row(name: str, gateway_id: str, facts: list[Any]) -> bytes:
    return sealing.vouch(orjson.dumps(facts), row=f"{name}:{gateway_id}")


def _read(name: str, gateway_id: str, stored: bytes, kind: type[_Row]) -> _Row | None:
    """A row of Redis; None for one that this module did not write, or for another gateway."""
    try:
        return msgspec.json.decode(sealing.vouched(stored, row=f"{name}:{gateway_id}"), type=kind)
    except (msgspec.DecodeError, sealing.SealError) as exc:
        log.warning("unreadable row in Redis ignored", kind=kind.__name__, error=str(exc))
        return None
