"""A check of the control plane's address before a token is sent there."""

from __future__ import annotations

from urllib.parse import urlsplit

from kt.addresses import base_url, is_loopback, may_send
from kt.cli.errors import CommandError

INSECURE = "--insecure-http"


def check_url(url: str, *, insecure_http: bool) -> str:
    """A checked url, without a slash or `/v1` at its end.

    Raises:
        CommandError: it is no http url, or not safe for a token.
    """
    try:
        parts = urlsplit(url)
        is_url = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise CommandError(f"{url!r} is no url of a control plane; give {_meant(url)}")
    if parts.username is not None:
        raise CommandError("the control plane's url carries a user; take it out and give a token")
    if not may_send(url, insecure_http=insecure_http):
        raise CommandError(f"{url} is not https: a token could be read; give https or {INSECURE}")
    return base_url(url)


def _meant(text: str) -> str:
    """The form of a url, and the whole one where this machine is named without a scheme."""
    try:
        is_here = is_loopback(urlsplit(f"http://{text}").hostname or "")
    except ValueError:
        is_here = False
    return f"http://{text}, or https://HOST" if is_here else "https://HOST"
