"""Fetches of packs over smart HTTP, each in one request and without a git process. No database."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Self

from gitrepos.errors import BadAnswerError, RemoteError, TimedOutError
from gitrepos.forge import eventloop, smart_http
from gitrepos.forge.connections import Dial, read
from gitrepos.forge.git import complaints, runner
from gitrepos.forge.proxy import EVERYWHERE
from gitrepos.forge.wire import fetch

_MAX_BYTES = 64 * 1024 * 1024
# git ends a transfer, too, that is slower than 1,000 bytes a second over 15 s.
_SLOW_SECONDS = 15
_SLOW_BYTES = 15_000
_GRACE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack in a memory file, at its start; `shallow` are the commits without their parents."""

    file: BinaryIO
    shallow: frozenset[str]


class Courier:
    """A client that fetches packs from one remote, at the addresses that were checked for it.

    The connection is kept from one pack to the next, until the end of the `with`. `is_silent` once
    a request was left without an answer.
    """

    def __init__(self, access: runner.Access) -> None:
        self._access = access
        self._dial: Dial | None = None
        self.is_silent = False
        self._is_heard = False
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
        if self._dial is not None:
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
        try:
            return asking.result(deadline_seconds + _GRACE_SECONDS)
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
        finally:
            asking.cancel()

    async def _ask(self, wants: Sequence[str], sha256: bool, thin: bool, seconds: float) -> Pack:
        if self._dial is None:
            self._dial = _dial(self._access)
        body = fetch.question(wants, sha256=sha256, thin=thin)
        async with asyncio.timeout(seconds), asyncio.timeout(_SLOW_SECONDS) as slow:
            return await self._brought(self._dial, body, fetch.PackReader(wants), slow)

    async def _brought(
        self, dial: Dial, body: bytes, reader: fetch.PackReader, slow: asyncio.Timeout
    ) -> Pack:
        wish = smart_http.RefsRequest(
            self._access.url,
            authorization=self._access.secret.authorization,
            certificate=self._access.secret.certificate,
            keep=True,
        )
        arrived = 0
        with contextlib.ExitStack() as kept:
            file = kept.enter_context(runner.memory_file())
            async with smart_http.posted(dial, wish, body) as answer:
                self._is_heard = True
                async for chunk in read(answer, max_bytes=_MAX_BYTES):
                    arrived += len(chunk)
                    if arrived >= _SLOW_BYTES:
                        arrived = 0
                        slow.reschedule(asyncio.get_running_loop().time() + _SLOW_SECONDS)
                    file.writelines(reader.feed(chunk))
                reader.end()
            file.seek(0)
            kept.pop_all()
            return Pack(file, frozenset(reader.shallow))


def _dial(access: runner.Access) -> Dial:
    """Connections to the addresses, or by way of the proxy for the name, that were checked."""
    if access.proxy.scheme:
        return Dial(EVERYWHERE, ca_file=access.ca_file, proxy=access.proxy)
    return Dial(ca_file=access.ca_file, pinned=access.addresses)
