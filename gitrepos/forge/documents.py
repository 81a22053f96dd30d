"""Documents of other servers: one small GET each, called as forges are."""

import asyncio
from collections.abc import Collection, Sequence

from gitrepos.errors import RemoteError
from gitrepos.forge import eventloop
from gitrepos.forge.addresses import BadURLError, Network, RepoURL, parse
from gitrepos.forge.connections import Dial, read
from gitrepos.forge.proxy import Proxy

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


def fetch(
    text: str,
    *,
    schemes: Collection[str],
    allowed: Sequence[Network],
    ca_file: str,
    proxy: Proxy,
) -> bytes:
    """The body of the answer to a GET of a url, in 4 s and 64 KiB; no redirect is followed.

    Raises:
        DocumentError: there is none.
    """
    try:
        url = parse(text, schemes=schemes)
    except BadURLError as exc:
        raise DocumentError(f"its url {exc}") from exc
    dialling = _get(url, allowed=allowed, ca_file=ca_file, proxy=proxy)
    try:
        return eventloop.submit(dialling).result()
    except TimeoutError as exc:
        raise DocumentError(f"{url.host} does not answer in time") from exc
    except RemoteError as exc:
        raise DocumentError(exc.message) from exc


async def _get(url: RepoURL, *, allowed: Sequence[Network], ca_file: str, proxy: Proxy) -> bytes:
    dial = Dial(allowed, ca_file=ca_file, proxy=proxy)
    try:
        async with asyncio.timeout(_DEADLINE_SECONDS), dial.answer(url, "", _HEADERS) as answer:
            if answer.status != _OK:
                raise DocumentError(f"{url.host} answers with the status {answer.status}")
            return b"".join([piece async for piece in read(answer, max_bytes=_MAX_BYTES)])
    finally:
        await dial.close()
