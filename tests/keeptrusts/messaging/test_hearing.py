"""When what is published is heard."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from uuid import uuid4

from keeptrusts.messaging.hearing import heard
from keeptrusts.redis_client import client

_REST_SECONDS = 0.5


async def _items(channel: str, publish: Callable[[], object], *, many: int) -> list[float]:
    """When each item came, in seconds after `publish` began, until `many` messages were heard."""
    hearing = heard(channel, seconds=5, rest_seconds=_REST_SECONDS)
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


def test_messages_that_follow_one_another_are_heard_together() -> None:
    """Who hears of each reads the database for each."""
    channel = uuid4().hex

    def publish() -> None:
        for _ in range(40):
            client().publish(channel, b"")
            time.sleep(0.01)

    came = asyncio.run(_items(channel, publish, many=40))

    assert len(came) <= 1 + came[-1] / _REST_SECONDS
