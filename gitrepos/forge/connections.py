"""Connections to forges: kept alive, bounded, and only to allowed addresses.

The address of each connection is checked, in whatever form a url or a name server gives it; behind
a proxy, which looks names up itself, the name is. No redirect is followed, no cookie is kept, no
proxy or credential of this machine is used but the operator's own proxy.
"""

import contextlib
import functools
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from gitrepos.errors import HostNotAllowedError, RemoteError
from gitrepos.forge import addresses, failures
from gitrepos.forge.addresses import Network, RepoURL
from gitrepos.forge.exchange import Answer, NotPlainError, Receiver
from gitrepos.forge.kept import KEPT_SECONDS, MOST_KEPT, Kept, Place
from gitrepos.forge.proxy import DIRECT, EVERYWHERE, Proxy
from gitrepos.forge.resolvers import NAMES_SECONDS, AddrInfo, Names, Pinned, Remembered
from gitrepos.forge.secret import Certificate
from gitrepos.forge.tls import presenting, trusting
from gitrepos.forge.wire import compressed

# Less than a check may take: a proxy that hangs is not taken for a forge that does.
_PROXY_SECONDS = 8
# The statuses of a proxy by plain http. 503 is more often that of a forge with too much to do.
_OF_PROXY = (407, 502, 504)
_GONE = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


@dataclass(slots=True)
class _Passage:
    """A call to `url`, through `proxy` or not; `connecting` until there is a connection."""

    url: RepoURL
    proxy: Proxy
    connecting: bool = False

    def arguments(self) -> Mapping[str, Any]:
        """The arguments of aiohttp's request that send it through the proxy."""
        if not self.proxy.scheme:
            return {}
        return {
            "proxy": URL(f"{self.proxy.scheme}://{self.proxy.place}"),
            # Of CONNECT alone; by plain http the request itself goes to the proxy.
            "proxy_headers": self._login() if self.url.scheme == "https" else None,
            "timeout": aiohttp.ClientTimeout(total=None, sock_connect=None, connect=_PROXY_SECONDS),
            "trace_request_ctx": self,
        }

    def headers(self) -> Mapping[str, str]:
        """The headers of the request that are for the proxy."""
        return self._login() if self.url.scheme == "http" else {}

    def _login(self) -> dict[str, str]:
        authorization = self.proxy.authorization
        return {"Proxy-Authorization": authorization} if authorization else {}

    def check(self, status: int) -> None:
        """Check that a status is the forge's; by plain http the proxy answers itself.

        Raises:
            ProxyFailedError: it is the proxy's.
        """
        if self.proxy.scheme and self.url.scheme == "http" and status in _OF_PROXY:
            raise failures.refusal(self.proxy, self.url, status)

    def translated(self, exc: aiohttp.ClientError | OSError | RemoteError) -> RemoteError:
        """The error for a failed call, by whose failure it was."""
        if self.proxy.scheme:
            failed = failures.of_proxy(exc, self.proxy, self.url, connecting=self.connecting)
            if failed is not None:
                return failed
        return exc if isinstance(exc, RemoteError) else failures.translated(exc, self.url)


@dataclass(frozen=True, slots=True)
class _Sessions:
    """Sessions of one kind: the first is for hosts called again soon, the second for the others."""

    kept: aiohttp.ClientSession
    passing: aiohttp.ClientSession

    async def close(self) -> None:
        await self.kept.close()
        await self.passing.close()


