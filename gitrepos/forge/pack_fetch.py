"""Fetches of packs over smart HTTP, each in one request and without a git process. No database."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Self

from gitrepos.errors import BadAnswerError, RemoteError, TimedOutError
from gitrepos.forge import eventloop, smart_http
from gitrepos.forge.addresses import RepoURL, unresolved
from gitrepos.forge.connections import Dial, read
from gitrepos.forge.exchange import NotPlainError, Sink
from gitrepos.forge.git import complaints, runner
from gitrepos.forge.kept import Kept
from gitrepos.forge.proxy import EVERYWHERE
from gitrepos.forge.resolvers import AddrInfo
from gitrepos.forge.wire import fetch
from gitrepos.forge.wire.pkt_line import malformed

_MAX_BYTES = 64 * 1024 * 1024
# git ends a transfer, too, that is slower than 1,000 bytes a second over 15 s.
_SLOW_SECONDS = 15
_SLOW_BYTES = 15_000
_GRACE_SECONDS = 5
_MAX_HOSTS = 10_000


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack in a memory file, at its start; `shallow` are the commits without their parents."""

    file: BinaryIO
    shallow: frozenset[str]


class Courier:
    """A client that fetches packs from one remote, at the addresses that were checked for it.

    The connection is kept for the next pack, and for others of that server. `is_silent` once a
    request was left without an answer.
    """

    def __init__(self, access: runner.Access) -> None:
        self._access = access
        self._dial: Dial | None = None
        self.is_silent = False
        self._is_heard = self._is_under_way = False
        is_checked = access.addresses or access.proxy.scheme
        is_seen = access.proxy.would_see(access.url, access.secret)
        is_http = access.url.scheme in ("https", "http")
        self._is_puzzled = not is_checked or not is_http or is_seen

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        # To wake the event loop for nothing costs a sync a fiftieth.
        if self._dial is not None and (self._is_under_way or self._dial.has_own):
            eventloop.submit(self._dial.close())

    def pack(
        self, wants: Sequence[str], *, sha256: bool, thin: bool, deadline_seconds: float
    ) -> Pack | None:
        """Fetch the pack of these objects (`wire.fetch.question`); the caller closes its file.

        None when git itself must fetch, now and from then on: the url is not http(s), the server's
        answer was no pack, or it never began to answer. git can talk to an old server, or one that
        cannot leave blobs out, and has the right message for any other.

        Raises:
            RemoteError: the fetch failed, as it would with git. No message holds the secret.
        """
        if self._is_puzzled:
            return None
        asking = eventloop.submit(self._ask(wants, sha256, thin, deadline_seconds))
        self._is_under_way = True  # Also after a failure here: it may end a moment later.
        try:
            pack = asking.result(deadline_seconds + _GRACE_SECONDS)
        except (BadAnswerError, smart_http.DoubtError):
            self._is_puzzled = True
            return None
        except RemoteError as error:
            smart_http.shown(error, self._access.secret.hidden)
            raise
        except TimeoutError as exc:
            if not self._is_heard:
                self.is_silent = self._is_puzzled = True
                return None
            raise TimedOutError(complaints.LATE) from exc
        else:
            self._is_under_way = False
            return pack
        finally:
            asking.cancel()

    async def _ask(self, wants: Sequence[str], sha256: bool, thin: bool, seconds: float) -> Pack:
        if self._dial is None:
            self._dial = _dial(self._access)
        body = fetch.question(wants, sha256=sha256, thin=thin)
        async with asyncio.timeout(seconds), asyncio.timeout(_SLOW_SECONDS) as slow:
            if not self._dial.is_direct(self._access.url) or _servers().is_odd(self._access.url):
                return await self._brought(self._dial, body, wants, slow)
            try:
                return await self._brought_plainly(self._dial, body, wants, slow)
            except NotPlainError:
                slow.reschedule(asyncio.get_running_loop().time() + _SLOW_SECONDS)
                pack = await self._brought(self._dial, body, wants, slow)
                _servers().note_odd(self._access.url)  # The other way knew what to do.
                return pack

    async def _brought_plainly(
        self, dial: Dial, body: bytes, wants: Sequence[str], slow: asyncio.Timeout
    ) -> Pack:
        """The answer on a connection that syncs of one server share.

        Raises:
            NotPlainError: it takes the other way to know.
        """
        has_begun = False

        def receive() -> Sink:
            nonlocal has_begun
            self._is_heard = has_begun = True
            return arriving.add

        with _Arriving(wants, slow) as arriving:
            wish = self._wish()
            try:
                await smart_http.posted_plainly(dial, wish, body, receive, max_bytes=_MAX_BYTES)
            except NotPlainError as exc:
                if has_begun:  # It may be long, and is not asked for a second time.
                    raise malformed("it is cut short") from exc
                raise
            return arriving.pack()

    async def _brought(
        self, dial: Dial, body: bytes, wants: Sequence[str], slow: asyncio.Timeout
    ) -> Pack:
        with _Arriving(wants, slow) as arriving:
            async with smart_http.posted(dial, self._wish(), body) as answer:
                self._is_heard = True
                async for chunk in read(answer, max_bytes=_MAX_BYTES):
                    arriving.add(chunk)
                return arriving.pack()

    def _wish(self) -> smart_http.RefsRequest:
        return smart_http.RefsRequest(
            self._access.url,
            authorization=self._access.secret.authorization,
            certificate=self._access.secret.certificate,
            keep=True,
        )


