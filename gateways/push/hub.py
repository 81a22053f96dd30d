"""The hub: all open event streams, and the loop that brings changes to them.

Redis' pub/sub tells at once that something changed. The change counters, read every two seconds,
tell it also when that message was lost.
"""

import asyncio
import contextlib
import random
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator

import redis
import structlog
from django.db import Error

from gateways.mirror import contents
from gateways.mirror.mirror import fleet
from gateways.mirror.rows import Known
from gateways.push.stream import Stream
from gateways.registry import gateways, reissues
from gateways.reports import live
from gateways.signing.keys import SigningKeyError
from gateways.signing.statements import Desired, DesiredKeys
from keeptrusts import counters
from keeptrusts.messaging import hints
from keeptrusts.messaging.hearing import heard
from keeptrusts.servers import failures
from keeptrusts.serving.database import DatabaseThread

log = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0
# Between two readings, of many changes that follow one another; and where no gateway listens.
_REST_SECONDS, _UNHEARD_REST_SECONDS = 0.05, 0.5
PING_SECONDS = 10.0
_SLICES = 100
_TOLD_AT_ONCE = 100
_KEPT_CONTENTS = 64
# One in use, and some that broke without either side having noticed yet.
_STREAMS_OF_ONE = 4
_SILENT = ("unavailable", failures.SILENT.message)
# The rate at which a fleet that lost its server connects again.
_RECONNECTS_PER_SECOND = 1000


