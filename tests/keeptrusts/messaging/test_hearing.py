"""When what is published is heard."""

import asyncio
import contextlib
import errno
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import redis
import redis.asyncio

from keeptrusts.messaging.hearing import heard
from keeptrusts.redis_client import client

_REST_SECONDS = 0.5


async def _items(
    channel: str,
    publish: Callable[[], object],
    *,
    many: int,
    rest: Callable[[], float] | float = _REST_SECONDS,
) -> list[float]:
    """When each item came, in seconds after `publish` began, until `many` messages were heard."""
    hearing = heard(channel, seconds=5, rest_seconds=rest)
    async with contextlib.aclosing(hearing) as told:
        await anext(told)
        await anext(told)  # It listens by now: Redis confirmed it.
        await asyncio.sleep(_REST_SECONDS)
        began, came, count = time.monotonic(), list[float](), 0
        publishing = asyncio.create_task(asyncio.to_thread(publish))
        while count < many:
            count += len(await anext(told))
            came.append(time.monotonic() - began)
        await publishing
    return came


def test_one_message_is_heard_at_once() -> None:
    """Nobody waits for others that may not come."""
    channel = uuid4().hex
    [came] = asyncio.run(_items(channel, lambda: client().publish(channel, b""), many=1))

    assert came < _REST_SECONDS


@pytest.mark.parametrize("rest", [_REST_SECONDS, lambda: _REST_SECONDS])
def test_messages_that_follow_one_another_are_heard_together(rest: Any) -> None:
    """Who hears of each reads the database for each."""
    channel = uuid4().hex

    def publish() -> None:
        for _ in range(40):
            client().publish(channel, b"")
            time.sleep(0.01)

    came = asyncio.run(_items(channel, publish, many=40, rest=rest))

    assert len(came) <= 1 + came[-1] / _REST_SECONDS


def test_a_connection_that_the_kernel_gave_up_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error is a `TimeoutError`, which the client takes for no message in time, for ever.

    Who waits for the next one would wait for none: a core would be busy with it, and each look adds
    to the traceback of the one error, so that memory fills.
    """
    made: list[Any] = []
    pubsub = redis.asyncio.Redis.pubsub

    def kept(self: Any, **options: Any) -> Any:
        made.append(pubsub(self, **options))
        return made[-1]

    monkeypatch.setattr(redis.asyncio.Redis, "pubsub", kept)

    items: list[Any] = []

    async def hear() -> None:
        async with contextlib.aclosing(heard(uuid4().hex, uuid4().hex, seconds=5)) as told:
            for _ in range(3):  # The first, and what Redis says of both channels.
                await anext(told)
            made[0].connection._reader.set_exception(TimeoutError(errno.ETIMEDOUT, "timed out"))
            async for one in told:
                items.append(one)

    with pytest.raises(redis.ConnectionError):
        asyncio.run(hear())
    assert len(items) < 20


def test_nothing_in_time_is_no_error() -> None:
    """However often."""

    async def hear() -> int:
        hearing = heard(uuid4().hex, seconds=0.02)
        async with contextlib.aclosing(hearing) as told:
            return len([await anext(told) for _ in range(30)])

    assert asyncio.run(hear()) == 30
