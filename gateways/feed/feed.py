"""The feed: all listeners, and the loop that tells them what changed.

One reader of the database serves them all. Redis' pub/sub tells at once that something changed;
without it the database is read every two seconds.
"""

import asyncio
import contextlib
import math
import random
import time
from collections.abc import AsyncIterator, Collection, Mapping
from functools import partial
from typing import Any

import redis
import structlog
from django.db import Error
from rest_framework.exceptions import AuthenticationFailed

from access import authentication, tokens
from access.bearers import Bearer
from configurations import seen
from gateways.feed import messages, sights
from gateways.feed.listener import SESSION, Credential, Ear, Listener
from gateways.feed.past import Batch, Past
from gateways.feed.resources import SYNCS
from keeptrusts import counters
from keeptrusts.api.errors import BusyError
from keeptrusts.messaging import hints, progress
from keeptrusts.messaging.hearing import heard
from keeptrusts.serving.database import DatabaseThread

log = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0
# Between two readings, of many changes that follow one another.
_REST_SECONDS = 0.2
PING_SECONDS = 15.0
# Where nobody listens; who comes has what was unread looked for first.
_UNHEARD_SECONDS = 30.0
# Who opens a stream waits so long at most for progress to be heard.
_SUBSCRIBED_SECONDS = 1.0
# Tokens end by themselves, too.
_OVER_SECONDS = 5.0
_SLICES = 50
_TOLD_AT_ONCE = 50
_MOST, _MOST_OF_ONE = 5000, 1000
_RECONNECTS_PER_SECOND = 200