class Dial:
    """Connections under one set of `allowed` networks; made in the event loop that uses them.

    `ca_file` has authorities that are trusted besides the system's. With `pinned`, the checked
    addresses of the only host, no name is looked up. What `proxy` serves is called through it.
    `kept` has connections that others use as well, and outlives this.
    """

    def __init__(
        self,
        allowed: Sequence[Network] = (),
        *,
        ca_file: str = "",
        pinned: Sequence[str] = (),
        proxy: Proxy = DIRECT,
        kept: Kept | None = None,
    ) -> None:
        self._allowed = allowed
        self._pinned = tuple(pinned)
        self._checked = frozenset(map(ipaddress.ip_address, pinned))
        self._proxy = proxy
        self._ca_file = ca_file
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._names: AbstractResolver = Pinned(pinned) if pinned else Names(allowed)
        self._sessions: dict[str, _Sessions] = {}
        self._is_shared = kept is not None
        self._kept = kept or Kept(Remembered(self._names).look_up, self._socket)

    @contextlib.asynccontextmanager
    async def answer(
        self,
        url: RepoURL,
        tail: str,
        headers: Mapping[str, str],
        *,
        body: bytes | None = None,
        keep: bool = False,
        certificate: Certificate | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to a GET, or with `body` a POST, of `tail` below a repository's url.

        `keep` keeps the connection for the next call. `certificate` is shown over https, to an
        https proxy as well. There is no deadline.

        Raises:
            AuthFailedError: the certificate was refused, or one is wanted.
            HostNotAllowedError: the address is not allowed.
            UnreachableError: the connection failed.
            ProxyFailedError: the proxy did, or refused.
            BadAnswerError: the answer is no HTTP, or is cut short.
        """
        passage = _Passage(url, DIRECT)
        if not self.is_direct(url):
            self._proxy.judge(url, allowed=self._allowed)
            passage = _Passage(url, self._proxy)
        sessions = self._of(passage.proxy)
        keep = keep and len(self._sockets) < MOST_KEPT
        session = sessions.kept if keep else sessions.passing
        try:
            tls = self._tls(certificate)
        except OSError as exc:
            raise failures.translated(exc, url) from exc
        ask = functools.partial(
            session.request,
            "GET" if body is None else "POST",
            _where(url, tail),
            data=body,
            headers={**headers, **passage.headers()},
            allow_redirects=False,
            ssl=tls,
            **passage.arguments(),
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
                passage.check(response.status)
                yield response
        except RemoteError as exc:
            error = passage.translated(exc)
            if error is exc:
                raise
            raise error from exc
        except (aiohttp.ClientError, OSError) as exc:
            raise passage.translated(exc) from exc

    def is_direct(self, url: RepoURL) -> bool:
        """True when no proxy serves `url`."""
        return not (self._proxy.scheme and self._proxy.serves(url))

    async def plainly(
        self,
        url: RepoURL,
        tail: str,
        headers: Mapping[str, str],
        body: bytes,
        receive: Receiver,
        *,
        certificate: Certificate | None = None,
    ) -> Answer:
        """Send a POST as `answer` does, directly, to a server that is called again soon.

        It costs a fifth. The answer goes to `receive`, if it is a 200.

        Raises:
            RemoteError: the name has no address that may be called.
            NotPlainError: ask by `answer`, which also knows why.
            Exception: what `receive`, or the sink that it gave, raised.
        """
        tls = None
        try:
            if url.scheme == "https":
                tls = self._tls(certificate)
        except OSError as exc:
            raise NotPlainError from exc
        place = Place(_usual(url.host), url.port, tls, self._pinned)
        return await self._kept.ask(place, _request(url, tail, headers, body), receive)

    @property
    def has_own(self) -> bool:
        """Whether it may have connections that nobody else uses."""
        return not self._is_shared or bool(self._sessions)

    async def close(self) -> None:
        """End every connection of its own."""
        if not self._is_shared:
            await self._kept.close()
        for sessions in self._sessions.values():
            await sessions.close()

    def _tls(self, certificate: Certificate | None) -> ssl.SSLContext:
        return presenting(self._ca_file, certificate) if certificate else trusting(self._ca_file)

    def _of(self, proxy: Proxy) -> _Sessions:
        """The sessions of calls through `proxy`, or without one, made with the first call."""
        if proxy.scheme not in self._sessions:
            self._sessions[proxy.scheme] = (
                _sessions(Names(EVERYWHERE), self._any_socket, watched=True)
                if proxy.scheme
                else _sessions(self._names, self._socket)
            )
        return self._sessions[proxy.scheme]

    def _socket(self, info: AddrInfo) -> socket.socket:
        where = info[4]
        text = where[0].split("%")[0]
        try:
            if ipaddress.ip_address(text) not in self._checked:
                addresses.admitted(where[0], [text], allowed=self._allowed)
        except HostNotAllowedError as exc:
            raise failures.BarredError from exc
        return self._any_socket(info)

    def _any_socket(self, info: AddrInfo) -> socket.socket:
        family, kind, protocol, _, _where = info
        made = socket.socket(family, kind, protocol)
        self._sockets.add(made)
        return made


async def read(response: aiohttp.ClientResponse, *, max_bytes: int) -> AsyncIterator[bytes]:
    """The body of an answer as it arrives; one that a proxy compressed with gzip is unpacked.

    Raises:
        TooLargeError: it is over `max_bytes`, as it comes or unpacked.
        BadAnswerError: it is compressed in another way, or is no gzip.
    """
    body = compressed.BodyReader(response.headers.get("Content-Encoding", ""), max_bytes=max_bytes)
    async for chunk in response.content.iter_any():
        for piece in body.feed(chunk):
            yield piece
    body.end()


def _sessions(
    names: AbstractResolver,
    sockets: Callable[[AddrInfo], socket.socket],
    *,
    watched: bool = False,
) -> _Sessions:
    """Sessions with a resolver and sockets; `watched` for calls with a `_Passage`."""
    connector = functools.partial(
        aiohttp.TCPConnector,
        limit=0,
        resolver=names,
        ttl_dns_cache=NAMES_SECONDS,
        socket_factory=sockets,
    )
    return _Sessions(
        _session(connector(keepalive_timeout=KEPT_SECONDS), watched=watched),
        _session(connector(force_close=True), watched=watched),
    )


def _session(connector: aiohttp.TCPConnector, *, watched: bool) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        auto_decompress=False,
        trust_env=False,
        skip_auto_headers=("Accept", "User-Agent", "Content-Type"),
        trace_configs=[_watch()] if watched else [],
    )


def _watch() -> aiohttp.TraceConfig:
    """What tells a `_Passage` when there is a connection."""

    async def begin(_session: object, context: SimpleNamespace, _params: object) -> None:
        context.trace_request_ctx.connecting = True

    async def end(_session: object, context: SimpleNamespace, _params: object) -> None:
        context.trace_request_ctx.connecting = False

    watch = aiohttp.TraceConfig()
    watch.on_connection_create_start.append(begin)
    watch.on_connection_create_end.append(end)
    return watch


def _where(url: RepoURL, tail: str) -> URL:
    """The url of `tail` below a repository, with an address such as 127.1 in its usual form."""
    usual = _usual(url.host)
    if usual == url.host:
        return URL(f"{url.text}{tail}", encoded=True)
    path = f"{url.text}{tail}".split("/", 3)[3]
    return URL(f"{url.scheme}://{usual}:{url.port}/{path}", encoded=True)


def _request(url: RepoURL, tail: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A POST as it is sent. A url is printable ASCII, and so is what a header is made of."""
    _, _, netloc, path = url.text.split("/", 3)
    usual = _usual(url.host)
    if usual != url.host:
        netloc = f"{usual}:{url.port}"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST /{path}{tail} HTTP/1.1\r\nHost: {netloc}\r\n{lines}"
    return b"%sContent-Length: %d\r\n\r\n%s" % (head.encode(), len(body), body)


@functools.lru_cache(maxsize=4096)
def _usual(host: str) -> str:
    literal = addresses.literal_address(host)
    return str(literal) if literal else host