class Hub:
    """The open streams and what is sent on them. Used by one event loop.

    `fresh`: the last read of the database succeeded, so a token that is not found is unknown;
    otherwise `failed` is the code and the message of what is wrong.
    """

    def __init__(self) -> None:
        self.closing = False
        self.fresh = False
        self.failed = _SILENT
        # A tenth of a second's pings each, so that they never come all at once.
        self._slices: list[set[Stream]] = [set() for _ in range(_SLICES)]
        self._by_gateway: dict[str, list[Stream]] = {}
        self._opened = 0
        self._has_work = asyncio.Event()
        self._handed: dict[str, Desired] = {}
        self._contents: OrderedDict[str, asyncio.Task[bytes]] = OrderedDict()
        self._thread = DatabaseThread("database")
        self._look_lock = asyncio.Lock()
        self._looks = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send changes to the streams until the end of the block."""
        await self.refresh()
        # In a group, so that a bug in one of them ends the process instead of going unseen.
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work()) for work in (self._follow, self._keep_alive)]
            yield
            for task in tasks:
                task.cancel()
        await self._note_handed()
        self._thread.close()

    def close(self) -> None:
        """End all streams, each with a `goodbye` event."""
        self.closing = True
        for stream in self._streams():
            stream.say_goodbye()

    @contextlib.contextmanager
    def holding(self, stream: Stream) -> Iterator[None]:
        """Send changes to a stream until the end of the block.

        One gateway's token must not use up the open files of the process: of too many streams
        the oldest ends.
        """
        self._opened += 1
        there = self._slices[self._opened % _SLICES]
        there.add(stream)
        self._has_work.set()
        same = self._by_gateway.setdefault(stream.gateway_id, [])
        same.append(stream)
        for older in same[:-_STREAMS_OF_ONE]:
            older.say_goodbye()
        try:
            self._deliver(stream)
            yield
        finally:
            there.discard(stream)
            same.remove(stream)
            if not same:
                del self._by_gateway[stream.gateway_id]
            stream.close()

    def retry_ms(self) -> int:
        """The pause before a client connects again, random, so that the fleet comes spread out."""
        spread = max(1.0, fleet.size / _RECONNECTS_PER_SECOND)
        return int(1000 * random.uniform(0.2, spread))  # noqa: S311

    async def admit(self, token: str) -> Known | None:
        """The gateway of a token, which is looked up in the database if it is not in memory.

        Raises:
            Error: the database could not record the first use of a new token.
        """
        gateway = fleet.gateway(token)
        if gateway is None:
            await self.look()
            gateway = fleet.gateway(token)
        if gateway is not None and gateway.previous_digest and gateway.is_newest(token):
            await self._thread.run(lambda: gateways.retire_previous_token(gateway.id))
        return gateway

    async def content(self, desired: Desired) -> bytes:
        """The bytes that a gateway is to enforce, cached; callers share one read of the database.

        Raises:
            Error: the database could not be read.
            LookupError: it lost them.
        """
        names = (desired.configuration, desired.version, desired.content_hash)
        return await self._shared(desired.content_hash, lambda: contents.content(*names))

    async def trace_id(self, desired: Desired) -> bytes:
        """The id of the trace that led to a version, as `content`; empty where none is known."""
        names = (desired.configuration, desired.version)
        return await self._shared(
            f"{desired.configuration}/{desired.version}", lambda: contents.trace_id(*names)
        )

    async def key_list(self, keys: DesiredKeys) -> bytes:
        """A gateway's list of client keys, as `content`.

        Raises:
            Error: the database could not be read.
            LookupError: no gateway has this list any more.
        """
        name = keys.content_hash
        return await self._shared(name, lambda: contents.key_list(name))

    async def _shared(self, key: str, read: Callable[[], bytes]) -> bytes:
        task = self._contents.get(key)
        if task is None:
            task = asyncio.create_task(self._thread.run(read))
            task.add_done_callback(lambda done: self._forget_failed(key, done))
            self._contents[key] = task
            if len(self._contents) > _KEPT_CONTENTS:
                self._contents.popitem(last=False)
        return await asyncio.shield(task)

    def _forget_failed(self, key: str, done: "asyncio.Task[bytes]") -> None:
        if done.cancelled() or done.exception() is not None:
            self._contents.pop(key, None)

    async def look(self) -> None:
        """Read what changed up to now; many that ask at the same time share one read."""
        wanted = self._looks + 1
        async with self._look_lock:
            if self._looks < wanted:
                self._looks = wanted
                await self.refresh()

    async def refresh(self) -> None:
        """Read what changed, and begin to send it."""
        try:
            changed = await self._thread.run(_refresh)
            self.fresh = True
        except (Error, SigningKeyError) as exc:
            self.fresh = changed = False
            self.failed = (exc.code, exc.message) if isinstance(exc, SigningKeyError) else _SILENT
            log.warning("changes cannot be read from the database", error=str(exc))
        if changed:
            await self._deliver_news()

    async def _deliver_news(self) -> None:
        """Send to a few streams at a time, so that the first fetch their bytes before the last."""
        for number, stream in enumerate(self._streams()):
            if stream.is_behind:
                self._deliver(stream)
            if number % _TOLD_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _deliver(self, stream: Stream) -> None:
        stream.deliver()
        desired = fleet.desired(stream.gateway_id)
        if desired is not None:
            self.note_handed(desired)

    def note_handed(self, desired: Desired) -> None:
        """Record what was handed to a gateway, soon."""
        self._handed[desired.gateway] = desired
        self._has_work.set()

    def _streams(self) -> list[Stream]:
        return [stream for there in self._slices for stream in there]

    def _rest(self) -> float:
        return _REST_SECONDS if self._by_gateway else _UNHEARD_REST_SECONDS

    async def _follow(self) -> None:
        """Read changes whenever a hint comes, and every two seconds."""
        while True:
            try:
                hints_heard = heard(hints.CHANNEL, seconds=LOOK_SECONDS, rest_seconds=self._rest)
                async with contextlib.aclosing(hints_heard) as told:
                    async for _ in told:
                        await self.refresh()
            except redis.RedisError as exc:
                log.warning("no hints from Redis; changes arrive late", error=str(exc))
                await self.refresh()
                await asyncio.sleep(LOOK_SECONDS)

    async def _keep_alive(self) -> None:
        """Ping every stream in ten seconds, a few at a time; where there is none, nothing wakes."""
        while True:
            if not self._handed and not any(self._slices):
                self._has_work.clear()
            await self._has_work.wait()
            for there in self._slices:
                await asyncio.sleep(PING_SECONDS / _SLICES)
                for stream in tuple(there):
                    stream.ping()
                await self._note_handed()

    async def _note_handed(self) -> None:
        if not self._handed:
            return
        handed, self._handed = self._handed, {}
        await self._thread.run(lambda: live.note_handed(handed.values()))


def _refresh() -> bool:
    """Read what changed; a database that lost changes says its own again to who heard of those."""
    changed = fleet.refresh(counters.read())
    if fleet.overtaken is None:
        return changed
    try:
        reissues.after_loss(fleet.overtaken.policies, fleet.overtaken.keys)
    except Error as exc:
        log.warning("statements of a restored database not reissued; trying again", error=str(exc))
        return changed
    fleet.overtaken = None
    return fleet.refresh(counters.read()) or changed
