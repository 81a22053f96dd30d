"""Connections to servers that are asked again soon: opened, used in turn, and kept for a while.

aiohttp's sessions make one for each request once as many are kept as may be, for they ask for a
connection to be kept before they know whether there is one.
"""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from aiohappyeyeballs import start_connection

from gitrepos.forge.exchange import Answer, Exchange, Receiver, UnheardError
from gitrepos.forge.resolvers import AddrInfo, dialled

Lookup = Callable[[str, int], Awaitable[Sequence[AddrInfo]]]

KEPT_SECONDS = 75
# Idle connections are open files, of which a process may have about a thousand.
MOST_KEPT = 256
# A firewall that forgot an idle connection drops what is sent on it; any server that is there
# acknowledges it, however slow its answer is. Source: RFC 5482.
_UNACKNOWLEDGED_SECONDS = 4.0
# After so long the next address is tried beside the last. Source: RFC 8305.
_NEXT_ADDRESS_SECONDS = 0.25


class Place(NamedTuple):
    """A server, spoken to over TLS where `tls` is given; by its context connections are apart.

    `pinned` are its addresses where they were looked up before.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None
    pinned: tuple[str, ...] = ()


class Kept:
    """Connections for the event loop that made it, of which a number may be idle."""

    def __init__(self, look_up: Lookup, sockets: Callable[[AddrInfo], socket.socket]) -> None:
        self._look_up, self._sockets = look_up, sockets
        # In the order in which they became idle, the oldest first.
        self._idle: dict[Exchange, tuple[Place, float]] = {}
        self._at: dict[Place, list[Exchange]] = {}
        self._open: set[Exchange] = set()
        self._sweeping: asyncio.TimerHandle | None = None
        self._is_closed = False

    async def ask(self, place: Place, request: bytes, receive: Receiver) -> Answer:
        """Send a request that may be sent twice, on a kept connection if there is one.

        Raises:
            NotPlainError: no connection was made, or what came is no plain answer.
            Exception: what `receive`, or the sink that it gave, raised.
        """
        exchange = self._take(place)
        if exchange is not None:
            # The server may close it just when it is used again.
            with contextlib.suppress(UnheardError):
                return await self._asked(exchange, place, request, receive)
        return await self._asked(await self._opened(place), place, request, receive)

    async def _asked(
        self, exchange: Exchange, place: Place, request: bytes, receive: Receiver
    ) -> Answer:
        answer = await exchange.ask(request, receive)
        self._keep(place, exchange)
        return answer

    async def close(self) -> None:
        """Close every connection, and see them closed; no other is opened."""
        self._is_closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        for exchange in list(self._open):
            exchange.abort()
        while self._open:
            await asyncio.sleep(0)

    async def _opened(self, place: Place) -> Exchange:
        try:
            addresses = [
                dialled(address, place.port) for address in place.pinned
            ] or await self._look_up(place.host, place.port)
            line = await start_connection(
                addresses, happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS, socket_factory=self._sockets
            )
            line.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(_UNACKNOWLEDGED_SECONDS * 1000)
            )
            _, exchange = await asyncio.get_running_loop().create_connection(
                lambda: Exchange(self._lost),
                sock=line,
                ssl=place.tls,
                server_hostname=place.host if place.tls else None,
            )
        except (OSError, RuntimeError) as exc:  # uvloop raises both.
            raise UnheardError from exc
        if self._is_closed:
            exchange.abort()
        elif exchange.is_usable:
            self._open.add(exchange)
        return exchange

    def _lost(self, exchange: Exchange) -> None:
        self._open.discard(exchange)
        self._forget(exchange)

    def _take(self, place: Place) -> Exchange | None:
        """The connection that was used last: the others may be given up."""
        while idle := self._at.get(place):
            exchange = idle[-1]
            self._forget(exchange)
            if exchange.is_quiet():
                return exchange
            exchange.close()  # It ended, or its server says more than it was asked.
        return None

    def _keep(self, place: Place, exchange: Exchange) -> None:
        if not exchange.is_usable:
            exchange.close()
            return
        self._idle[exchange] = place, time.monotonic()
        self._at.setdefault(place, []).append(exchange)
        if len(self._idle) > MOST_KEPT:
            self._drop(next(iter(self._idle)))
        if self._sweeping is None:
            self._sweep()

    def _sweep(self) -> None:
        """Close what nobody has used for a while."""
        before = time.monotonic() - KEPT_SECONDS
        for exchange in [one for one, (_, since) in self._idle.items() if since <= before]:
            self._drop(exchange)
        self._sweeping = (
            asyncio.get_running_loop().call_later(KEPT_SECONDS / 2, self._sweep)
            if self._idle
            else None
        )

    def _drop(self, exchange: Exchange) -> None:
        self._forget(exchange)
        exchange.close()

    def _forget(self, exchange: Exchange) -> None:
        """Have a connection idle no more, if it was."""
        place, _ = self._idle.pop(exchange, (None, 0.0))
        if place is not None:
            self._at[place].remove(exchange)
            if not self._at[place]:
                del self._at[place]
