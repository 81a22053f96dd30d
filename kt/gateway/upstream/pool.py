"""Connections to targets: opened, kept for a while, and used again."""

from __future__ import annotations

import asyncio
import socket
import ssl
from functools import cache
from ipaddress import ip_address
from typing import Any

from aiohappyeyeballs import pop_addr_infos_interleave, start_connection

from kt.gateway.upstream.connection import Connection, Endpoint

_MOST_AT_ONCE = 1000
# Shorter than servers' usual time, so that no connection is used while they close it.
_KEEP_ALIVE_SECONDS = 4.0
_ADDRESSES_SECONDS = 10.0
_MOST_ADDRESSES = 1000
# After so long the next address is tried beside the last (RFC 8305).
_NEXT_ADDRESS_SECONDS = 0.25

Addresses = list[Any]
"""What `getaddrinfo` gives."""


class UnreachableError(Exception):
    """No connection could be made, so that nothing was sent."""


class Pool:
    """The connections of one process, of which a thousand may be in use at once."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._busy = 0
        self._has_room = asyncio.Event()
        self._used: set[Connection] = set()
        self._idle: dict[Endpoint, list[Connection]] = {}
        self._sweeping: asyncio.TimerHandle | None = None
        self._addresses: dict[tuple[str, int], tuple[float, asyncio.Task[Addresses]]] = {}
        self._turn = 0

    async def take(
        self, endpoint: Endpoint, *, is_new: bool, seconds: float, connect_seconds: float
    ) -> Connection:
        """A connection for one call, after which it is released; a kept one unless it `is_new`.

        Raises:
            TimeoutError: there was none in `seconds`, or connecting took `connect_seconds`.
            UnreachableError: none can be made.
        """
        connection = None
        if not is_new and self._busy < _MOST_AT_ONCE:
            # Nearly always, and without a wait that needs a clock.
            connection = self._kept(endpoint)
        if connection is None:
            async with asyncio.timeout(seconds):
                while self._busy >= _MOST_AT_ONCE:
                    self._has_room.clear()
                    await self._has_room.wait()
                connection = None if is_new else self._kept(endpoint)
                connection = connection or await self._opened(endpoint, connect_seconds)
        self._used.add(connection)
        return connection

    async def close(self) -> None:
        """Close every connection."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for connection in [*self._used, *(one for idle in self._idle.values() for one in idle)]:
            connection.close()
        self._idle.clear()
        # A turn of the event loop, in which they are closed.
        await asyncio.sleep(0)

    def _kept(self, endpoint: Endpoint) -> Connection | None:
        """The connection that was used last, since its server will close it last."""
        idle = self._idle.get(endpoint)
        while idle:
            connection = idle.pop()
            if connection.is_usable and self._loop.time() < connection.kept_until:
                self._busy += 1
                return connection
            connection.close()
        return None

    def _take_back(self, connection: Connection, endpoint: Endpoint, can_be_kept: bool) -> None:
        self._used.discard(connection)
        self._leave()
        if can_be_kept:
            connection.kept_until = self._loop.time() + _KEEP_ALIVE_SECONDS
            self._idle.setdefault(endpoint, []).append(connection)
            if self._sweeping is None:
                self._sweeping = self._loop.call_later(_KEEP_ALIVE_SECONDS, self._sweep)

    def _leave(self) -> None:
        self._busy -= 1
        self._has_room.set()

    def _sweep(self) -> None:
        """Close what nobody has used for a while."""
        now = self._loop.time()
        kept = {}
        for endpoint, idle in self._idle.items():
            for connection in idle:
                if now >= connection.kept_until:
                    connection.close()
            kept[endpoint] = [one for one in idle if now < one.kept_until and one.is_usable]
        self._idle = {endpoint: idle for endpoint, idle in kept.items() if idle}
        self._sweeping = None
        if self._idle:
            self._sweeping = self._loop.call_later(_KEEP_ALIVE_SECONDS, self._sweep)

    async def _opened(self, endpoint: Endpoint, connect_seconds: float) -> Connection:
        """A new connection, to the first of a host's addresses that takes it.

        Raises:
            TimeoutError, UnreachableError: none does.
        """
        self._busy += 1
        try:
            return await self._connected(endpoint, connect_seconds)
        except BaseException:
            self._leave()
            raise

    async def _connected(self, endpoint: Endpoint, connect_seconds: float) -> Connection:
        failure: Exception | None = None
        try:
            addresses = await self._resolved(endpoint)
        except (OSError, UnicodeError) as exc:
            raise UnreachableError from exc
        while addresses:
            try:
                async with asyncio.timeout(connect_seconds):
                    return await self._connect(endpoint, addresses)
            except (OSError, RuntimeError) as exc:  # uvloop raises both.
                failure = exc
            pop_addr_infos_interleave(addresses)
        if isinstance(failure, TimeoutError) and failure.errno is None:
            raise failure
        raise UnreachableError from failure

    async def _connect(self, endpoint: Endpoint, addresses: Addresses) -> Connection:
        line = await start_connection(addresses, happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS)
        _, connection = await self._loop.create_connection(
            lambda: Connection(self._loop, endpoint, self._take_back),
            sock=line,
            ssl=tls_context() if endpoint.is_secure else None,
            server_hostname=endpoint.host.rstrip(".") if endpoint.is_secure else None,
        )
        return connection

    async def _resolved(self, endpoint: Endpoint) -> Addresses:
        """The addresses of a host, each first in its turn; all that ask at once ask once.

        Raises:
            OSError, UnicodeError: there are none, or it is no name of a host.
        """
        key = (endpoint.host, endpoint.port)
        until, asking = self._addresses.get(key, (0.0, None))
        if asking is None or self._loop.time() >= until:
            if len(self._addresses) >= _MOST_ADDRESSES:
                self._addresses.clear()
            asking = self._loop.create_task(_look_up(*key))
            # All that ask may be gone when it fails, which asyncio would log as overlooked.
            asking.add_done_callback(_heed)
            self._addresses[key] = (self._loop.time() + _ADDRESSES_SECONDS, asking)
        try:
            addresses = await asyncio.shield(asking)
        except (OSError, UnicodeError):
            self._addresses.pop(key, None)
            raise
        self._turn += 1
        first = self._turn % len(addresses)
        return addresses[first:] + addresses[:first]


async def _look_up(host: str, port: int) -> Addresses:
    # Of an address itself nothing is asked, so the host need not have one of its sort.
    flags = 0 if _is_address(host) else socket.AI_ADDRCONFIG
    loop = asyncio.get_running_loop()
    return await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)


def _heed(asked: asyncio.Task[Addresses]) -> None:
    if not asked.cancelled():
        asked.exception()


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@cache
def tls_context() -> ssl.SSLContext:
    """What is trusted: the system's authorities. Making it reads them all, which takes a while."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
