"""The operator's outbound proxy: which calls go through it, and which are refused before. Pure."""

import base64
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from gitrepos.errors import HostNotAllowedError
from gitrepos.forge.addresses import Network, RepoURL, admitted, literal_address
from gitrepos.forge.secret import Secret

EVERYWHERE: tuple[Network, ...] = tuple(map(ipaddress.ip_network, ("0.0.0.0/0", "::/0")))
"""The networks of a proxy, which the operator named wherever it is."""

_LOOPBACK = ("127.0.0.1", "::1")
_PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
# Names that no public server has. Source: RFC 6762, RFC 8375, and ICANN's board on `internal`.
_PRIVATE_ENDS = (".internal", ".local", ".home.arpa")
_EXCEPTION = re.compile(r"(\[(?P<ipv6>[^\]]*)\]|(?P<host>[^:]*))(:(?P<port>[0-9]+))?")


@dataclass(frozen=True, slots=True)
class Proxy:
    """An outbound proxy, of which `scheme` is empty where there is none.

    `user` and `password` are empty for one that asks for neither. Hosts that `exceptions` name are
    called directly.
    """

    scheme: str = ""
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    exceptions: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """The host and port, for messages and urls."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def text(self) -> str:
        """The whole url, with user and password."""
        user, password = quote(self.user, safe=""), quote(self.password, safe="")
        return f"{self.scheme}://{f'{user}:{password}@' if user else ''}{self.place}"

    @property
    def authorization(self) -> str:
        """The value of the header that it wants; empty for none. Source: RFC 7617."""
        if not self.user:
            return ""
        return f"Basic {base64.b64encode(f'{self.user}:{self.password}'.encode()).decode()}"

    @property
    def hidden(self) -> tuple[str, ...]:
        """The texts that no message may hold."""
        if not self.user:
            return ()
        encoded = self.authorization.removeprefix("Basic ")
        return self.password, quote(self.password, safe=""), encoded

    def serves(self, url: RepoURL) -> bool:
        """True when calls to `url` go through the proxy."""
        if not self.scheme or url.scheme == "file":
            return False
        return not any(_names(exception, url) for exception in self.exceptions)

    def would_see(self, url: RepoURL, secret: Secret) -> bool:
        """True when the proxy's own TLS would be shown the client certificate of a call.

        git has settings for either side, and shows it to the forge alone.
        """
        return self.scheme == "https" and secret.certificate is not None and self.serves(url)

    def judge(self, url: RepoURL, *, allowed: Sequence[Network]) -> None:
        """Check, by its name alone, that the proxy may be asked for `url`.

        Which address a name has is known to the proxy alone.

        Raises:
            HostNotAllowedError: it is an address or a name of a private network, or an ssh url.
        """
        if url.scheme == "ssh":
            raise HostNotAllowedError(
                f"ssh does not go through the proxy: link the https url, or have an operator name"
                f" {url.host!r} in KEEPTRUSTS_GIT_NO_PROXY, so that it is called directly."
            )
        if literal := literal_address(url.host):
            admitted(url.host, [str(literal)], allowed=allowed)
        elif f".{url.host}".endswith(".localhost"):
            admitted(url.host, _LOOPBACK, allowed=allowed)
        elif _is_private(url.host) and not _allows_private(allowed):
            raise HostNotAllowedError(
                f"{url.host!r} is a name of a private network, for which the proxy is not asked; an"
                " operator names it in KEEPTRUSTS_GIT_NO_PROXY, so that it is called directly."
            )


DIRECT = Proxy()


def read(text: str, exceptions: Sequence[str] = ()) -> Proxy:
    """Read `SCHEME://[USER:PASSWORD@]HOST:PORT`, percent-encoded; empty for no proxy."""
    if not text:
        return DIRECT
    parts = urlsplit(text)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    host, port = parts.hostname or "", parts.port or 0
    return Proxy(parts.scheme, host, port, user, password, tuple(exceptions))


def _names(exception: str, url: RepoURL) -> bool:
    """True when an exception means the url's host: a name and all below it, an address, a network.

    It may end with a port.
    """
    if exception == "*":
        return True
    parts = _EXCEPTION.fullmatch(exception)  # Nothing else than a bare IPv6 address has two colons.
    host = (parts["ipv6"] or parts["host"]) if parts else exception
    if parts and parts["port"] and int(parts["port"]) != url.port:
        return False
    literal = literal_address(url.host)
    if literal is None:
        return f".{url.host}".endswith(f".{host.removeprefix('*').removeprefix('.').lower()}")
    try:
        return literal in ipaddress.ip_network(host, strict=False)
    except ValueError:
        return False  # A name, which the url does not have.


def _is_private(host: str) -> bool:
    return "." not in host or host.endswith(_PRIVATE_ENDS)


def _allows_private(allowed: Sequence[Network]) -> bool:
    """True when every private address is allowed, so that a private name's is."""
    networks = [one for one in allowed if isinstance(one, ipaddress.IPv4Network)]
    return all(
        any(private.subnet_of(network) for network in networks)
        for private in _PRIVATE
        if isinstance(private, ipaddress.IPv4Network)
    )
