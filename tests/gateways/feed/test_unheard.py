"""The feed while nobody listens: it reads seldom, and nobody misses anything for it."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest

from access.bearers import Bearer
from gateways.feed import feed as feeds
from gateways.feed.feed import Feed
from gateways.feed.listener import Credential, Ear, Listener
from gateways.feed.past import Batch
from gateways.feed.resources import SYNCS
from keeptrusts.api.errors import BusyError
from keeptrusts.messaging import progress


class Past:
    """Counts how often it is read."""

    def __init__(self) -> None:
        self.reads = 0

    def read(self) -> Batch:
        self.reads += 1
        return self.now()

    def now(self) -> Batch:
        return Batch(f"{self.reads}")


async def _sent(_: Any) -> None:
    """Take what is sent."""


def _listener(resource: str = "events") -> Listener:
    credential = Credential(cast(Bearer, None), "", "")
    return Listener(Ear(frozenset({resource}), None), credential, _sent, lambda: None)


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> Feed:
    """One that hears a hundred hints; the credentials of its listeners last."""

    async def heard(*_: str, **_seconds: float) -> AsyncGenerator[list[tuple[str, bytes]], None]:
        for _number in range(100):
            yield [("keeptrusts:changes", b"")]
        await asyncio.Event().wait()

    monkeypatch.setattr(feeds, "heard", heard)
    monkeypatch.setattr(feeds, "_over", lambda *_: set())
    made = Feed()
    made._past = Past()  # type: ignore[assignment]
    return made


def _reads(feed: Feed) -> int:
    return cast(Past, feed._past).reads


async def _follow(feed: Feed) -> int:
    """Have a feed hear its hints; the reads that it made for them."""
    before = _reads(feed)
    following = asyncio.create_task(feed._follow())
    await asyncio.sleep(0.5)
    following.cancel()
    return _reads(feed) - before


def test_without_listeners_hints_are_no_reason_to_read(feed: Feed) -> None:
    """The first look is for where the feed begins; much is never left unread."""

    async def follow() -> tuple[int, int]:
        first = await _follow(feed)
        feed._looked_at -= feeds._UNHEARD_SECONDS
        return first, await _follow(feed)

    assert asyncio.run(follow()) == (1, 1)


def test_the_first_listener_begins_where_the_database_stands(feed: Feed) -> None:
    """What was unread before is read first; and from then on each hint is followed."""

    async def listen() -> tuple[str, int]:
        await _follow(feed)
        before, listener = _reads(feed), _listener()
        async with feed.telling(listener, None):
            assert _reads(feed) == before + 1
            return listener.position, await _follow(feed)

    position, reads = asyncio.run(listen())

    assert position == "2"
    assert reads > 1


def test_progress_is_heard_while_somebody_listens_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each sync tells of four stages, which nobody else is to read."""
    subscribed: list[str] = []

    async def heard(*channels: str, **_: float) -> AsyncGenerator[list[tuple[str, bytes]], None]:
        subscribed.extend(channels)
        try:
            while True:
                yield []
                await asyncio.sleep(0.01)
        finally:
            subscribed.clear()

    monkeypatch.setattr(feeds, "heard", heard)
    made = Feed()
    made._past = Past()  # type: ignore[assignment]

    async def listen() -> list[list[str]]:
        following = asyncio.create_task(made._follow_progress())
        found = []
        for resource in ("events", SYNCS, "events"):
            async with made.telling(_listener(resource), None):
                found.append(list(subscribed))
                await asyncio.sleep(0.1)
            await asyncio.sleep(0.1)
            found.append(list(subscribed))
        following.cancel()
        return found

    assert asyncio.run(listen()) == [[], [], [progress.CHANNEL], [], [], []]


def test_a_listener_does_not_wait_for_a_redis_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It hears of all else."""
    monkeypatch.setattr(feeds, "_SUBSCRIBED_SECONDS", 0.01)
    made = Feed()
    made._past = Past()  # type: ignore[assignment]

    async def listen() -> str:
        listener = _listener(SYNCS)
        async with made.telling(listener, None):
            return listener.position

    assert asyncio.run(listen())


def test_what_changes_while_progress_is_waited_for_comes_behind_the_opening() -> None:
    """It is what the listener missed, if it asks for that; its positions are in order."""
    made, sent = Feed(), list[bytes]()
    made._past = Past()  # type: ignore[assignment]
    listener = _listener(SYNCS)
    listener.tell = lambda data, _="": sent.append(data)  # type: ignore[method-assign]

    async def listen() -> None:
        opening = asyncio.create_task(_open(made, listener))
        await asyncio.wait_for(made._is_progress_wanted.wait(), 5)
        await made._tell({listener.ear: b"changed"}, "9")
        made._is_progress_heard.set()
        await opening
        assert len(sent) == 1
        assert sent != [b"changed"]

    asyncio.run(listen())


def test_who_waits_for_progress_counts_as_a_listener(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else more would be let in while Redis is gone."""
    monkeypatch.setattr(feeds, "_bearer", lambda *_: None)
    made = Feed()
    made._past = Past()  # type: ignore[assignment]

    async def listen() -> None:
        several = [_listener(SYNCS) for _ in range(feeds._MOST_OF_ONE)]
        waiting = [asyncio.create_task(_open(made, one)) for one in several]
        await asyncio.wait_for(made._is_progress_wanted.wait(), 5)
        with pytest.raises(BusyError):
            await made.admit("", "")
        made._is_progress_heard.set()
        await asyncio.wait(waiting)
        await made.admit("", "")

    asyncio.run(listen())


def test_who_comes_while_progress_ends_waits_for_it_to_be_heard_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The subscription that is being closed tells it nothing."""
    made, subscriptions, closing = Feed(), list[str](), asyncio.Event()
    made._past = Past()  # type: ignore[assignment]

    async def heard(*channels: str, **_: float) -> AsyncGenerator[list[tuple[str, bytes]], None]:
        subscriptions.extend(channels)
        try:
            while True:
                yield []
                await asyncio.sleep(0)
        finally:
            await closing.wait()

    monkeypatch.setattr(feeds, "heard", heard)

    async def subscribed() -> int:
        async with made._hearing_progress(_listener(SYNCS)):
            return len(subscriptions)

    async def listen() -> int:
        following = asyncio.create_task(made._follow_progress())
        await _open(made, _listener(SYNCS))
        while made._is_progress_wanted.is_set():
            await asyncio.sleep(0)
        opening = asyncio.create_task(subscribed())
        for _ in range(20):
            await asyncio.sleep(0)
        closing.set()
        many = await opening
        following.cancel()
        return many

    assert asyncio.run(listen()) == 2


async def _open(feed: Feed, listener: Listener) -> None:
    async with feed.telling(listener, None):
        """Nothing is told."""
