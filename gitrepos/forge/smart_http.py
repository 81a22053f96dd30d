"""The refs of a remote over smart HTTP, in one request where the server speaks protocol 2.

The request goes out at once, without asking first for the server's capabilities. Only its
`info/refs` proves that it speaks an older protocol, which is remembered for an hour.
"""

import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

import aiohttp

from gitrepos.errors import (
    AuthFailedError,
    BadAnswerError,
    MovedError,
    RateLimitedError,
    RemoteError,
    RepoNotFoundError,
    UnreachableError,
)
from gitrepos.forge.addresses import RepoURL, parse
from gitrepos.forge.connections import Dial, read
from gitrepos.forge.secret import Certificate
from gitrepos.forge.wire import ls_refs
from gitrepos.forge.wire.pkt_line import malformed

_MAX_BYTES = 16 * 1024 * 1024  # A quarter of a million refs, from servers that list them all.
_FORGET_SECONDS = 3600
_MAX_SHA256 = 1000
_MAX_RETRY_AFTER_SECONDS = 86_400
_MAX_MESSAGE_LENGTH = 500
_POST_TAIL = "/git-upload-pack"
_GET_TAIL = "/info/refs?service=git-upload-pack"
_POSTED = "application/x-git-upload-pack-result"
_ADVERTISED = "application/x-git-upload-pack-advertisement"
# Forges tell git from browsers by the first word.
_HEADERS = {
    "User-Agent": "git/2 (keeptrusts)",
    "Git-Protocol": "version=2",
    "Accept-Encoding": "identity",
}
# The answers of servers that may not know the request. Overload, credentials and limits are not
# among them.
_PUZZLED = (400, 404, 405, 406, 410, 411, 415, 422, 500, 501)
_MOVED = (301, 302, 303, 307, 308)


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
    sha256: set[str] = field(default_factory=set)

    def is_old(self) -> bool:
        """True when it does not speak protocol 2."""
        return time.monotonic() < self.old_until

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
    """The commit of each ref, empty where a well-formed answer lists none.

    Raises:
        RemoteError: the request failed; the message may hold words of the server.
        DumbError: the server serves plain files.
    """
    is_sha256 = wish.url.text in known.sha256
    doubt: RemoteError | None = None
    if not known.is_old():
        try:
            return await _listed(dial, wish, sha256=is_sha256)
        except DoubtError as exc:
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
        return await _listed(dial, wish, sha256=advertisement.sha256)
    except DoubtError as exc:
        raise exc.error from exc


@contextlib.asynccontextmanager
async def posted(
    dial: Dial, wish: RefsRequest, body: bytes
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Send a request of protocol 2; gives the answer, to be read in the block.

    Raises:
        RemoteError: the request failed.
        DoubtError: the server may not know the request, or the block raised a `BadAnswerError`.
    """
    headers = _headers(wish) | {
        "Content-Type": "application/x-git-upload-pack-request",
        "Accept": _POSTED,
    }
    async with dial.answer(
        wish.url, _POST_TAIL, headers, body=body, keep=wish.keep, certificate=wish.certificate
    ) as answer:
        error = _refusal(answer, wish)
        if answer.status in _PUZZLED and error:
            raise DoubtError(error)
        if error:
            raise error
        try:
            _check_type(answer, _POSTED)
            yield answer
        except BadAnswerError as exc:
            raise DoubtError(exc) from exc


def shown(error: RemoteError, secrets: Sequence[str]) -> RemoteError:
    """The error, bounded and without secrets: a server may send back what it was sent."""
    message = error.message
    for secret in secrets:
        message = message.replace(secret, "***")
    error.reword(message[:_MAX_MESSAGE_LENGTH])
    return error


async def _listed(dial: Dial, wish: RefsRequest, *, sha256: bool) -> dict[str, str]:
    listing = ls_refs.Listing(wish.refs)
    body = ls_refs.question(wish.refs, sha256=sha256)
    async with posted(dial, wish, body) as answer:
        async for chunk in read(answer, max_bytes=_MAX_BYTES):
            listing.feed(chunk)
        return listing.heads()


async def _advertised(dial: Dial, wish: RefsRequest, known: ServerFacts) -> ls_refs.Advertisement:
    headers = _headers(wish) | {"Accept": "*/*"}
    advertisement = ls_refs.Advertisement(wish.refs)
    async with dial.answer(
        wish.url, _GET_TAIL, headers, keep=wish.keep, certificate=wish.certificate
    ) as answer:
        if error := _refusal(answer, wish):
            raise error
        chunks = read(answer, max_bytes=_MAX_BYTES)
        if answer.content_type != _ADVERTISED:
            if ls_refs.is_file_of_refs(await anext(chunks, b"")):
                known.dumb_until = time.monotonic() + _FORGET_SECONDS
                raise DumbError
            _check_type(answer, _ADVERTISED)
        async for chunk in chunks:
            advertisement.feed(chunk)
        advertisement.heads()  # Raises if it is cut short.
        return advertisement


def _headers(wish: RefsRequest) -> dict[str, str]:
    return _HEADERS | ({"Authorization": wish.authorization} if wish.authorization else {})


def _check_type(answer: aiohttp.ClientResponse, expected: str) -> None:
    if answer.content_type != expected:
        raise malformed("it is of another type")


def _refusal(answer: aiohttp.ClientResponse, wish: RefsRequest) -> RemoteError | None:
    """The error for a status; None for 200."""
    status = answer.status
    retry = answer.headers.get("Retry-After", "")
    if status == 200:
        return None
    if status == 429 or (status in (403, 503) and retry):
        return RateLimitedError(
            "The server asks for fewer requests.", retry_after_seconds=_retry_after(retry)
        )
    if status in (401, 403):
        return AuthFailedError(
            "The server refuses this credential, or wants one: send another access_token."
        )
    if status in (404, 410):
        return RepoNotFoundError(
            "The server knows no such repository, or hides it from this credential."
        )
    if status in _MOVED:
        return MovedError(_moved(wish.url, answer.headers))
    words = f"The requested URL returned error: {status}."
    if status >= 500:
        return UnreachableError(f"The server cannot be reached: {words}")
    return malformed(words.removesuffix("."))


def _moved(url: RepoURL, headers: Mapping[str, str]) -> str:
    """The message for a redirect; it names the new url where the redirect has the same tail."""
    try:
        to = urljoin(f"{url.text}/", headers["Location"])
        asked = next(tail for tail in (_POST_TAIL, _GET_TAIL) if to.endswith(tail))
        where = f"to {parse(to.removesuffix(asked), schemes=('https', 'http')).text}"
    except (LookupError, ValueError, StopIteration):
        where = "elsewhere"
    return f"The server redirects {where}, and no redirect is followed: link the new url."


def _retry_after(text: str) -> int | None:
    """The seconds of a `Retry-After`, a day at most; None for what is neither number nor date."""
    if text.isascii() and text.isdecimal():
        seconds = int(text[:9])
    else:
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = int((at.astimezone(UTC) - datetime.now(UTC)).total_seconds())
    return min(max(seconds, 0), _MAX_RETRY_AFTER_SECONDS)
