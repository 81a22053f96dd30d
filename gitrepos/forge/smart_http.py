"""The refs of a remote over smart HTTP, in one request where the server speaks protocol 2.

The request goes out at once, without asking first for the server's capabilities. Only its
`info/refs` proves that it speaks an older protocol, or leaves a POST unanswered; both are
remembered for an hour.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from gitrepos.errors import BadAnswerError, RemoteError, RequestFailedError
from gitrepos.forge.addresses import RepoURL
from gitrepos.forge.connections import Dial, read
from gitrepos.forge.exchange import Answer, NotPlainError, Sink
from gitrepos.forge.secret import Certificate
from gitrepos.forge.wire import compressed, ls_refs, refusals
from gitrepos.forge.wire.pkt_line import malformed

_MAX_BYTES = 16 * 1024 * 1024  # A quarter of a million refs, from servers that list them all.
_FORGET_SECONDS = 3600
_MAX_SHA256 = 1000
_MAX_MESSAGE_LENGTH = 500
_POST_TAIL = refusals.POST_TAIL
_GET_TAIL = f"{refusals.GET_TAIL}?service=git-upload-pack"
_POSTED = "application/x-git-upload-pack-result"
_ADVERTISED = "application/x-git-upload-pack-advertisement"
# Forges tell git from browsers by the first word.
_HEADERS = {
    "User-Agent": "git/2 (keeptrusts)",
    "Git-Protocol": "version=2",
    "Accept-Encoding": "identity",
}
_POST_HEADERS = {
    "Content-Type": "application/x-git-upload-pack-request",
    "Accept": _POSTED,
}
# The answers of servers that may not know the request. Overload, credentials and limits are not
# among them.
_PUZZLED = (400, 404, 405, 406, 410, 411, 415, 422, 500, 501)
# A POST that is unanswered for so long has the older way tried beside it.
_PATIENCE_SECONDS = 4
ODD_SECONDS = 600
"""A server whose answer is not plain is asked in the other way for so long."""


@dataclass(frozen=True, slots=True)
class RefsRequest:
    """A request for refs; `authorization` is the header's value, empty for none.

    `keep` keeps the connection for the next call. Over https, `certificate` is shown.
    """

    url: RepoURL
    refs: tuple[str, ...] = ()
    authorization: str = ""
    certificate: Certificate | None = None
    keep: bool = False


@dataclass(slots=True)
class ServerFacts:
    """Facts that this process learnt of a server, each valid until a moment (monotonic)."""

    old_until: float = 0.0
    dumb_until: float = 0.0
    silent_until: float = 0.0
    heard_until: float = 0.0
    odd_until: float = 0.0
    sha256: set[str] = field(default_factory=set)

    def is_old(self) -> bool:
        """True when it does not speak protocol 2."""
        return time.monotonic() < self.old_until

    def is_silent(self) -> bool:
        """True when it leaves a POST unanswered and answers a GET."""
        return time.monotonic() < self.silent_until

    def was_heard(self) -> bool:
        """True when it answered a POST within the last hour: if it is late now, it is slow."""
        return time.monotonic() < self.heard_until

    def is_odd(self) -> bool:
        """True when its answers, well-formed as they may be, are none that are read plainly."""
        return time.monotonic() < self.odd_until

    def hear(self) -> None:
        """Note that it answered a POST."""
        self.heard_until, self.silent_until = time.monotonic() + _FORGET_SECONDS, 0.0

    def is_dumb(self) -> bool:
        """True when it serves plain files and does not speak git's protocol."""
        return time.monotonic() < self.dumb_until


class DumbError(Exception):
    """The server serves plain files, which git itself can read."""


class DoubtError(Exception):
    """The answer is useless, perhaps because the server does not know the request."""

    def __init__(self, error: RemoteError) -> None:
        super().__init__(error.message)
        self.error = error


