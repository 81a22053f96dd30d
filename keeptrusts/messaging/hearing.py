"""Hearing what is published over Redis' pub/sub, by an event loop."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.client import PubSub

from keeptrusts.redis_client import OPTIONS, UNREADABLE

_SETTLE_SECONDS = 0.02
# More than come of one burst; who sends without end does not keep changes back.
_MOST_AT_ONCE = 10_000


# Nothing comes too early when a subscription is confirmed; and for ever where the kernel has given
# up a connection, whose error the client takes for no message in time.
_MOST_EARLY = 8


async def heard(
    *channels: str, seconds: float, rest_seconds: Callable[[], float] | float = 0.0
) -> AsyncGenerator[list[tuple[str, bytes]], None]:
    """What was published, by channel: an item at first, after messages, and at least so often.

    The first messages after a while come at once. Of many that follow one another, those of
    `rest_seconds`, which may change, come together, since whoever hears of a change reads all that
    changed.

    Raises:
        redis.RedisError: Redis does not answer, or with what is no message.
    """
    try:
        async with redis.asyncio.Redis.from_url(settings.REDIS_URL, **OPTIONS) as client:
            hearing = client.pubsub(ignore_subscribe_messages=True)
            await hearing.subscribe(*channels)
            messages: list[Any] = []
            early = 0
            while True:
                rest = rest_seconds() if callable(rest_seconds) else rest_seconds
                rests_until = time.monotonic() + rest
                yield [(one["channel"].decode(), one["data"]) for one in messages]
                asked_at = time.monotonic()
                first = await hearing.get_message(timeout=seconds)
                is_early = first is None and time.monotonic() < asked_at + seconds / 2
                early = early + 1 if is_early else 0
                if early > len(channels) + _MOST_EARLY:
                    raise redis.ConnectionError("the connection broke while it was listened to")
                messages = [first, *await _settled(hearing, rests_until)] if first else []
    except UNREADABLE as exc:
        raise redis.InvalidResponse("an answer outside the protocol") from exc


async def _settled(hearing: PubSub, rests_until: float) -> list[Any]:
    """The messages that come until there are no more, so that many changes are read at once."""
    await asyncio.sleep(max(_SETTLE_SECONDS, rests_until - time.monotonic()))
    found: list[Any] = []
    while len(found) < _MOST_AT_ONCE and (message := await hearing.get_message(timeout=0)):
        found.append(message)
    return found
