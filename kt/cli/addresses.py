"""The control plane's address, and whether a token may go there."""

from __future__ import annotations

from urllib.parse import urlsplit

from kt.addresses import may_send
from kt.cli.errors import CommandError

INSECURE = "--insecure-http"


def check_url(url: str, *, insecure_http: bool) -> str:
    """A url without a slash at its end.

    Raises:
        CommandError: it is none, or a token sent there could be read on its way.
    """
    try:
        parts = urlsplit(url)
        is_url = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise CommandError(f"{url!r} is no url of a control plane: https://HOST")
    if parts.username is not None:
        raise CommandError("the control plane's url carries a user; use a token")
    if not may_send(url, insecure_http=insecure_http):
        raise CommandError(f"{url} is not https: a token could be read there; {INSECURE} allows it")
    return url.rstrip("/")
