"""Connections to forges: kept alive, bounded, and only to allowed addresses.

The address of each connection is checked, in whatever form a url or a name server gives it. No
redirect is followed, no cookie is kept, no proxy or credential of this machine is used.
"""

import asyncio
import contextlib
import functools
import ipaddress
import os
import socket
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from weakref import WeakSet

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from gitrepos.errors import HostNotAllowedError, RemoteError, TooLargeError, UnreachableError
from gitrepos.forge import addresses
from gitrepos.forge.addresses import Network, RepoURL
from gitrepos.forge.wire.pkt_line import malformed

_LOOKUPS_AT_ONCE = 64
_NAMES_SECONDS = 60
_KEPT_SECONDS = 75
# Idle connections are open files, of which a process may have about a thousand.
_KEPT_SOCKETS = 256

_AddrInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]
_GONE = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


class _BarredError(OSError):
    """A refused address; an `OSError`, which the connector takes for a failed attempt."""


class Dial:
    """Connections under one set of `allowed` networks; made in the event loop that uses them.

    `ca_file` has authorities that are trusted besides the system's. With `pinned`, the checked
    addresses of the only host, no name is looked up.
    """

    def __init__(
        self, allowed: Sequence[Network] = (), *, ca_file: str = "", pinned: Sequence[str] = ()
    ) -> None:
        self._allowed = allowed
        self._pinned = frozenset(map(ipaddress.ip_address, pinned))
        self._sockets: WeakSet[socket.socket] = WeakSet()
        names: AbstractResolver = _Pinned(pinned) if pinned else _Names(allowed)
        tls = _trusting(ca_file)
        connector = functools.partial(
            aiohttp.TCPConnector,
            limit=0,
            ssl=tls,
            resolver=names,
            ttl_dns_cache=_NAMES_SECONDS,
            socket_factory=self._socket,
        )
        # The first is for hosts that are called again soon, the second for the others.
        self._kept = _session(connector(keepalive_timeout=_KEPT_SECONDS))
        self._passing = _session(connector(force_close=True))

    @contextlib.asynccontextmanager
    async def answer(
        self,
        url: RepoURL,
        tail: str,
        headers: Mapping[str, str],
        *,
        body: bytes | None = None,
        keep: bool = False,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to a GET, or with `body` a POST, of `tail` below a repository's url.

        `keep` keeps the connection for the next call. There is no deadline.

        Raises:
            HostNotAllowedError: the address is not allowed.
            UnreachableError: the connection failed.
            BadAnswerError: the answer is no HTTP, or is cut short.
        """
        keep = keep and len(self._sockets) < _KEPT_SOCKETS
        session = self._kept if keep else self._passing
        ask = functools.partial(
            session.request,
            "GET" if body is None else "POST",
            _where(url, tail),
            data=body,
            headers=headers,
            allow_redirects=False,
        )
        try:
            try:
                response = await ask()
            except _GONE as exc:
                if not keep or isinstance(exc, aiohttp.ClientConnectorError):
                    raise
                # A server may close a kept connection just when it is used again. The calls only
                # read, so they may be repeated.
                response = await ask()
            async with response:
                yield response
        except (aiohttp.ClientError, OSError) as exc:
            raise _translated(exc, url) from exc

    async def close(self) -> None:
        """End every connection."""
        await self._kept.close()
        await self._passing.close()

    def _socket(self, info: _AddrInfo) -> socket.socket:
        family, kind, protocol, _, where = info
        text = where[0].split("%")[0]
        try:
            if ipaddress.ip_address(text) not in self._pinned:
                addresses.admitted(where[0], [text], allowed=self._allowed)
        except HostNotAllowedError as exc:
            raise _BarredError(exc.message) from exc
        made = socket.socket(family, kind, protocol)
        self._sockets.add(made)
        return made


async def read(response: aiohttp.ClientResponse, *, max_bytes: int) -> AsyncIterator[bytes]:
    """The body of an answer as it arrives.

    Raises:
        TooLargeError: it is over `max_bytes`.
        BadAnswerError: it is compressed, which was not asked for and could unpack to any size.
    """
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise malformed("it is compressed")
    left = max_bytes
    async for chunk in response.content.iter_any():
        left -= len(chunk)
        if left < 0:
            raise TooLargeError("The server's answer is too large.")
        yield chunk


@functools.cache
def _trusting(ca_file: str) -> ssl.SSLContext:
    """The TLS context for a `ca_file`, made once a process: it takes longer than most answers."""
    tls = ssl.create_default_context()
    if ca_file:
        tls.load_verify_locations(ca_file)
    return tls


class _Pinned(AbstractResolver):
    """A resolver with the same addresses for every name."""

    def __init__(self, pinned: Sequence[str]) -> None:
        self._addresses = pinned

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [_resolved(host, text, port) for text in self._addresses]

    async def close(self) -> None:
        """Nothing is held."""


class _Names(AbstractResolver):
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


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        auto_decompress=False,
        trust_env=False,
        skip_auto_headers=("Accept", "User-Agent", "Content-Type"),
    )


def _where(url: RepoURL, tail: str) -> URL:
    """The url of `tail` below a repository, with an address such as 127.1 in its usual form."""
    usual = _usual(url.host)
    if usual == url.host:
        return URL(f"{url.text}{tail}", encoded=True)
    path = url.text.split("/", 3)[3]
    return URL(f"{url.scheme}://{usual}:{url.port}/{path}{tail}", encoded=True)


@functools.lru_cache(maxsize=4096)
def _usual(host: str) -> str:
    literal = addresses.literal_address(host)
    return str(literal) if literal else host


def _translated(exc: aiohttp.ClientError | OSError, url: RepoURL) -> RemoteError:
    """The error to show: without words of the server, and of the url with the host alone."""
    match exc:
        case aiohttp.ClientConnectorCertificateError():
            cause = f"TLS certificate verification failed: {_verdict(exc)}"
        case aiohttp.ClientConnectorError(os_error=_BarredError() as barred):
            return HostNotAllowedError(str(barred))
        case aiohttp.ClientConnectorError():
            cause = f"Failed to connect to {url.host} port {url.port}: {_reason(exc.os_error)}"
        case aiohttp.ServerDisconnectedError():
            cause = "Empty reply from server"
        case OSError():
            cause = _reason(exc)
        case aiohttp.ClientPayloadError():
            return malformed("it is cut short")
        case _:
            return malformed("it is no HTTP")
    return UnreachableError(f"The server cannot be reached: {cause}.")


def _verdict(exc: aiohttp.ClientConnectorCertificateError) -> str:
    return str(getattr(exc.certificate_error, "verify_message", "") or "it is not valid")


def _reason(exc: OSError) -> str:
    if isinstance(exc, ssl.SSLError):
        return f"TLS {(exc.reason or 'error').replace('_', ' ').lower()}"
    return os.strerror(exc.errno) if exc.errno else "no connection"