async def heads(dial: Dial, wish: RefsRequest, known: ServerFacts) -> dict[str, str]:
    """The id of each ref, empty where a well-formed answer lists none; see `ls_refs.Wanted`.

    Raises:
        RemoteError: the request failed; the message may hold words of the server.
        DumbError: the server serves plain files.
    """
    if known.is_silent():
        return (await _advertised(dial, wish, known, old=True)).heads()
    is_sha256 = wish.url.text in known.sha256
    doubt: RemoteError | None = None
    if not known.is_old():
        try:
            if known.was_heard():
                return await _listed(dial, wish, known, sha256=is_sha256)
            return await _first_heard(dial, wish, known, sha256=is_sha256)
        except DoubtError as exc:
            known.hear()
            doubt = exc.error
    advertisement = await _advertised(dial, wish, known)
    if advertisement.version < 2:
        known.old_until = time.monotonic() + _FORGET_SECONDS
        return advertisement.heads()
    known.old_until = 0.0
    if doubt and advertisement.sha256 == is_sha256:
        raise doubt  # It knows the request, so its first answer counts.
    if advertisement.sha256 and len(known.sha256) < _MAX_SHA256:
        known.sha256.add(wish.url.text)
    try:
        return await _listed(dial, wish, known, sha256=advertisement.sha256)
    except DoubtError as exc:
        raise exc.error from exc


