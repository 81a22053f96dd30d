"""Resolvers of names for connections to forges: to allowed addresses, or to pinned ones."""

import asyncio
import functools
import ipaddress
import socket
import time
from collections.abc import Sequence
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from gitrepos.errors import RemoteError
from gitrepos.forge import addresses
from gitrepos.forge.addresses import Network

AddrInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]

NAMES_SECONDS = 60
_LOOKUPS_AT_ONCE = 64
_MOST_NAMES = 10_000


class Pinned(AbstractResolver):
    """A resolver with the same addresses for every name."""

    def __init__(self, pinned: Sequence[str]) -> None:
        self._addresses = pinned

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The pinned addresses, whatever the name."""
        return [_resolved(host, text, port) for text in self._addresses]

    async def close(self) -> None:
        """Nothing is held."""


class Names(AbstractResolver):
    """A resolver of names to allowed addresses, which never blocks the loop."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = allowed
        # A thread counts until it ends, even when its answer comes too late.
        self._slots = asyncio.Semaphore(_LOOKUPS_AT_ONCE)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The allowed addresses of a name.

        Raises:
            UnreachableError: the name does not resolve, or not within 5 s.
            HostNotAllowedError: none of its addresses is allowed.
        """
        await self._slots.acquire()
        lookup = asyncio.wrap_future(addresses.look_up(host, port))
        lookup.add_done_callback(self._looked_up)
        done, _ = await asyncio.wait([lookup], timeout=addresses.LOOKUP_SECONDS)
        if not done:
            raise addresses.unresolved(host)
        good = addresses.admitted(host, lookup.result(), allowed=self._allowed)
        return [_resolved(host, text, port) for text in good]

    def _looked_up(self, lookup: asyncio.Future[tuple[str, ...]]) -> None:
        self._slots.release()
        if not lookup.cancelled():
            lookup.exception()  # Taken, or asyncio logs an error that came too late.

    async def close(self) -> None:
        """Nothing is held."""


class Remembered:
    """Addresses of names, each looked up once a minute however many ask; of an address, itself."""

    def __init__(self, names: AbstractResolver) -> None:
        self._names = names
        self._found: dict[tuple[str, int], tuple[float, asyncio.Task[list[AddrInfo]]]] = {}

    async def look_up(self, host: str, port: int) -> list[AddrInfo]:
        """Where to connect to.

        Raises:
            RemoteError: the resolver finds none, or none that may be called.
        """
        if is_address(host):
            return [dialled(host, port)]
        until, asking = self._found.get((host, port), (0.0, None))
        if asking is None or time.monotonic() >= until:
            if len(self._found) >= _MOST_NAMES:
                self._found.clear()
            asking = asyncio.create_task(self._look_up(host, port))
            # All that ask may be gone when it fails, which asyncio would log as overlooked.
            asking.add_done_callback(_heed)
            self._found[host, port] = time.monotonic() + NAMES_SECONDS, asking
        try:
            return await asyncio.shield(asking)
        except RemoteError:
            self._found.pop((host, port), None)
            raise

    async def _look_up(self, host: str, port: int) -> list[AddrInfo]:
        return [dialled(one["host"], one["port"]) for one in await self._names.resolve(host, port)]


def _heed(asked: asyncio.Task[Any]) -> None:
    if not asked.cancelled():
        asked.exception()


@functools.lru_cache(maxsize=4096)
def is_address(host: str) -> bool:
    """True for an address in its usual form."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def dialled(address: str, port: int) -> AddrInfo:
    """Where to connect to for an address."""
    return _family(address), socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _resolved(host: str, text: str, port: int) -> ResolveResult:
    return {
        "hostname": host,
        "host": text,
        "port": port,
        "family": _family(text),
        "proto": socket.IPPROTO_TCP,
        "flags": socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    }
