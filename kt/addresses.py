"""Rules for urls to which a token may be sent."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its address or as `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def base_url(url: str) -> str:
    """A control plane's url without what each call puts behind it: a slash, `/v1` or `/v1/`.

    The control plane itself prints its address with `/v1`.
    """
    bare = url.rstrip("/")
    # `//v1` is no path, but a host of that name.
    return bare if bare.endswith("//v1") else bare.removesuffix("/v1").rstrip("/")


def may_send(url: str, *, insecure_http: bool) -> bool:
    """Whether a token may go to a url: https, or http that is local or explicitly allowed."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme == "http":
        return bool(host) and (insecure_http or is_loopback(host))
    return parts.scheme == "https" and bool(host)