@contextlib.asynccontextmanager
async def posted(
    dial: Dial, wish: RefsRequest, body: bytes
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Send a request of protocol 2; gives the answer, to be read in the block.

    Raises:
        RemoteError: the request failed.
        DoubtError: the server may not know the request: it hung up, or its answer is a bad one, as
            the block may find.
    """
    headers = _headers(wish) | _POST_HEADERS
    try:
        async with dial.answer(
            wish.url, _POST_TAIL, headers, body=body, keep=wish.keep, certificate=wish.certificate
        ) as answer:
            _check(_head(answer), answer.content_type, wish)
            yield answer
    except (BadAnswerError, RequestFailedError) as exc:
        raise DoubtError(exc) from exc


async def posted_plainly(
    dial: Dial, wish: RefsRequest, body: bytes, receive: Callable[[], Sink], *, max_bytes: int
) -> None:
    """Send a request of protocol 2 on a connection of the kind that costs little, and is kept.

    `receive` is called once an answer begins, and gives what takes its body as it comes.

    Raises:
        NotPlainError: it takes `posted` to know.
        RemoteError, DoubtError: as for `posted`, and what the sink raises.
        TooLargeError: the body is over `max_bytes`.
    """
    unpacking: compressed.BodyReader | None = None

    def begin(answer: Answer) -> Sink:
        nonlocal unpacking
        _check_plain(answer, wish)
        unpacking = compressed.BodyReader(
            answer.headers.get("content-encoding", ""), max_bytes=max_bytes
        )
        feed, sink = unpacking.feed, receive()

        def take(piece: bytes) -> None:
            for part in feed(piece):
                sink(part)

        return take

    try:
        answer = await dial.plainly(
            wish.url,
            _POST_TAIL,
            _headers(wish) | _POST_HEADERS,
            body,
            begin,
            certificate=wish.certificate,
        )
        if unpacking is None:
            _check_plain(answer, wish)
            raise NotPlainError  # What a proxy changed has another status.
        unpacking.end()
    except (BadAnswerError, RequestFailedError) as exc:
        raise DoubtError(exc) from exc


def _check_plain(answer: Answer, wish: RefsRequest) -> None:
    content_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    _check(refusals.AnswerHead(answer.status, answer.headers), content_type, wish)


def _check(head: refusals.AnswerHead, content_type: str, wish: RefsRequest) -> None:
    """Check that an answer to a POST is one with refs or packs.

    Raises:
        RemoteError: it is a refusal, or of another type.
        DoubtError: the server may not know the request.
    """
    error = refusals.refusal(head, wish.url)
    if head.status in _PUZZLED and error:
        raise DoubtError(error)
    if error:
        raise error
    _check_type(content_type, _POSTED)


def shown(error: RemoteError, secrets: Sequence[str]) -> RemoteError:
    """The error, bounded and without secrets: a server may send back what it was sent."""
    message = error.message
    for secret in secrets:
        message = message.replace(secret, "***")
    error.reword(message[:_MAX_MESSAGE_LENGTH])
    return error


async def _first_heard(
    dial: Dial, wish: RefsRequest, known: ServerFacts, *, sha256: bool
) -> dict[str, str]:
    """The answer to a POST; or, where that is long in coming, to a GET, if it is there before.

    Some servers wait for what protocol 2 never sends, and some proxies swallow what they do not
    know. A GET that is answered meanwhile proves it.

    Raises:
        RemoteError: the request failed.
        DoubtError: the server may not know the request.
        DumbError: the server serves plain files.
    """
    asking = asyncio.create_task(_listed(dial, wish, known, sha256=sha256))
    started: list[asyncio.Task[Any]] = [asking]
    try:
        await asyncio.wait(started, timeout=_PATIENCE_SECONDS)
        if not (asking.done() or known.was_heard()):
            older = asyncio.create_task(_advertised(dial, wish, known, old=True))
            started.append(older)
            await asyncio.wait(started, return_when=asyncio.FIRST_COMPLETED)
            if not (asking.done() or known.was_heard()):
                with contextlib.suppress(RemoteError):  # The POST may still be answered.
                    return _silent(known, await older)
        return await asking
    finally:
        for task in started:
            task.cancel()
        await asyncio.gather(*started, return_exceptions=True)


def _silent(known: ServerFacts, advertisement: ls_refs.Advertisement) -> dict[str, str]:
    """The refs of a server that leaves a POST unanswered, which is remembered.

    Raises:
        BadAnswerError: it speaks protocol 2 without having been asked to, so it lists none.
    """
    if advertisement.version == 2:
        raise malformed("it lists nothing")
    known.silent_until = time.monotonic() + _FORGET_SECONDS
    return advertisement.heads()


async def _listed(
    dial: Dial, wish: RefsRequest, known: ServerFacts, *, sha256: bool
) -> dict[str, str]:
    body = ls_refs.question(wish.refs, sha256=sha256)
    is_odd = False
    if wish.keep and known.was_heard() and not known.is_odd() and dial.is_direct(wish.url):
        try:
            return await _listed_plainly(dial, wish, known, body)
        except NotPlainError:
            is_odd = True
    listing = ls_refs.Listing(wish.refs)
    async with posted(dial, wish, body) as answer:
        known.hear()
        if is_odd:  # The other way knew what to do.
            known.odd_until = time.monotonic() + ODD_SECONDS
        async for chunk in read(answer, max_bytes=_MAX_BYTES):
            listing.feed(chunk)
        return listing.heads()


async def _listed_plainly(
    dial: Dial, wish: RefsRequest, known: ServerFacts, body: bytes
) -> dict[str, str]:
    """The answer to a POST, on a connection of the kind that costs little.

    Raises:
        NotPlainError: it takes the other way to know.
        RemoteError, DoubtError: as for `posted`.
    """
    listing = ls_refs.Listing(wish.refs)

    def hear() -> Sink:
        known.hear()
        return listing.feed

    await posted_plainly(dial, wish, body, hear, max_bytes=_MAX_BYTES)
    try:
        return listing.heads()
    except BadAnswerError as exc:
        raise DoubtError(exc) from exc


async def _advertised(
    dial: Dial, wish: RefsRequest, known: ServerFacts, *, old: bool = False
) -> ls_refs.Advertisement:
    """The server's `info/refs`; with `old` it is not told that protocol 2 would be understood."""
    headers = _headers(wish) | {"Accept": "*/*"}
    if old:
        del headers["Git-Protocol"]
    advertisement = ls_refs.Advertisement(wish.refs)
    async with dial.answer(
        wish.url, _GET_TAIL, headers, keep=wish.keep, certificate=wish.certificate
    ) as answer:
        if error := refusals.refusal(_head(answer), wish.url):
            raise error
        chunks = read(answer, max_bytes=_MAX_BYTES)
        if answer.content_type != _ADVERTISED:
            if ls_refs.is_file_of_refs(await anext(chunks, b"")):
                known.dumb_until = time.monotonic() + _FORGET_SECONDS
                raise DumbError
            if error := refusals.page(answer.content_type):
                raise error
            _check_type(answer.content_type, _ADVERTISED)
        async for chunk in chunks:
            advertisement.feed(chunk)
        advertisement.heads()  # Raises if it is cut short.
        return advertisement


def _headers(wish: RefsRequest) -> dict[str, str]:
    return _HEADERS | ({"Authorization": wish.authorization} if wish.authorization else {})


def _check_type(content_type: str, expected: str) -> None:
    if content_type != expected:
        raise malformed("it is of another type")


def _head(answer: aiohttp.ClientResponse) -> refusals.AnswerHead:
    headers = {name.lower(): answer.headers[name] for name in answer.headers}
    return refusals.AnswerHead(answer.status, headers)