class Feed:
    """The listeners and what they are told. Used by one event loop."""

    def __init__(self) -> None:
        self._listeners: dict[Listener, None] = {}
        self._past = Past()
        self._thread = DatabaseThread("feed")
        self._token_count, self._looked_over_at = -1, 0.0
        self._has_listeners = asyncio.Event()
        # Those of progress, also before they are told of all else.
        self._progress_listeners = set[Listener]()
        self._is_progress_wanted, self._is_progress_heard = asyncio.Event(), asyncio.Event()
        self._looked_at = -math.inf

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tell listeners what changes until the end of the block."""
        # In a group, so that a bug in one of them ends the process instead of going unseen.
        async with asyncio.TaskGroup() as group:
            works = (self._follow, self._follow_progress, self._keep_alive)
            tasks = [group.create_task(work()) for work in works]
            yield
            for task in tasks:
                task.cancel()
        self._thread.close()

    def close(self) -> None:
        """End all streams, each with a `goodbye` event."""
        for listener in self._listeners:
            listener.say_goodbye(messages.GOODBYE)

    async def admit(self, text: str, address: str) -> Credential:
        """Whose stream it is, by a bearer token's text or a session's cookie.

        Raises:
            APIException: nobody's, or not from this address.
            BusyError: too many streams are open.
            Error: the database could not be read.
        """
        bearer = await self._thread.run(lambda: _bearer(text, address))
        listeners = self._listeners.keys() | self._progress_listeners
        own = sum(one.credential.text == text for one in listeners)
        if len(listeners) >= _MOST or own >= _MOST_OF_ONE:
            raise BusyError("Too many streams are open; close some.")
        return Credential(bearer, text, address)

    @contextlib.asynccontextmanager
    async def telling(self, listener: Listener, last_event_id: str | None) -> AsyncIterator[None]:
        """Tell a listener what changes until the end of the block, and first what it missed."""
        async with self._hearing_progress(listener), self._telling(listener, last_event_id):
            yield

    @contextlib.asynccontextmanager
    async def _hearing_progress(self, listener: Listener) -> AsyncIterator[None]:
        """Hear of progress until the end of the block, if a listener is to be told of it."""
        if SYNCS not in listener.ear.resources:
            yield
            return
        self._progress_listeners.add(listener)
        self._is_progress_wanted.set()
        try:
            with contextlib.suppress(TimeoutError):  # Without Redis there is none to hear.
                await asyncio.wait_for(self._is_progress_heard.wait(), _SUBSCRIBED_SECONDS)
            yield
        finally:
            self._progress_listeners.discard(listener)

    @contextlib.asynccontextmanager
    async def _telling(self, listener: Listener, last_event_id: str | None) -> AsyncIterator[None]:
        if not self._listeners:
            await self._look()
        batch = await self._thread.run(
            lambda: self._past.now() if last_event_id is None else self._past.since(last_event_id)
        )
        self._listeners[listener] = None
        self._has_listeners.set()
        try:
            hears = sorted(listener.ear.resources)
            # What it missed comes next, and ends where the feed stands.
            position = "" if batch else batch.position
            listener.tell(messages.opening(hears, position, retry_ms=self._retry_ms()), position)
            if batch:
                missed = await self._thread.run(lambda: _for(batch, [listener.ear]))
                listener.tell(missed[listener.ear], batch.position)
            yield
        finally:
            self._listeners.pop(listener, None)
            listener.close()

    def _retry_ms(self) -> int:
        """The pause before a client connects again, random, so that all come spread out."""
        spread = max(2.0, len(self._listeners) / _RECONNECTS_PER_SECOND)
        return int(1000 * random.uniform(1.0, spread))  # noqa: S311

    async def _follow(self) -> None:
        while True:
            try:
                hearing = heard(hints.CHANNEL, seconds=LOOK_SECONDS, rest_seconds=_REST_SECONDS)
                async with contextlib.aclosing(hearing) as told:
                    async for published in told:
                        if self._is_due(bool(published)):
                            await self._look()
            except redis.RedisError as exc:
                log.warning("no hints from Redis; the feed is late", error=str(exc))
                if self._is_due(is_hinted=False):
                    await self._look()
                await asyncio.sleep(LOOK_SECONDS)

    async def _follow_progress(self) -> None:
        """Tell of progress while somebody listens to it: each sync has four stages of it."""
        while True:
            await self._is_progress_wanted.wait()
            try:
                hearing = heard(progress.CHANNEL, seconds=LOOK_SECONDS, rest_seconds=_REST_SECONDS)
                async with contextlib.aclosing(hearing) as told:
                    async for published in told:
                        ears = {one.ear for one in self._progress_listeners}
                        if not ears:
                            self._is_progress_wanted.clear()
                            # Before the connection is closed: who comes meanwhile waits for one.
                            self._is_progress_heard.clear()
                            break
                        self._is_progress_heard.set()
                        await self._tell_progress([data for _, data in published], ears)
            except redis.RedisError as exc:
                log.warning("no progress from Redis", error=str(exc))
                await asyncio.sleep(LOOK_SECONDS)
            finally:
                self._is_progress_heard.clear()

    def _is_due(self, is_hinted: bool) -> bool:
        """Whether the database is to be read: after a hint or a while, for those who listen.

        What nobody hears is read so often that not much is unread once somebody comes.
        """
        unread_seconds = time.monotonic() - self._looked_at
        if not self._listeners:
            return unread_seconds >= _UNHEARD_SECONDS
        return is_hinted or unread_seconds >= LOOK_SECONDS

    async def _look(self) -> None:
        """Read what changed, and tell it."""
        self._looked_at = time.monotonic()
        try:
            batch = await self._thread.run(self._past.read)
            if self._listeners:
                await self._end_over(batch.counts)
            if batch and self._listeners:
                ears = {one.ear for one in self._listeners}
                told = await self._thread.run(lambda: _for(batch, ears))
                await self._tell(told, batch.position)
        except Error as exc:
            log.warning("the feed cannot read the database", error=str(exc))

    async def _tell(self, told: Mapping[Ear, bytes], position: str = "") -> None:
        """Tell a few listeners at a time, so that nobody else waits for all of them."""
        for number, listener in enumerate(list(self._listeners)):
            if data := told.get(listener.ear):
                listener.tell(data, position)
            if number % _TOLD_AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _tell_progress(self, told: Collection[bytes], ears: Collection[Ear]) -> None:
        for stage in filter(None, map(progress.read, told)):
            try:
                heard_by = await self._thread.run(partial(_of_stage, stage, ears))
            except Error as exc:
                log.warning("the feed cannot read the database", error=str(exc))
            else:
                await self._tell(heard_by)

    async def _end_over(self, counts: Mapping[str, int]) -> None:
        """End the streams whose credential is over, or is not what it was."""
        count, now = counts.get(tokens.COUNTER, 0), time.monotonic()
        if count == self._token_count and now < self._looked_over_at + _OVER_SECONDS:
            return
        self._token_count, self._looked_over_at = count, now
        every = list(self._listeners)
        over = await self._thread.run(lambda: _over({one.credential for one in every}, counts))
        for listener in every:
            if listener.credential in over:
                listener.say_goodbye(messages.GOODBYE)

    async def _keep_alive(self) -> None:
        """Ping every listener in fifteen seconds, a few at a time."""
        while True:
            if not self._listeners:
                self._has_listeners.clear()
            await self._has_listeners.wait()
            for number in range(_SLICES):
                await asyncio.sleep(PING_SECONDS / _SLICES)
                for listener in list(self._listeners)[number::_SLICES]:
                    listener.tell(messages.PING)


def _bearer(text: str, address: str, counts: Mapping[str, int] | None = None) -> Bearer:
    if text.startswith(SESSION):
        return authentication.by_cookie(text.removeprefix(SESSION), address)
    known = counters.read() if counts is None else counts
    count = known.get(tokens.COUNTER, 0)
    return authentication.admit(text, count=count, address=address, changes=False)


def _over(credentials: Collection[Credential], counts: Mapping[str, int]) -> set[Credential]:
    """Those that would not be admitted now, or as another bearer."""
    over = set()
    for one in credentials:
        try:
            is_same = _bearer(one.text, one.address, counts) == one.bearer
        except AuthenticationFailed:
            is_same = False
        if not is_same:
            over.add(one)
    return over


def _for(batch: Batch, ears: Collection[Ear]) -> dict[Ear, bytes]:
    """What is told of a batch, by who hears it; the rows of each sight are looked for once."""
    told = {}
    for sight in {ear.sight for ear in ears}:
        of_sight = batch if sight is None else sights.seen_of(batch, seen.by(sight))
        of_all = messages.of_batch(of_sight, with_counters=sight is None)
        for ear in (one for one in ears if one.sight == sight):
            told[ear] = messages.joined(of_all, ear.resources, batch.position)
    return told


def _of_stage(stage: Mapping[str, Any], ears: Collection[Ear]) -> dict[Ear, bytes]:
    told = [(SYNCS, messages.message("sync", stage))]
    data = messages.joined(told, frozenset({SYNCS}))
    link = str(stage.get("git_repo"))
    hearing = {
        sight for sight in {one.sight for one in ears} if sights.sees_link(link, seen.by(sight))
    }
    return {ear: data for ear in ears if ear.sight in hearing}
