"""Forms of the outbound proxy's settings: its url, and the hosts that it is not for. Pure."""

import ipaddress
import re

_USERINFO = r"([A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+"
_PROXY = re.compile(
    rf"https?://({_USERINFO}:{_USERINFO}@)?([A-Za-z0-9._-]+|\[(?P<ipv6>[0-9A-Fa-f:.]+)\])"
    r":(?P<port>[0-9]{1,5})/?"
)
_EXCEPTION = re.compile(
    r"((\*?\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[(?P<ipv6>[0-9a-f:.]+)\])(:(?P<port>[0-9]{1,5}))?"
)


def is_proxy(text: str) -> bool:
    """True for `http(s)://[USER:PASSWORD@]HOST:PORT`, with user and password percent-encoded."""
    return _fits(_PROXY.fullmatch(text))


def is_exception(text: str) -> bool:
    """True for what a list of hosts without a proxy usually has, in lower case.

    That is `*`, a name with or without a dot before it, an address, a CIDR; all but the last may
    have a port.
    """
    return text == "*" or _is_network(text) or _fits(_EXCEPTION.fullmatch(text))


def _fits(parts: re.Match[str] | None) -> bool:
    if parts is None or (parts["ipv6"] and not _is_network(parts["ipv6"])):
        return False
    return parts["port"] is None or 0 < int(parts["port"]) < 65_536


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True