class _Arriving:
    """A pack that arrives, in a memory file, which the end of the `with` closes if it is not whole.

    Each 15,000 bytes of it put off when it is too `slow`.
    """

    def __init__(self, wants: Sequence[str], slow: asyncio.Timeout) -> None:
        self._reader = fetch.PackReader(wants)
        self._slow = slow
        self._bytes = 0
        self._closing = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._file = self._closing.enter_context(runner.memory_file())
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def add(self, chunk: bytes) -> None:
        """Store the next bytes.

        Raises:
            BadAnswerError: the answer is malformed, or an error instead of a pack.
        """
        self._bytes += len(chunk)
        if self._bytes >= _SLOW_BYTES:
            self._bytes = 0
            self._slow.reschedule(asyncio.get_running_loop().time() + _SLOW_SECONDS)
        self._file.writelines(self._reader.feed(chunk))

    def pack(self) -> Pack:
        """The pack; its file stays open.

        Raises:
            BadAnswerError: it is not complete.
        """
        self._reader.end()
        self._file.seek(0)
        self._closing.pop_all()
        return Pack(self._file, frozenset(self._reader.shallow))


class _Servers:
    """What syncs share of servers, in one event loop: connections, and who is not read plainly.

    Each connection is to an address that was checked.
    """

    def __init__(self) -> None:
        self.kept = Kept(_nowhere, lambda info: socket.socket(*info[:3]))
        # Until when (monotonic), by scheme, host and port.
        self._odd: dict[tuple[str, str, int], float] = {}
        eventloop.closing().push_async_callback(self.kept.close)

    def is_odd(self, url: RepoURL) -> bool:
        """True where an answer was read in the other way alone."""
        return time.monotonic() < self._odd.get((url.scheme, url.host, url.port), 0.0)

    def note_odd(self, url: RepoURL) -> None:
        """Have the other way asked for ten minutes."""
        if len(self._odd) >= _MAX_HOSTS:
            self._odd.clear()
        until = time.monotonic() + smart_http.ODD_SECONDS
        self._odd[url.scheme, url.host, url.port] = until


_known: dict[asyncio.AbstractEventLoop, _Servers] = {}


def _servers() -> _Servers:
    loop = asyncio.get_running_loop()
    if loop not in _known:
        _known[loop] = _Servers()
    return _known[loop]


async def _nowhere(host: str, _port: int) -> list[AddrInfo]:
    raise unresolved(host)  # An address comes with each call.


def _dial(access: runner.Access) -> Dial:
    """Connections to the addresses, or by way of the proxy for the name, that were checked."""
    if access.proxy.scheme:
        return Dial(EVERYWHERE, ca_file=access.ca_file, proxy=access.proxy)
    return Dial(ca_file=access.ca_file, pinned=access.addresses, kept=_servers().kept)
