"""Rules for urls to which a token may be sent, and for those of Redis."""

from __future__ import annotations

import ipaddress
from urllib.parse import parse_qs, urlsplit


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


def redis_warnings(url: str) -> list[str]:
    """A line for each thing by which others on the network may read and write what is in Redis.

    No line repeats the url: it may hold a password.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss") or is_loopback(parts.hostname or "localhost"):
        return []
    lines = []
    if parts.scheme == "redis":
        lines.append("redis:// crosses the network in clear; rediss:// encrypts it")
    elif "none" in parse_qs(parts.query).get("ssl_cert_reqs", []):
        lines.append("ssl_cert_reqs=none lets anybody pose as the server; leave it out")
    if not parts.password:
        lines.append("there is no password, so whoever reaches the server may use it")
    return lines
