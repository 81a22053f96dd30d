"""Counters in Redis, which all processes and replicas share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from kt.gateway.clients.charges import Charge
from kt.gateway.clients.windows import seconds_until
from kt.gateway.errors import SettingError

# Longer than an answer takes, shorter than anybody waits for a model.
TIMEOUT_SECONDS = 2.0
PAUSE_SECONDS = 2.0
_CONNECTIONS = 50
_LOG = logging.getLogger("kt.gateway")

# As `Window`, by the clock of the server: a key has the counts of its last slot and of the one
# before. All charges are counted, or none. ARGV: 1 to count whatever the limits are; then for each
# key its window's seconds, limit and amount. Returned are the number of the charge that is over its
# limit, 0 for none, its two counts, and the microseconds of the slot that have passed.
_SCRIPT = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local counts = {}
for i, key in ipairs(KEYS) do
  local seconds, most = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local amount = tonumber(ARGV[3 * i + 1])
  local slot = math.floor(now / seconds)
  local held = redis.call('HMGET', key, 'slot', 'current', 'previous')
  local seen = tonumber(held[1] or -1)
  local current, previous = tonumber(held[2] or 0), tonumber(held[3] or 0)
  if seen ~= slot then
    previous = seen == slot - 1 and current or 0
    current = 0
  end
  local passed = now - slot * seconds
  if ARGV[1] ~= '1' and current + previous * (1 - passed / seconds) + amount > most then
    return {i, current, previous, math.floor(passed * 1000000)}
  end
  counts[i] = {slot, math.max(0, current + amount), previous, seconds}
end
for i, key in ipairs(KEYS) do
  local slot, current, previous, seconds = unpack(counts[i])
  redis.call('HSET', key, 'slot', slot, 'current', current, 'previous', previous)
  redis.call('EXPIRE', key, 2 * seconds)
end
return {0, 0, 0, 0}
"""
Counted = tuple[int, int, int, int]
# More than was ever counted, and few enough to reckon with.
_MOST = 2**63 - 1
# What the client's parser fails with.
_UNREADABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)
_PROBE = Charge("probe", "", "", 1, 60, 0)


class AwayError(Exception):
    """Redis did not answer in time, or not with counts."""


class SharedCounters:
    """The counters at one address. `problem` says why they are not used, "" while they are.

    While there is a problem nobody waits for Redis but `watch`, which ends it.

    Raises:
        SettingError: the address cannot be used; the message does not hold it.
    """

    def __init__(self, url: str) -> None:
        from redis.asyncio import BlockingConnectionPool, Redis

        self.problem = ""
        try:
            # No command is sent twice: it could count twice.
            pool = BlockingConnectionPool.from_url(
                url,
                max_connections=_CONNECTIONS,
                timeout=TIMEOUT_SECONDS,
                socket_timeout=TIMEOUT_SECONDS,
                socket_connect_timeout=TIMEOUT_SECONDS,
                # In RESP3 a server may tell its clients to connect, and to log in, elsewhere.
                protocol=2,
            )
            pool.make_connection()  # type: ignore[no-untyped-call]
        except (TypeError, ValueError) as exc:
            forms = "redis://HOST:PORT/DB, rediss://HOST:PORT/DB or unix://PATH?db=DB"
            raise SettingError(f"KEEPTRUSTS_LIMITS_URL is not {forms}") from exc
        self._client = Redis(connection_pool=pool)
        self._script = self._client.register_script(_SCRIPT)

    async def take(self, charges: Sequence[Charge]) -> tuple[Charge, int] | None:
        """Count charges; else the first that is over its limit, and the seconds until it is not.

        Raises:
            AwayError: nobody counted.
        """
        self._check()
        number, current, previous, passed_us = await self._run(charges, forced=False)
        if not number:
            return None
        over = charges[number - 1]
        wait = seconds_until(
            current,
            previous,
            passed_us / 1_000_000,
            seconds=over.window_seconds,
            limit=over.most,
            amount=over.amount,
        )
        return over, max(1, wait)

    async def add(self, charges: Sequence[Charge]) -> None:
        """Count charges whatever the limits are.

        Raises:
            AwayError: nobody counted.
        """
        self._check()
        await self._run(charges, forced=True)

    async def watch(self) -> None:
        """Try whether Redis counts, again and again; until cancelled."""
        while True:
            try:
                await self._run([_PROBE], forced=True)
            except AwayError:
                pass
            else:
                if self.problem:
                    _LOG.warning("limits: Redis counts again")
                self.problem = ""
            await asyncio.sleep(PAUSE_SECONDS)

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()
        await self._client.connection_pool.disconnect()

    def _check(self) -> None:
        if self.problem:
            raise AwayError

    async def _run(self, charges: Sequence[Charge], *, forced: bool) -> Counted:
        from redis.exceptions import RedisError

        arguments: list[int] = [int(forced)]
        for one in charges:
            arguments += [one.window_seconds, one.most, one.amount]
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                answer = await self._script([_key(one) for one in charges], arguments)
            return _counted(answer, charges)
        # The last: an address without a host, and an answer that is not the script's.
        except (RedisError, OSError, TimeoutError, *_UNREADABLE) as exc:
            self._note(exc)
            raise AwayError from exc

    def _note(self, exc: Exception) -> None:
        # Its message may have the address.
        problem = f"Redis does not count ({_why(exc)}); each process counts alone"
        if not self.problem:
            _LOG.error("limits: %s", problem)
        self.problem = problem


def _counted(answer: Any, charges: Sequence[Charge]) -> Counted:
    """What the script answers for these charges.

    Raises:
        ValueError: this is something else.
    """
    if not isinstance(answer, list) or [type(part) for part in answer] != [int] * 4:
        raise ValueError("not four numbers")
    number, current, previous, passed_us = answer
    if not 0 <= number <= len(charges) or min(current, previous, passed_us) < 0:
        raise ValueError("a number below zero, or of no charge")
    longest_us = max(charge.window_seconds for charge in charges) * 1_000_000
    if max(current, previous) > _MOST or passed_us > longest_us:
        raise ValueError("a number that is too large")
    return number, current, previous, passed_us


def _why(exc: Exception) -> str:
    """What failed, in words: its message may have the address, its class tells nobody anything."""
    from redis import exceptions

    if isinstance(exc, TimeoutError | exceptions.TimeoutError):
        return "no answer in time"
    refusals = exceptions.AuthenticationError, exceptions.NoPermissionError
    # The client tells a refused login as a connection that failed because of it.
    if isinstance(exc, refusals) or isinstance(exc.__context__, refusals):
        return "it refuses the login"
    if isinstance(exc, OSError | exceptions.ConnectionError):
        return "no connection could be made"
    return "no answer that can be used"


def _key(charge: Charge) -> str:
    """The name of a counter: of one length, and telling nobody's name."""
    told = "\n".join([charge.limit, str(charge.window_seconds), charge.scope, charge.payer])
    # In braces what Redis Cluster places keys by: a script finds them in one place.
    return f"{{keeptrusts-limits}}:{sha256(told.encode('utf-8', 'replace')).hexdigest()}"
