"""Urls that notifications are sent to."""

import re
from collections.abc import Collection

from gitrepos.forge import addresses
from gitrepos.forge.addresses import BadURLError, RepoURL

_MAX_LENGTH = 2000
_URL = re.compile(r"(?P<scheme>[A-Za-z]+)://(?P<host>[^/?#]+)(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?")


def parse(text: str, *, schemes: Collection[str]) -> tuple[RepoURL, str]:
    """The server of a url, and what is asked of it: path and query.

    Raises:
        BadURLError: it cannot be called; the message never repeats it, since whoever knows it may
            send to it.
    """
    if len(text) > _MAX_LENGTH or re.search(r"[^\x21-\x7e]", text):
        raise BadURLError("must be at most 2000 printable ASCII characters without spaces")
    parts = _URL.fullmatch(text)
    if parts is None:
        raise BadURLError("must be a full url without #, such as https://hooks.example/path")
    if "@" in parts["host"]:
        raise BadURLError("must not carry a user or password")
    if (scheme := parts["scheme"].lower()) not in schemes:
        raise BadURLError(f"has a scheme other than {', '.join(sorted(schemes))}")
    # The path is there for the sake of a parser that wants one.
    url = addresses.parse(f"{scheme}://{parts['host']}/x", schemes=schemes)
    server = RepoURL(addresses.origin(url.text), url.scheme, url.host, url.port)
    return server, (parts["path"] or "/") + (parts["query"] or "")


def place(url: RepoURL) -> str:
    """Host and port of a server, for people."""
    return url.text.partition("://")[2]
