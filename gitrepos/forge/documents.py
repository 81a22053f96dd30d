"""Documents of other servers: one small GET or POST each, called as forges are."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from gitrepos.errors import RemoteError, TimedOutError
from gitrepos.forge import eventloop, proxy
from gitrepos.forge.addresses import BadURLError, Network, RepoURL, api_schemes, parse
from gitrepos.forge.connections import Dial, read
from gitrepos.forge.proxy import Proxy
from gitrepos.forge.wire.refusals import AnswerHead

_DEADLINE_SECONDS = 4.0
_MAX_BYTES = 64 * 1024
_OK = 200
_HEADERS = {
    "User-Agent": "keeptrusts",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}


class DocumentError(Exception):
    """A document could not be had; the message holds no words of the server."""


@dataclass(frozen=True, slots=True)
class CallTerms:
    """The operator's terms for calls to others."""

    schemes: Collection[str]
    allowed: tuple[Network, ...]
    ca_file: str
    proxy: Proxy

    def dial(self) -> Dial:
        """Connections under these terms; made in the event loop that uses them."""
        return Dial(self.allowed, ca_file=self.ca_file, proxy=self.proxy)


class CallSettings(Protocol):
    """Those of the settings that terms are made of."""

    @property
    def git_schemes(self) -> Collection[str]: ...
    @property
    def git_allowed_networks(self) -> tuple[Network, ...]: ...
    @property
    def git_ca_file(self) -> str: ...
    @property
    def git_proxy(self) -> str: ...
    @property
    def git_no_proxy(self) -> tuple[str, ...]: ...


def terms_of(env: CallSettings) -> CallTerms:
    """The terms that an operator set."""
    return CallTerms(
        schemes=api_schemes(env.git_schemes),
        allowed=env.git_allowed_networks,
        ca_file=env.git_ca_file,
        proxy=proxy.read(env.git_proxy, env.git_no_proxy),
    )


def fetch(text: str, *, terms: CallTerms) -> bytes:
    """The body of the answer to a GET of a url, in 4 s and 64 KiB; no redirect is followed.

    Raises:
        DocumentError: there is none.
    """
    status, body = _asked(text, None, {}, terms)
    if status != _OK:
        raise DocumentError(f"{urlsplit(text).hostname} answers with the status {status}")
    return body


def post(
    text: str, body: bytes, headers: Mapping[str, str], *, terms: CallTerms
) -> tuple[int, bytes]:
    """The status and body of the answer to a POST, within the same bounds.

    Raises:
        DocumentError: there is none.
    """
    return _asked(text, body, headers, terms)


async def answer(
    text: str, body: bytes | None, headers: Mapping[str, str], *, terms: CallTerms
) -> tuple[AnswerHead, bytes]:
    """The head and body of the answer to a GET, or with `body` a POST, within the same bounds.

    Raises:
        BadURLError: the url, or its scheme, may not be used.
        RemoteError: there is no answer.
    """
    url = parse(text, schemes=terms.schemes)
    # A url of a repository has no slash at its end, and to others it is another one with it.
    tail = "/" if text.endswith("/") else ""
    try:
        return await _answer(url, tail, body, headers, terms)
    except TimeoutError as exc:
        raise TimedOutError(f"{url.host} does not answer in time") from exc


def _asked(
    text: str, body: bytes | None, headers: Mapping[str, str], terms: CallTerms
) -> tuple[int, bytes]:
    try:
        head, answered = eventloop.submit(answer(text, body, headers, terms=terms)).result()
    except BadURLError as exc:
        raise DocumentError(f"its url {exc}") from exc
    except RemoteError as exc:
        raise DocumentError(exc.message) from exc
    return head.status, answered


async def _answer(
    url: RepoURL, tail: str, body: bytes | None, headers: Mapping[str, str], terms: CallTerms
) -> tuple[AnswerHead, bytes]:
    dial = terms.dial()
    asked = dial.answer(url, tail, {**_HEADERS, **headers}, body=body)
    try:
        async with asyncio.timeout(_DEADLINE_SECONDS), asked as found:
            pieces = [piece async for piece in read(found, max_bytes=_MAX_BYTES)]
            named = {name.lower(): found.headers[name] for name in found.headers}
            return AnswerHead(found.status, named), b"".join(pieces)
    finally:
        await dial.close()
