"""Resolvers of names for connections to forges: to allowed addresses, or to pinned ones."""

import asyncio
import socket
from collections.abc import Sequence

from aiohttp.abc import AbstractResolver, ResolveResult

from gitrepos.forge import addresses
from gitrepos.forge.addresses import Network

_LOOKUPS_AT_ONCE = 64


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


def _resolved(host: str, text: str, port: int) -> ResolveResult:
    is_ipv6 = ":" in text
    return {
        "hostname": host,
        "host": text,
        "port": port,
        "family": socket.AF_INET6 if is_ipv6 else socket.AF_INET,
        "proto": socket.IPPROTO_TCP,
        "flags": socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    }
